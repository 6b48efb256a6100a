"""Farthest-point sampling against brute force, and where rows lie in one place."""

from __future__ import annotations

import numpy as np
import pytest

from mtcm_pipeline.capture.farthest_points import farthest_rows


def by_brute_force(features, count, first):
    rows = [first]
    while len(rows) < count:
        others = [row for row in range(len(features)) if row not in rows]
        apart = [np.linalg.norm(features[row] - features[rows], axis=1) for row in others]
        rows.append(others[int(np.argmax([each.min() for each in apart]))])
    return rows


@pytest.mark.parametrize("seed", range(4))
def test_each_row_is_the_farthest_from_those_before(seed):
    features = np.random.default_rng(seed).normal(size=(30, 3))
    found = farthest_rows(features, 12, first=seed)
    assert found.tolist() == by_brute_force(features, 12, seed)


def test_it_begins_with_the_most_central_row_and_ends_with_the_last():
    line = np.array([[0.0], [1.0], [2.1], [9.0], [10.0]])
    assert farthest_rows(line, 3).tolist() == [2, 4, 0]  # the mean is 4.4
    assert sorted(farthest_rows(line, 50).tolist()) == list(range(5))


def test_rows_in_one_place_are_taken_once_each():
    assert farthest_rows(np.zeros((4, 2)), 4).tolist() == [0, 1, 2, 3]
