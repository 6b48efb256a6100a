from dataclasses import replace

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel

from mtcm_pipeline.regressors.estimate import squared_errors
from mtcm_pipeline.regressors.folds import Fold, one_by_one
from mtcm_pipeline.regressors.gaussian import (
    Chosen,
    GaussianProcess,
    KernelRidge,
    choose_kernel,
    process_estimate,
)
from mtcm_pipeline.regressors.kernels import Kernel, KernelSpace, kernel_space
from mtcm_pipeline.regressors.problem import FieldProblem, squared_distances

N = 24
CHOSEN = Chosen(Kernel("smooth", {"time": 4.0}), 0.05)


def problem_of(target, asked=(), times=None):
    times = np.arange(len(target), dtype=float) if times is None else times
    asked_rows = np.isin(np.arange(len(target)), asked)
    distances = {"time": squared_distances(times[:, None])}
    return FieldProblem("embedding", target, ~asked_rows, asked_rows, times, distances)


@pytest.fixture
def wave():
    rng = np.random.default_rng(0)
    times = np.arange(N, dtype=float)
    clean = np.stack([np.sin(times / 4), np.cos(times / 5)], axis=1)
    return clean + 0.05 * rng.normal(size=clean.shape)


def refit(problem, out, chosen):
    """The process fitted again without some shown frames, asked about them."""
    rows = np.flatnonzero(problem.shown)
    shown, asked = problem.shown.copy(), np.zeros_like(problem.shown)
    shown[rows[out]], asked[rows[out]] = False, True
    smaller = replace(problem, shown=shown, asked=asked)
    alone = one_by_one(int(shown.sum()))
    return process_estimate(smaller, chosen, alone, robust=False)


def test_left_out_predictions_equal_refits(wave):
    problem = problem_of(wave, asked=[5, 20])
    folds = [Fold(np.array(rows), np.array(rows)) for rows in ([0, 1, 2], [7], [9, 15])]
    rest = np.setdiff1d(np.arange(22), [0, 1, 2, 7, 9, 15])
    folds.append(Fold(rest, rest))
    found = process_estimate(problem, CHOSEN, folds, robust=False)
    for fold in folds:
        again = refit(problem, fold.out, CHOSEN)
        assert np.allclose(found.left_out[fold.out], again.asked, atol=1e-8)
        here, there = found.left_out_variance[fold.out], again.asked_variance
        assert np.allclose(here / here[0], there / there[0])
    alone = process_estimate(problem, CHOSEN, one_by_one(22), robust=False)
    for row in range(22):
        again = refit(problem, np.array([row]), CHOSEN)
        assert np.allclose(alone.left_out[row], again.asked[0], atol=1e-8)


def test_prediction_and_variance_agree_with_scikit_learn(wave):
    problem = problem_of(wave, asked=[5, 11, 23])
    found = process_estimate(problem, CHOSEN, one_by_one(21), robust=False)
    kernel = RBF(4.0, "fixed") + ConstantKernel(10.0, "fixed")
    oracle = GaussianProcessRegressor(kernel, alpha=0.05, optimizer=None)
    times = problem.frames_of_time[:, None]
    oracle.fit(times[problem.shown], problem.learned)
    mean, deviation = oracle.predict(times[problem.asked], return_std=True)
    assert np.allclose(found.asked, mean, atol=1e-8)
    expected = deviation[:, 0] ** 2 + 0.05  # of a new observation
    assert np.allclose(
        found.asked_variance / found.asked_variance[0], expected / expected[0]
    )


def test_variance_is_the_size_of_the_errors():
    rng = np.random.default_rng(3)
    times = np.sort(rng.uniform(0, 120, 150))
    covariance = np.exp(-0.5 * squared_distances(times[:, None]) / 16)
    root = np.linalg.cholesky(covariance + 1e-9 * np.eye(150))
    target = root @ rng.normal(size=(150, 3)) + 0.2 * rng.normal(size=(150, 3))
    problem = problem_of(target, asked=range(0, 150, 3), times=times)
    found = GaussianProcess().estimate(problem, one_by_one(100))
    errors = ((found.asked - target[::3]) ** 2).sum(axis=1)
    assert errors.mean() == pytest.approx(found.asked_variance.mean(), rel=0.35)


def test_a_faulty_frame_hardly_moves_its_neighbours(wave):
    faulty = wave.copy()
    faulty[12] += 8.0
    asked = [11, 13]
    clean = process_estimate(problem_of(wave, asked), CHOSEN, one_by_one(22), robust=True)
    moved = [
        process_estimate(problem_of(faulty, asked), CHOSEN, one_by_one(22), robust=robust)
        for robust in (True, False)
    ]
    apart = [np.abs(found.asked - clean.asked).max() for found in moved]
    assert apart[0] < 0.1 * apart[1]


def test_the_search_finds_what_trying_everything_finds(wave):
    problem = problem_of(wave)
    space = kernel_space(problem, with_time=True)
    chosen = choose_kernel(problem, space, None)
    errors = {}
    for shape in ("smooth", "rough"):
        for length in space.axes["time"]:
            for noise in (1e-3, 1e-2, 0.05, 0.2, 0.6):
                trial = Chosen(Kernel(shape, {"time": length}), noise)
                found = process_estimate(problem, trial, one_by_one(N), robust=False)
                errors[shape, length, noise] = squared_errors(found, problem).mean()
    best = min(errors, key=errors.get)
    own = (chosen.kernel.shape, chosen.kernel.lengths["time"], chosen.noise)
    assert errors[own] <= 1.02 * errors[best]  # the search caps the largest errors


def test_a_target_of_many_numbers_chooses_what_its_few_directions_choose(wave):
    """Turned into 100 dimensions, all products of targets are the same."""
    turned, _ = np.linalg.qr(np.random.default_rng(5).normal(size=(100, 2)))
    few, many = problem_of(wave), problem_of(wave @ turned.T)
    space = kernel_space(few, with_time=True)
    assert choose_kernel(few, space, None) == choose_kernel(many, space, None)


def test_a_length_of_zero_leaves_the_input_out():
    space = KernelSpace(
        {"shape": ("rough",), "time": (0.0, 2.0)}, {"shape": 0, "time": 0}
    )
    assert space.kernel(space.start).lengths == {}
    assert [k["time"] for k in space.neighbours(space.start, "time")] == [1]


def test_kernel_ridge_predicts_a_smooth_field_of_poses():
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(60, 3))
    target = np.sin(centres @ rng.normal(size=(3, 4)))
    asked = np.arange(60) % 6 == 0
    distances = {
        "time": squared_distances(rng.permutation(60)[:, None].astype(float)),
        "centre": squared_distances(centres),
        "rotation": np.zeros((60, 60)),
    }
    problem = FieldProblem("embedding", target, ~asked, asked, np.zeros(60), distances)
    found = KernelRidge().estimate(problem, one_by_one(50))
    errors = ((found.asked - target[asked]) ** 2).sum(axis=1).mean()
    assert errors < 0.2 * ((target[asked] - target.mean(axis=0)) ** 2).sum(axis=1).mean()
