"""Matching against loops over all features."""

import numpy as np
import pytest

from mtcm_pipeline.twoview.features import Features
from mtcm_pipeline.twoview.matching import (
    Room,
    match_features,
    mutual_matches,
    unit_descriptors,
)


def by_loops(a, b, ratio):
    """Distances one by one; returns {(row of a, row of b)}."""
    distance = [[float(np.linalg.norm(x - y)) for y in b] for x in a]
    found = set()
    for i in range(len(a)):
        j = int(np.argmin(distance[i]))
        column = [distance[k][j] for k in range(len(a))]
        if int(np.argmin(column)) != i:
            continue
        others_of_i = [distance[i][k] for k in range(len(b)) if k != j]
        others_of_j = [column[k] for k in range(len(a)) if k != i]
        nearest = distance[i][j]
        if nearest < ratio * min(others_of_i) and nearest < ratio * min(others_of_j):
            found.add((i, j))
    return found


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("ratio", [0.6, 0.85, 1.0])
def test_equals_brute_force(seed, ratio):
    rng = np.random.default_rng(seed)
    a = unit(rng.normal(size=(30, 16)))
    b = unit(
        np.vstack([a[:20] + 0.25 * rng.normal(size=(20, 16)), rng.normal(size=(8, 16))])
    )
    rows, worse = mutual_matches(a, b, ratio)
    assert set(map(tuple, rows.tolist())) == by_loops(a, b, ratio)
    assert (worse < ratio).all()


def test_order_of_the_photographs_does_not_matter():
    rng = np.random.default_rng(5)
    a, b = unit(rng.normal(size=(25, 12))), unit(rng.normal(size=(31, 12)))
    forward, _ = mutual_matches(a, b, 0.95)
    backward, _ = mutual_matches(b, a, 0.95)
    assert set(map(tuple, forward.tolist())) == set(
        map(tuple, backward[:, ::-1].tolist())
    )


def test_nothing_to_match_gives_nothing():
    none, some = np.zeros((0, 128), np.float32), unit(np.eye(3, 128) + 0.1)
    assert mutual_matches(none, some, 0.8)[0].shape == (0, 2)
    assert mutual_matches(some, none, 0.8)[0].shape == (0, 2)


def test_a_point_with_two_orientations_counts_once_and_the_most_distinct_stay():
    rng = np.random.default_rng(0)
    descriptors = rng.integers(0, 200, (6, 128)).astype(np.uint8)
    xy = np.arange(12, dtype=np.float32).reshape(6, 2)
    xy[1] = xy[0]  # two descriptors at one place
    features = Features(xy, descriptors, (100, 100))
    rows = match_features(features, features, ratio=0.8, max_matches=300)
    assert len(rows) == 5
    assert (rows[:, 0] == rows[:, 1]).all()
    assert len(match_features(features, features, ratio=0.8, max_matches=3)) == 3


def test_descriptors_get_unit_length_and_empty_ones_stay_finite():
    lengths = np.linalg.norm(unit_descriptors(np.eye(2, 128, dtype=np.uint8) * 9), axis=1)
    np.testing.assert_allclose(lengths, 1)
    assert np.isfinite(unit_descriptors(np.zeros((1, 128), np.uint8))).all()


def test_equally_near_ones_never_match_however_they_lie():
    a = unit(np.eye(4, 8))
    twins_in_b = np.vstack([a[0], a[0], a[1], a[2]])
    rows, _ = mutual_matches(a, twins_in_b, 1.0)
    assert rows.tolist() == [[1, 2], [2, 3]]
    rows, _ = mutual_matches(twins_in_b, a, 1.0)
    assert rows.tolist() == [[2, 1], [3, 2]]


def test_places_are_told_apart_by_both_numbers():
    rng = np.random.default_rng(0)
    descriptors = rng.integers(0, 200, (5, 128)).astype(np.uint8)
    xy = np.array([[1, 2], [2, 1], [0, 3], [-0.0, 3], [1, 2]], np.float32)
    features = Features(xy, descriptors, (100, 100))
    rows = match_features(features, features, ratio=0.8, max_matches=300)
    assert sorted(map(tuple, xy[rows[:, 0]].tolist())) == [(0, 3), (1, 2), (2, 1)]


def test_memory_used_again_changes_nothing():
    rng = np.random.default_rng(3)
    room = Room()
    for count_a, count_b in [(40, 30), (5, 60), (50, 1), (1, 50), (44, 44)]:
        a, b = unit(rng.normal(size=(count_a, 12))), unit(rng.normal(size=(count_b, 12)))
        fresh, again = mutual_matches(a, b, 0.9), mutual_matches(a, b, 0.9, room)
        np.testing.assert_array_equal(fresh[0], again[0])
        np.testing.assert_array_equal(fresh[1], again[1])
