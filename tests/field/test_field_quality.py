"""PSNR and SSIM against arithmetic by hand and a direct double loop."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from field_scenes import STAY, ball, views_of
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.field.camera import camera_of
from mtcm_pipeline.field.fit import FittedField
from mtcm_pipeline.field.quality import ViewQuality, compare, psnr, ssim, summary
from mtcm_pipeline.field.render import picture
from mtcm_pipeline.field.ssim import blurred
from mtcm_pipeline.scene.views import PinholeViews


def perfect() -> FittedField:
    return FittedField(ball(), ("00.png",), {}, np.zeros(1, np.float32), 0.5, 0.0)


def test_psnr_by_hand():
    truth = np.zeros((2, 2, 3), np.float32)
    wrong = truth.copy()
    wrong[0, 0] = 0.2
    assert psnr(truth, wrong) == pytest.approx(10 * np.log10(4 / 0.04), rel=1e-5)
    inside = np.array([[1, 0], [0, 0]], np.float32)
    assert psnr(truth, wrong, inside) == pytest.approx(10 * np.log10(1 / 0.04), rel=1e-5)
    assert psnr(truth, wrong, 1 - inside) == 100.0
    assert np.isnan(psnr(truth, wrong, 0 * inside))


def test_the_separable_filter_is_the_windowed_mean():
    random = np.random.default_rng(0)
    picture = random.random((17, 23))
    found = blurred(torch.tensor(picture)).numpy()
    for row, column in ((0, 0), (8, 11), (16, 3)):
        total = weight = 0.0
        for y in range(max(0, row - 5), min(17, row + 6)):
            for x in range(max(0, column - 5), min(23, column + 6)):
                w = np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * 1.5**2))
                total, weight = total + w * picture[y, x], weight + w
        assert found[row, column] == pytest.approx(total / weight, rel=1e-5)


def test_ssim_of_equal_uniform_and_inverted_pictures():
    random = np.random.default_rng(0)
    picture = random.random((24, 30, 3)).astype(np.float32)
    assert ssim(picture, picture) == pytest.approx(1.0)
    assert ssim(picture, 1 - picture) < 0
    grey, bright = np.full_like(picture, 0.4), np.full_like(picture, 0.6)
    expected = (2 * 0.4 * 0.6 + 1e-4) / (0.4**2 + 0.6**2 + 1e-4)
    assert ssim(grey, bright) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("masked", [False, True])
def test_the_field_that_took_the_pictures_is_nearly_perfect(masked):
    views = views_of(ball(), 3, masked=masked)
    for quality in compare(perfect(), views, views.names):
        assert quality.psnr > (20 if masked else 60)  # masks are cut at half a pixel
        assert np.isnan(quality.masked_psnr) == (not masked)


def test_the_masked_psnr_does_not_see_the_background():
    views = views_of(ball(), 1, masked=True)
    (view,) = views.views
    spoilt = np.where(view.mask[..., None] > 0, view.rgb, 0)
    other = PinholeViews((dataclasses.replace(view, rgb=spoilt),), STAY)
    (first,) = compare(perfect(), views, views.names)
    (second,) = compare(perfect(), other, views.names)
    assert first == second


def test_names_are_answered_in_their_order_and_unknown_ones_are_named():
    views = views_of(ball(), 3)
    wanted = ["02.png", "00.png"]
    assert [q.name for q in compare(perfect(), views, wanted)] == wanted
    with pytest.raises(CaptureError, match=r"no view of 'x.png'"):
        compare(perfect(), views, ["x.png"])


def test_a_gain_forgives_exposure_only_where_it_is_asked_for():
    views = views_of(ball(), 1, masked=True)
    (view,) = views.views
    darker = PinholeViews((dataclasses.replace(view, rgb=view.rgb * 0.7),), STAY)
    (plain,) = compare(perfect(), darker, darker.names)
    (fitted,) = compare(perfect(), darker, darker.names, fit_gain=True)
    assert fitted.masked_psnr > plain.masked_psnr + 5


def test_a_gain_brightens_the_field_and_not_the_grey_behind_it():
    views = views_of(ball(), 1)
    (view,) = views.views
    behind = 0.5 * (1 - picture(ball(), camera_of(view)).alpha)[..., None]
    rgb = np.float32(0.7) * (view.rgb - behind) + behind
    darker = PinholeViews((dataclasses.replace(view, rgb=rgb),), STAY)
    (fitted,) = compare(perfect(), darker, darker.names, fit_gain=True)
    assert fitted.psnr > 60


def test_summary_takes_masks_only_where_every_view_has_one():
    nan = float("nan")
    both = [ViewQuality("a", 30, 0.9, 20), ViewQuality("b", 20, 0.7, 16)]
    assert dataclasses.astuple(summary(both)) == pytest.approx((18, 16, 0.8))
    mixed = [both[0], ViewQuality("b", 20, 0.7, nan)]
    assert dataclasses.astuple(summary(mixed)) == pytest.approx((25, 20, 0.8))
    with pytest.raises(CaptureError, match="no view was held out"):
        summary([])
