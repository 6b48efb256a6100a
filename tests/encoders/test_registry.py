"""Encoders by name; nothing heavy is imported before one is asked for."""

import subprocess
import sys

import pytest

from mtcm_pipeline.encoders.registry import ENCODER_NAMES, load_encoder
from mtcm_pipeline.errors import ParameterError


def test_unknown_name_names_the_known():
    with pytest.raises(ParameterError, match="resnet") as caught:
        load_encoder("resnet")
    assert all(name in str(caught.value) for name in ENCODER_NAMES)


def test_dinov2_without_weights_says_what_to_get_and_which_key_to_set(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(ParameterError) as caught:
        load_encoder("dinov2_vits14")
    message = str(caught.value)
    assert "dinov2_vits14_pretrain.pth" in message
    assert "ingest.encoder_weights" in message
    assert "ingest.encoder_download=true" in message
    assert not list(tmp_path.iterdir())  # looking for them makes no folder


def test_importing_ingest_and_encoders_loads_no_torch():
    code = (
        "import sys, mtcm_pipeline.ingest.intake, mtcm_pipeline.encoders.registry;"
        "sys.exit('torch' in sys.modules or 'kedro' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
