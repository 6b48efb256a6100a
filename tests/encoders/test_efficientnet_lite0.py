"""The offline encoder: reproducible, and blind to what else is in the batch."""

import numpy as np
import pytest
import torch

from mtcm_pipeline.encoders.efficientnet_lite0 import EfficientNetLite0
from mtcm_pipeline.encoders.preprocessing import squeeze_to_square
from mtcm_pipeline.encoders.registry import load_encoder
from mtcm_pipeline.errors import FileContentError, ParameterError


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("efficientnet_lite0")


@pytest.fixture(scope="module")
def pictures():
    """Coloured blocks in several sizes."""
    rng = np.random.default_rng(5)
    sizes = [(120, 80), (80, 120), (200, 200), (64, 64), (300, 180)]
    coarse = [rng.integers(0, 256, (6, 6, 3), dtype=np.uint8) for _ in sizes]
    return [
        np.kron(c, np.ones((h // 6, w // 6, 1), np.uint8))
        for c, (h, w) in zip(coarse, sizes, strict=True)
    ]


def test_unit_length_and_width(encoder, pictures):
    vectors = encoder.encode(pictures)
    assert vectors.shape == (5, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)


def test_same_image_same_vector_in_any_batch(encoder, pictures):
    together = encoder.encode(pictures * 4)  # 20: more than one internal batch
    alone = np.concatenate([encoder.encode([picture]) for picture in pictures])
    assert np.allclose(together, np.tile(alone, (4, 1)), atol=1e-5)


def test_a_second_load_gives_the_same_and_draws_nothing(encoder, pictures):
    torch.manual_seed(9)
    expected = torch.rand(3)
    torch.manual_seed(9)
    again = EfficientNetLite0.load()
    assert torch.equal(torch.rand(3), expected)  # the global generator was left alone
    assert np.array_equal(again.encode(pictures[:2]), encoder.encode(pictures[:2]))


def test_squeezing_beforehand_changes_nothing(encoder, pictures):
    squeezed = [squeeze_to_square(p, encoder.side_px) for p in pictures]
    assert np.array_equal(encoder.encode(squeezed), encoder.encode(pictures))


def test_different_pictures_are_not_one_point(encoder, pictures):
    vectors = encoder.encode(pictures)
    assert (vectors @ vectors.T)[np.triu_indices(5, 1)].max() < 0.99


def test_no_images_no_rows(encoder):
    assert encoder.encode([]).shape == (0, 384)


def test_wrong_weights_files_are_named(tmp_path):
    with pytest.raises(ParameterError, match=r"absent\.pth"):
        EfficientNetLite0.load(tmp_path / "absent.pth")
    other = tmp_path / "other.pth"
    torch.save({"a": torch.zeros(2)}, other)
    with pytest.raises(FileContentError, match=r"other\.pth"):
        EfficientNetLite0.load(other)
    other.write_bytes(b"not a weights file")
    with pytest.raises(FileContentError, match=r"other\.pth"):
        EfficientNetLite0.load(other)
    torch.save({"network": torch.nn.Linear(2, 2)}, other)  # would need unpickling code
    with pytest.raises(FileContentError, match=r"other\.pth"):
        EfficientNetLite0.load(other)
