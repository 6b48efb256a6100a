"""Squares and normalisation, by arithmetic."""

import numpy as np
import pytest

from mtcm_pipeline.encoders.preprocessing import square_batch, squeeze_to_square
from mtcm_pipeline.errors import FileContentError


def test_normalisation_by_hand_on_a_uniform_image():
    image = np.full((50, 30, 3), (255, 127, 0), dtype=np.uint8)
    batch = square_batch([image], side=16, mean=(0.5, 0.0, 0.25), std=(0.5, 1.0, 0.5))
    assert batch.shape == (1, 3, 16, 16)
    assert batch.dtype == np.float32
    assert np.allclose(batch[0, 0], 1.0)
    assert np.allclose(batch[0, 1], 127 / 255)
    assert np.allclose(batch[0, 2], -0.5)


def test_channels_and_axes_are_not_swapped():
    image = np.zeros((32, 32, 3), dtype=np.uint8)
    image[:16, :, 2] = 255  # the upper half is blue
    batch = square_batch([image], side=32, mean=(0, 0, 0), std=(1, 1, 1))
    assert batch[0, 2, :16].min() == 1.0
    assert batch[0, 2, 16:].max() == 0.0
    assert batch[0, :2].max() == 0.0


def test_squeezing_twice_is_squeezing_once():
    image = np.random.default_rng(0).integers(0, 256, (90, 70, 3), dtype=np.uint8)
    once = squeeze_to_square(image, 24)
    assert np.array_equal(squeeze_to_square(once, 24), once)


def test_other_arrays_are_refused():
    with pytest.raises(FileContentError, match="float64"):
        squeeze_to_square(np.zeros((4, 4, 3)), 2)  # type: ignore[arg-type]
    with pytest.raises(FileContentError, match=r"\(4, 4\)"):
        squeeze_to_square(np.zeros((4, 4), dtype=np.uint8), 2)
