"""The most alike frames against brute force, in chunks of any size."""

from __future__ import annotations

import numpy as np
import pytest
from judge_cases import evidence_of
from scipy.ndimage import uniform_filter

from mtcm_pipeline.judge.repeats import duplicate_columns, repeats_of


def brute_force(small: np.ndarray) -> np.ndarray:
    """(N, N) Pearson correlations of the pictures less their local means."""
    detail = [(s - uniform_filter(s, 7, mode="nearest")).ravel() for s in small]
    return np.corrcoef(detail)


@pytest.mark.parametrize("chunk", [1, 5, 100])
def test_repeats_against_all_correlations(chunk):
    small = np.random.default_rng(0).uniform(size=(13, 32, 32))
    small[9] = 0.7 * small[4] + 0.1
    found, alike = repeats_of(small, chunk), brute_force(small)
    assert found.twin[9] == 4 and found.earlier[9] == pytest.approx(1.0)
    assert found.later[4] == pytest.approx(1.0)
    assert found.twin[0] == 0 and found.earlier[0] == -1.0 and found.later[-1] == -1.0
    for row in range(1, 13):
        assert found.earlier[row] == pytest.approx(alike[row, :row].max())
        assert found.twin[row] == alike[row, :row].argmax()
    for row in range(12):
        assert found.later[row] == pytest.approx(alike[row, row + 1 :].max())


def test_a_copy_points_back_at_its_original_and_the_first_frame_at_none():
    evidence = evidence_of(15)
    evidence.small[11] = evidence.small[3]
    columns = duplicate_columns(evidence)
    assert columns["repeats_earlier"].argmax() == 11
    assert columns["repeats_later"].argmax() == 3
    assert (
        np.isnan(columns["twin_near"][0]) and np.isfinite(columns["twin_near"][1:]).all()
    )
