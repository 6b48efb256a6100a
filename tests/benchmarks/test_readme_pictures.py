"""Pictures for the README: small, and from the newest version."""

from __future__ import annotations

import io

import click
import numpy as np
import pytest
from PIL import Image

from mtcm_pipeline.benchmarks.readme_pictures import (
    LARGEST_BYTES,
    newest,
    small_png,
)


def test_noise_is_squeezed_until_it_fits():
    noise = np.random.default_rng(0).integers(0, 256, (500, 900, 3), np.uint8)
    content = small_png(Image.fromarray(noise), 600)
    shown = Image.open(io.BytesIO(content))
    assert shown.format == "PNG" and shown.size == (600, 333)
    assert len(content) <= LARGEST_BYTES


def test_flat_colours_survive():
    flat = np.zeros((40, 60, 3), np.uint8)
    flat[:, 30:] = (0, 114, 178)
    shown = Image.open(io.BytesIO(small_png(Image.fromarray(flat), 600)))
    np.testing.assert_array_equal(np.asarray(shown.convert("RGB")), flat)


def test_the_newest_version_is_taken_and_its_absence_is_said(tmp_path):
    for version in ("2026-01-02", "2026-01-10"):
        place = tmp_path / "coverage.png" / version
        place.mkdir(parents=True)
        (place / "coverage.png").write_bytes(b"")
    assert newest(tmp_path / "coverage.png", "").parent.name == "2026-01-10"
    with pytest.raises(click.ClickException, match=r"no map\.png .* run kedro run"):
        newest(tmp_path / "map.png", "")
