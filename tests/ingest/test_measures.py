"""Sharpness, luminance, clipping and mask numbers against arithmetic and invariance."""

from itertools import pairwise

import numpy as np
import pytest
from ingest_captures import picture
from scipy.ndimage import gaussian_filter

from mtcm_pipeline.ingest.measures import (
    border_share,
    clipped_share_of,
    grey_of,
    luminance_of,
    mask_box,
    measure_frame,
    sharpness_of,
    shrink,
)


@pytest.fixture(scope="module")
def grey():
    return grey_of(picture(3, 200, 160))


def test_sharpness_falls_with_every_step_of_blur(grey):
    values = [sharpness_of(gaussian_filter(grey, s)) for s in (0, 0.5, 1, 1.5, 2, 3, 4)]
    assert all(a > b for a, b in pairwise(values))


def test_sharpness_inside_a_mask_falls_too(grey):
    inside = np.zeros(grey.shape, dtype=bool)
    inside[40:120, 50:150] = True
    values = [sharpness_of(gaussian_filter(grey, s), inside) for s in (0, 1, 2, 4)]
    assert all(a > b for a, b in pairwise(values))


def test_sharpness_does_not_depend_on_exposure_or_contrast(grey):
    assert np.isclose(sharpness_of(0.3 * grey + 0.2), sharpness_of(grey), rtol=1e-9)


def test_sharpness_of_a_sine_wave_is_its_frequency_to_the_fourth():
    """The Laplacian of sin(wx) is -(2 - 2 cos w) sin(wx) on the pixel grid."""
    w = 2 * np.pi / 16
    wave = np.tile(np.sin(w * np.arange(322)), (66, 1))
    assert np.isclose(sharpness_of(wave), (2 - 2 * np.cos(w)) ** 2, rtol=0.02)


def test_one_highlight_makes_nothing_sharp(grey):
    spotted = gaussian_filter(grey, 3)
    smooth = sharpness_of(spotted)
    spotted[80, 100] = 1.0
    assert sharpness_of(spotted) < 1.2 * smooth


def test_nothing_to_measure_is_absent():
    assert np.isnan(sharpness_of(np.full((50, 50), 0.5)))
    assert np.isnan(sharpness_of(np.ones((2, 50))))
    inside = np.zeros((50, 50), dtype=bool)
    inside[:3, :3] = True
    assert np.isnan(sharpness_of(np.random.default_rng(0).random((50, 50)), inside))


def srgb(linear):
    """Linear light to sRGB codes (IEC 61966-2-1), the inverse of the code under test."""
    curve = np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055
    )
    return np.round(255 * curve).astype(np.uint8)


def test_luminance_scales_with_exposure():
    light = np.random.default_rng(1).uniform(0.05, 0.9, (80, 60, 3))
    full = luminance_of(srgb(light))
    for exposure in (0.5, 0.25):
        assert np.isclose(
            luminance_of(srgb(light * exposure)), full * exposure, rtol=0.01
        )


def test_luminance_by_hand():
    assert luminance_of(np.full((4, 4, 3), 255, np.uint8)) == pytest.approx(1.0)
    green = np.zeros((4, 4, 3), np.uint8)
    green[..., 1] = 255
    assert luminance_of(green) == pytest.approx(0.7152)


def test_clipped_share_by_counting():
    pixels = np.full((10, 10, 3), 100, np.uint8)
    pixels[:2] = 0  # 20 black
    pixels[5, :5, 0] = 255  # 5 with a white channel
    pixels[9, :, 0] = 0  # one black channel is no black pixel
    assert clipped_share_of(pixels) == pytest.approx(0.25)


def test_mask_numbers_by_counting():
    mask = np.zeros((10, 20), dtype=bool)
    mask[:5, :4] = True
    pixels = picture(0, 24, 16)[:10, :20]
    measures = measure_frame(pixels, pixels, mask)
    assert measures.mask_area == pytest.approx(20 / 200)
    assert measures.mask_touches_border == pytest.approx((4 + 4) / 56)
    assert border_share(np.ones((3, 3), dtype=bool)) == 1.0


def test_the_box_is_half_open_and_covers_exactly_the_foreground():
    random = np.random.default_rng(4)
    for _ in range(20):
        mask = random.random((7, 9)) < 0.08
        places = [(x, y) for y in range(7) for x in range(9) if mask[y, x]]
        if not places:
            assert np.isnan(mask_box(mask)).all()
            continue
        xs, ys = zip(*places, strict=True)
        assert mask_box(mask) == (min(xs), min(ys), max(xs) + 1, max(ys) + 1)
    assert mask_box(np.ones((7, 9), dtype=bool)) == (0, 0, 9, 7)


def test_without_mask_its_numbers_are_absent():
    measures = measure_frame(picture(0), picture(0), None)
    assert np.isnan(measures.mask_area)
    assert np.isnan(measures.mask_touches_border)
    assert np.isnan(measures.mask_box).all()
    assert np.isnan(measures.sharpness_in_mask)


def test_shrinking_averages_and_never_enlarges():
    pixels = picture(0, 400, 200)
    shrunk = shrink(pixels, 100)
    assert shrunk.shape == (50, 100, 3)
    blocks = pixels.reshape(50, 4, 100, 4, 3).mean(axis=(1, 3))
    assert np.abs(shrunk - blocks).max() < 2.0  # rounded twice
    assert np.array_equal(shrink(pixels, 400), pixels)
    assert shrink(picture(0), 160).shape == (64, 96, 3)


def test_sharpness_in_a_mask_of_the_full_size_is_measured_on_the_shrunk_image():
    pixels = picture(1, 160, 160)
    shrunk = shrink(pixels, 80)
    everywhere = np.ones((160, 160), dtype=bool)
    measures = measure_frame(pixels, shrunk, everywhere)
    assert measures.sharpness_in_mask == pytest.approx(measures.sharpness)
