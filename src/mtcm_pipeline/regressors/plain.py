"""Regressors without a kernel matrix: the mean, the nearest frames, between two times.

Dimension letters: S shown frames, A asked frames, m numbers of the target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.regressors.estimate import Estimate, constant_variance
from mtcm_pipeline.regressors.folds import Fold, problem_space
from mtcm_pipeline.regressors.problem import FieldProblem

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Mean:
    """The mean of the shown frames."""

    name: str = "mean"

    def estimate(self, problem: FieldProblem, folds: Sequence[Fold]) -> Estimate:
        """See `Regressor`."""
        learned = problem.learned
        left_out = np.empty_like(learned)
        for fold in folds:
            left_out[fold.scored] = np.delete(learned, fold.out, axis=0).mean(axis=0)
        asked = np.tile(learned.mean(axis=0), (int(problem.asked.sum()), 1))
        return constant_variance(problem, left_out, asked)


@dataclass(frozen=True)
class NearestFrames:
    """The mean of the k nearest shown frames, nearer ones weighing more.

    Near in the pose where it is known, else in the embedding, else in time; weights are
    those of a Gaussian that falls to 1/e at the k-th frame.

    Attributes:
        neighbours: candidates for k, the best by its own folds is used.
        name: in tables.
    """

    neighbours: tuple[int, ...] = (1, 2, 3, 5, 8)
    name: str = "k-NN"

    def estimate(self, problem: FieldProblem, folds: Sequence[Fold]) -> Estimate:
        """See `Regressor`."""
        among, across = problem_space(problem, _space_of(problem))
        learned = problem.learned
        best, least = None, np.inf
        for k in self.neighbours:
            left_out = np.empty_like(learned)
            for fold in folds:
                apart = among[fold.scored].copy()
                apart[:, fold.out] = np.inf
                left_out[fold.scored] = _mean_of_nearest(apart, learned, k)
            error = float(((left_out - learned) ** 2).sum(axis=1).mean())
            if error < least:
                best, least = (k, left_out), error
        assert best is not None
        asked = _mean_of_nearest(across, learned, best[0])
        return constant_variance(problem, best[1], asked)


@dataclass(frozen=True)
class TimeInterpolation:
    """On the line between the shown frames before and after; held beyond the ends."""

    name: str = "interpolation in time"

    def estimate(self, problem: FieldProblem, folds: Sequence[Fold]) -> Estimate:
        """See `Regressor`."""
        learned = problem.learned
        times = problem.frames_of_time[problem.shown]
        left_out = np.empty_like(learned)
        for fold in folds:
            kept = np.delete(np.arange(len(learned)), fold.out)
            left_out[fold.scored] = between(
                times[fold.scored], times[kept], learned[kept]
            )
        asked = between(problem.frames_of_time[problem.asked], times, learned)
        return constant_variance(problem, left_out, asked)


def between(at: Float, times: Float, values: Float) -> Float:
    """(A, m) linear interpolation of (S, m) values at times (A,)."""
    order = np.argsort(times, kind="stable")
    times, values = times[order], values[order]
    after = np.clip(np.searchsorted(times, at), 1, len(times) - 1)
    start, stop = times[after - 1], times[after]
    share = np.clip((at - start) / np.maximum(stop - start, 1e-12), 0.0, 1.0)[:, None]
    return (1.0 - share) * values[after - 1] + share * values[after]


def _space_of(problem: FieldProblem) -> str:
    if "centre" in problem.distances:
        return "pose"
    embedded = "embedding/16/0.5" in problem.distances
    return "embedding/16/0.5" if embedded else "time"


def _mean_of_nearest(apart: Float, values: Float, k: int) -> Float:
    """(A, m) weighted mean of the k nearest of (S, m) values."""
    k = int(np.isfinite(apart).sum(axis=1).min(initial=k))
    nearest = np.argsort(apart, axis=1, kind="stable")[:, :k]
    distance = np.take_along_axis(apart, nearest, axis=1)
    weights = np.exp(-((distance / np.maximum(distance[:, -1:], 1e-12)) ** 2))
    weights /= weights.sum(axis=1, keepdims=True)
    return np.einsum("ak,akm->am", weights, values[nearest])
