"""The offline model itself, where the extra `masks` and its weights are installed."""

import importlib.util
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mtcm_pipeline.errors import ParameterError
from mtcm_pipeline.formats.masks import decode_mask
from mtcm_pipeline.segmentation.missing_masks import make_missing_masks
from mtcm_pipeline.segmentation.u2netp import (
    MEAN,
    STD,
    U2NetP,
    find_weights,
    network_input,
    stretched,
)

CAPTURES = Path(__file__).parents[2].parent / "shared" / "captures"


def installed():
    try:
        find_weights()
    except ParameterError:
        return False
    return importlib.util.find_spec("onnxruntime") is not None


needs_extra = pytest.mark.skipif(
    not installed(), reason="the extra masks, or the weights of u2netp, are not installed"
)
needs_captures = pytest.mark.skipif(
    not CAPTURES.is_dir(), reason="the real captures are not there"
)


def overlap(a, b):
    return (a & b).sum() / (a | b).sum()


def png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_input_is_divided_by_the_images_own_maximum():
    dark = np.full((320, 320, 3), 50, np.uint8)
    dark[:160] = 100  # the brightest, so 1.0
    values = network_input(dark)[0]
    assert values.shape == (3, 320, 320) and values.dtype == np.float32
    for channel in range(3):
        top, bottom = values[channel, 10, 10], values[channel, 300, 10]
        assert top == pytest.approx((1.0 - MEAN[channel]) / STD[channel], abs=1e-5)
        assert bottom == pytest.approx((0.5 - MEAN[channel]) / STD[channel], abs=1e-5)
    assert np.isfinite(network_input(np.zeros((40, 30, 3), np.uint8))).all()


def test_saliency_is_stretched_only_where_something_stands_out():
    raw = np.array([[0.1, 0.8]], np.float32)
    assert np.allclose(stretched(raw), [[0.0, 1.0]])
    faint = np.array([[0.0, 0.3]], np.float32)
    assert np.array_equal(stretched(faint), faint)


def test_a_file_that_is_not_there_is_an_error_with_a_remedy(tmp_path):
    with pytest.raises(ParameterError, match="--no-deps"):
        U2NetP.load(tmp_path / "absent.onnx")


@needs_extra
def test_a_bright_disc_on_dark_ground_is_found():
    y, x = np.mgrid[:240, :320]
    truth = (y - 120) ** 2 + (x - 150) ** 2 <= 60**2
    pixels = np.full((240, 320, 3), 25, np.uint8)
    pixels[truth] = (230, 180, 60)
    made = make_missing_masks({"a.png": lambda: png(pixels)}, {}, load=U2NetP.load)
    mask, _ = decode_mask(made.masks["a.png"], "a.png", size=(320, 240))
    assert overlap(mask, truth) > 0.9


@needs_extra
def test_nothing_stands_out_of_an_even_wall():
    wall = png(np.full((240, 320, 3), 120, np.uint8))
    made = make_missing_masks({"a.png": lambda: wall}, {}, load=U2NetP.load)
    assert not made.masks and made.table["reason"][0]


@needs_extra
@needs_captures
@pytest.mark.slow
@pytest.mark.parametrize(
    ("capture", "least"),
    [("maryrose_tankard", 0.95), ("chair_synthetic", 0.93), ("ethiopian_head", 0.75)],
)
def test_masks_agree_with_the_true_ones_of_real_captures(capture, least):
    files = sorted((CAPTURES / capture / "images").iterdir())[::12]
    images = {file.name: file.read_bytes for file in files}
    made = make_missing_masks(images, {}, load=U2NetP.load)
    assert len(made.masks) == len(files)
    overlaps = []
    for name, content in made.masks.items():
        truth = CAPTURES / capture / "masks" / name
        image = next(file for file in files if file.stem == truth.stem)
        size = Image.open(image).size
        mask, _ = decode_mask(content, name, size=size)
        overlaps.append(
            overlap(mask, decode_mask(truth.read_bytes(), name, size=size)[0])
        )
    assert np.mean(overlaps) > least
