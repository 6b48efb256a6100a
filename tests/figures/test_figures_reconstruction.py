"""The sheet of held-out frames: order, numbers, sizes."""

from __future__ import annotations

import numpy as np
import pytest

from mtcm_pipeline.field.quality import Comparison, ViewQuality
from mtcm_pipeline.figures.reconstruction import (
    ReconstructionRow,
    reconstruction_sheet,
    worst_and_best,
)


def pair(height=20, width=30, error=0.1) -> Comparison:
    truth = np.full((height, width, 3), 0.5, np.float32)
    return Comparison(truth, truth + np.float32(error), None)


def test_the_worst_come_first_and_the_best_last_and_none_twice():
    qualities = [
        ViewQuality(name, decibels, 0.9, np.nan)
        for name, decibels in zip("abcde", (30.0, 10.0, 20.0, 50.0, 40.0), strict=True)
    ]
    rows = worst_and_best(qualities, [pair()] * 5, 2)
    assert [row.caption[0] for row in rows] == ["b", "c", "e", "d"]
    everything = worst_and_best(qualities[:3], [pair()] * 3, 2)
    assert [row.caption[0] for row in everything] == ["b", "c", "a"]
    assert rows[0].caption == "b: PSNR 10.0 dB, SSIM 0.900"


def test_masked_views_are_ordered_by_what_is_inside():
    qualities = [ViewQuality("a", 30, 0.9, 12), ViewQuality("b", 20, 0.9, 19)]
    rows = worst_and_best(qualities, [pair()] * 2, 1)
    assert [row.caption[0] for row in rows] == ["a", "b"]
    assert "12.0 dB inside the mask" in rows[0].caption


@pytest.mark.parametrize("size", [(20, 30), (40, 20)])
def test_pictures_keep_their_shape_and_share_one_scale(size):
    rows = [
        ReconstructionRow("x", pair(*size, e).truth, pair(*size, e).rendering)
        for e in (0.1, 0.3)
    ]
    figure = reconstruction_sheet(rows, "Held out")
    width, height = figure.get_size_inches()
    pictures = [axes for axes in figure.axes if axes.images]
    assert len(pictures) == 6
    for axes in pictures:
        place = axes.get_position()
        shape = place.height * height / (place.width * width)
        assert shape == pytest.approx(size[0] / size[1], rel=1e-6)
        assert place.x1 < 1 and place.y0 > 0
    for axes in pictures[2::3]:
        assert axes.images[0].get_clim() == pytest.approx((0.0, 0.3), rel=1e-5)
    assert any("difference" in axes.get_ylabel() for axes in figure.axes)


def test_nothing_held_out_is_said():
    figure = reconstruction_sheet([], "Held out")
    assert "nothing to compare" in figure.axes[0].texts[0].get_text()
