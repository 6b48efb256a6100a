import numpy as np
import pytest

from mtcm_pipeline.consistency.neighbours import (
    local_regression,
    nearest,
    time_brackets,
)


def test_nearest_equals_brute_force_and_skips_nan():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(20, 3))
    features[4] = np.nan
    index, distance = nearest(features, 5)
    assert (index[4] == -1).all() and np.isinf(distance[4]).all()
    for i in set(range(20)) - {4}:
        apart = np.linalg.norm(features - features[i], axis=1)
        apart[[i, 4]] = np.inf
        assert list(index[i]) == list(np.argsort(apart)[:5])


def test_identical_rows_are_neighbours_but_never_their_own():
    index, distance = nearest(np.zeros((4, 2)), 3)
    assert all(i not in index[i] for i in range(4)) and (distance == 0).all()


def test_fewer_rows_than_neighbours():
    index, _ = nearest(np.array([[0.0], [1.0]]), 4)
    assert index.tolist() == [[1, -1, -1, -1], [0, -1, -1, -1]]
    assert (nearest(np.array([[0.0]]), 2)[0] == -1).all()


def test_time_brackets_by_hand():
    times = np.array([0.0, 0.75, 0.25, 0.5])
    before, after = time_brackets(times, np.array([True, True, False, True]))
    assert before.tolist() == [-1, 3, 0, 0]
    assert after.tolist() == [3, -1, 3, 1]


def test_local_regression_predicts_a_smooth_field_without_looking_at_the_frame():
    rng = np.random.default_rng(0)
    features = rng.uniform(size=(200, 2))
    targets = np.stack([np.sin(3 * features[:, 0]), features[:, 1] ** 2], axis=1)
    predicted = local_regression(features, targets, 8)
    assert np.median(np.abs(predicted - targets)) < 0.03
    spoilt = targets.copy()
    spoilt[17] = 1e3
    assert np.allclose(local_regression(features, spoilt, 8)[17], predicted[17])


def test_local_regression_carries_nan_as_absent():
    features = np.arange(6.0)[:, None]
    features[2] = np.nan
    targets = np.arange(6.0)[:, None]
    targets[4] = np.nan
    predicted = local_regression(features, targets, 2)
    assert (
        np.isnan(predicted[[2, 4]]).all() and np.isfinite(predicted[[0, 1, 3, 5]]).all()
    )


def test_local_regression_does_not_depend_on_units():
    rng = np.random.default_rng(1)
    features, targets = rng.normal(size=(30, 3)), rng.normal(size=(30, 2))
    a = local_regression(features, targets, 5)
    assert local_regression(1000 * features, targets, 5) == pytest.approx(a)
