"""Filters on tables whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.trials.filters import (
    is_low,
    keep_all,
    keep_sound,
    keep_well_fitted,
)
from mtcm_pipeline.trials.fitting import Outcome

NAMES = tuple("abcdefghi")


def outcome(psnr, ssim=(0.9,) * 9, masked=(np.nan,) * 9) -> Outcome:
    return Outcome(tuple(psnr), tuple(masked), tuple(ssim), cpu_s=1.0)


def test_low_is_below_the_median_by_2_5_robust_standard_deviations():
    """Median 24, absolute deviations 4 3 2 1 0 1 2 3 4: median 2, so 24 - 7.413."""
    values = np.array([20.0, 21, 22, 23, 24, 25, 26, 27, 28])
    assert not is_low(values).any()
    values[0] = 24 - 2.5 * 1.4826 * 2 - 0.01
    assert is_low(values).tolist() == [True] + [False] * 8
    values[0] += 0.02
    assert not is_low(values).any()


def test_the_residual_filter_drops_what_is_low_in_psnr_or_in_ssim():
    ssim = [0.9, 0.91, 0.92, 0.9, 0.91, 0.92, 0.9, 0.91, 0.3]
    psnr = [5.0, 24, 25, 26, 24, 25, 26, 24, 25]
    verdict = keep_well_fitted(NAMES, outcome(psnr, ssim))
    assert verdict.kept == NAMES[1:-1]
    assert verdict.trust["a"] == verdict.trust["i"] == 0.0


def test_the_residual_filter_looks_inside_the_masks_where_there_are_any():
    masked = [5.0, 24, 25, 26, 24, 25, 26, 24, 25]
    verdict = keep_well_fitted(NAMES, outcome([30.0] * 9, masked=masked))
    assert verdict.kept == NAMES[1:]


def test_the_perfect_filter_knows_the_faults_and_no_filter_knows_nothing():
    assert keep_sound(NAMES, {"b", "h"}).kept == tuple("acdefgi")
    assert keep_all(NAMES).kept == NAMES


def test_a_filter_that_keeps_nothing_is_an_error():
    with pytest.raises(CaptureError, match="every frame"):
        keep_sound(NAMES, set(NAMES))
