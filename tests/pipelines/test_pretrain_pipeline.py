"""The pretrain pipeline from its captures to weights that a training starts from."""

from __future__ import annotations

import pytest

from mtcm_pipeline.mtcm import generated
from mtcm_pipeline.mtcm.options import TrainOptions
from mtcm_pipeline.mtcm.residual_model import ResidualMtcm
from mtcm_pipeline.mtcm.start import starting_weights
from mtcm_pipeline.sample.options import SampleOptions
from project_copy import ProjectCopy

IDENTITY = "Whoever"
SIZE = {"d_model": 32, "heads": 4, "layers": 1}
TINY = {
    "pretrain": {
        "captures": 2, "held_out": 1, "variants": 1, "draws": 1, "epochs": 2, "steps": 2,
    },
    "train": SIZE,
}  # fmt: skip


def _small(seed: int, **_: object) -> SampleOptions:
    return SampleOptions(
        frames=14, width=48, height=64, seed=seed, voxel_mm=12, supersample=1,
        faults=False,
    )  # fmt: skip


@pytest.mark.slow
def test_pretraining_ends_in_weights_that_training_takes(tmp_path, monkeypatch):
    monkeypatch.setattr(generated, "varied_options", _small)
    project = ProjectCopy(tmp_path)
    (project.data / "raw_images" / IDENTITY).mkdir(parents=True)
    project.run("pretrain", identity=IDENTITY, **TINY)
    file = next(project.outputs(IDENTITY).glob("pretrain/*/*/*.safetensors"))
    options = TrainOptions(init=str(file), **SIZE)
    weights = starting_weights(options)
    assert weights is not None
    assert set(weights) == set(ResidualMtcm(options).state_dict())
    history = project.load("pretraining_history", identity=IDENTITY)
    assert len(history) == 2
    card = project.load("pretraining_card", identity=IDENTITY)
    assert "trained on: generated_100" in card
    assert "held out (early stopping): generated_101" in card
    # A second run finds its captures made and its training done.
    monkeypatch.setattr(generated, "generated_tokens", None)
    project.run("pretrain", identity=IDENTITY, **TINY)
    again = project.load("pretraining_history", identity=IDENTITY)
    assert again.equals(history)
