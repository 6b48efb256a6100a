"""How far a change is believed, and the weights of a stack, against brute force."""

from __future__ import annotations

import numpy as np
import pytest

from mtcm_pipeline.regressors.belief import believed_share, shrunk_to_mean
from mtcm_pipeline.regressors.estimate import Estimate
from mtcm_pipeline.regressors.folds import one_by_one
from mtcm_pipeline.regressors.plain import Mean
from mtcm_pipeline.regressors.problem import FieldProblem, squared_distances
from mtcm_pipeline.regressors.stack import stack_weights


def test_a_change_that_explains_everything_is_believed_whole():
    rng = np.random.default_rng(0)
    missing = rng.normal(size=(40, 3)) * rng.uniform(0.1, 10.0, size=(40, 1))
    assert believed_share(missing * 0.999, missing) == 1.0
    assert believed_share(missing * 1.25, missing) == pytest.approx(0.8, abs=1e-6)
    assert believed_share(-missing, missing) == 0.0


def test_the_share_is_lowered_by_its_standard_error_by_hand():
    """Misses of 1, 1, .6, .6: the typical one is .8, so the weights are .64 and 1.

    The share is 2.48 / 3.28, and what it leaves is .156 a frame, of both signs.
    """
    change = np.ones((4, 1))
    missing = np.array([[1.0], [1.0], [0.6], [0.6]])
    share, left = 2.48 / 3.28, 0.6 - 2.48 / 3.28
    error = 2.0 * abs(left) / 3.28  # the root of four squares
    assert believed_share(change, missing) == pytest.approx(share - error)
    pairs = [np.array([0, 1]), np.array([2, 3])]
    error = np.sqrt(2.0) * 2.0 * abs(left) / 3.28  # of two sums of two
    assert believed_share(change, missing, pairs) == pytest.approx(share - error)


def test_a_share_under_two_standard_errors_is_none():
    """Misses of 1, 1, -.2, -.2: a share of .45 with a standard error of .30."""
    missing = np.array([[1.0], [1.0], [-0.2], [-0.2]])
    assert believed_share(np.ones((4, 1)), missing) == 0.0


def test_frames_that_err_together_are_believed_less():
    rng = np.random.default_rng(1)
    groups = [np.arange(k, k + 10) for k in range(0, 80, 10)]
    common = np.repeat(rng.normal(size=(8, 2)), 10, axis=0)
    change = np.repeat(rng.normal(size=(8, 2)), 10, axis=0)
    missing = 0.6 * change + common
    apart = believed_share(change, missing)
    assert believed_share(change, missing, groups) < apart


def _timed(target: np.ndarray) -> FieldProblem:
    """A problem in which half the frames are asked and only the time is known."""
    times = np.arange(len(target), dtype=np.float64)
    asked = times % 2 == 1
    distances = {"time": squared_distances(times[:, None])}
    return FieldProblem("embedding", target, ~asked, asked, times, distances)


@pytest.mark.parametrize("seed", range(5))
def test_noise_is_answered_by_the_mean_and_signal_left_alone(seed: int):
    rng = np.random.default_rng(seed)
    problem = _timed(rng.normal(size=(120, 4)))
    folds = one_by_one(int(problem.shown.sum()))
    mean = Mean().estimate(problem, folds)
    noise = Estimate(
        mean.asked + rng.normal(size=mean.asked.shape),
        mean.asked_variance,
        mean.left_out + rng.normal(size=mean.left_out.shape),
        mean.left_out_variance,
    )
    drawn, shares = shrunk_to_mean(problem, folds, noise)
    assert shares[0] < 0.15
    kept = np.abs(drawn.asked - mean.asked).sum() / np.abs(noise.asked - mean.asked).sum()
    assert kept < 0.15

    near = Estimate(
        problem.target[problem.asked] + 0.01,
        np.full(60, 4e-4),
        problem.learned + 0.01 * rng.normal(size=problem.learned.shape),
        np.full(60, 4e-4),
    )
    same, shares = shrunk_to_mean(problem, folds, near)
    assert shares[0] > 0.99
    np.testing.assert_allclose(same.asked, near.asked, atol=0.01)
    np.testing.assert_allclose(same.asked_variance, near.asked_variance, rtol=0.1)


def test_an_exact_member_takes_the_whole_stack_whatever_the_others_are():
    rng = np.random.default_rng(4)
    truth = rng.normal(size=(40, 1))
    useless = truth + 1e3 * rng.normal(size=(2, 40, 1))
    exact = truth[None] + 1e-3 * rng.normal(size=(1, 40, 1))
    weights = stack_weights(np.concatenate([useless, exact]), truth)
    assert weights[2] == pytest.approx(1.0, abs=1e-5)
    assert weights.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("off", [0.0, 1e-160, 1e-16, 1e-9])
def test_a_member_that_is_exact_is_believed_alone_also_beside_twins(off):
    """All photographs the same: a neighbour's embedding is the frame's own."""
    rng = np.random.default_rng(5)
    truth = rng.normal(size=(24, 3))
    wrong = truth + rng.normal(size=truth.shape)
    exact = truth + off * rng.normal(size=truth.shape)
    weights = stack_weights(np.stack([wrong, wrong, exact]), truth)
    assert weights == pytest.approx([0.0, 0.0, 1.0], abs=1e-5)


def test_members_that_are_all_exact_share_alike():
    truth = np.random.default_rng(6).normal(size=(24, 3))
    weights = stack_weights(np.stack([truth] * 3), truth)
    assert weights == pytest.approx(np.ones(3) / 3)
