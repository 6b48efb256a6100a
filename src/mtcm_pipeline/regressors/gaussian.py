"""Gaussian process regression with its leave-out errors in closed form.

Rasmussen and Williams 2006: prediction and variance are equations 2.25 and 2.26 (with a
constant of wide variance in the kernel instead of a fixed mean, section 2.7), the
leave-one-out residuals are equation 5.12. A whole fold B left out at once has the
residual inv(inv(K)_BB) (inv(K) y)_B, of which 5.12 is the case of one row.

Dimension letters: S shown frames, A asked frames, m numbers of the target.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.regressors.decomposition import left_singular
from mtcm_pipeline.regressors.estimate import Estimate
from mtcm_pipeline.regressors.folds import Fold, one_by_one
from mtcm_pipeline.regressors.kernels import Kernel, KernelSpace, kernel_space
from mtcm_pipeline.regressors.problem import FieldProblem

Float = NDArray[np.float64]

# Noise over signal variance: photographs differ by what the pose does not say.
_NOISES = (1e-3, 1e-2, 0.05, 0.2, 0.6)
# Variance of the constant over that of the signal: the mean is nearly free, but two far
# frames still do not decide it.
_CONSTANT = 10.0
# Errors beyond this many medians of the squared errors count no more: a faulty frame
# must not choose the kernel.
_CAP = 12.0
# Residuals beyond this many expected (robust) deviations inflate the frame's noise.
_OUTLIER = 3.0
_ROBUST_ROUNDS = 3
# Frames that a kernel is chosen on; more cost time and change no choice.
_MOST_SEARCHED = 180


@dataclass(frozen=True)
class Chosen:
    """Hyperparameters of a Gaussian process.

    Attributes:
        kernel: between frames.
        noise: over the signal's variance.
    """

    kernel: Kernel
    noise: float


@dataclass(frozen=True)
class GaussianProcess:
    """A Gaussian process over poses, embeddings and, if wanted, time.

    Attributes:
        with_time: whether the place in the sequence is an input.
        by_folds: hyperparameters by the errors of the folds at hand instead of by
            leave-one-out.
        robust: whether frames that the others contradict get more noise.
        name: in tables.
    """

    with_time: bool = True
    by_folds: bool = False
    robust: bool = True
    name: str = "Gaussian process with time"

    def choose(self, problem: FieldProblem, folds: Sequence[Fold]) -> Chosen:
        """Hyperparameters from the shown frames."""
        space = kernel_space(problem, with_time=self.with_time)
        return choose_kernel(problem, space, folds if self.by_folds else None)

    def estimate(self, problem: FieldProblem, folds: Sequence[Fold]) -> Estimate:
        """See `Regressor`."""
        chosen = self.choose(problem, folds)
        return process_estimate(problem, chosen, folds, robust=self.robust)


@dataclass(frozen=True)
class KernelRidge:
    """Ridge regression with one Gaussian kernel over all inputs at one common length."""

    name: str = "kernel ridge"

    def estimate(self, problem: FieldProblem, folds: Sequence[Fold]) -> Estimate:
        """See `Regressor`."""
        space = kernel_space(problem, with_time=False)
        inputs = [axis for axis in space.axes if axis != "shape"]
        best, least = None, np.inf
        for stretch in (0.25, 0.5, 1.0, 2.0, 4.0):
            lengths = dict(space.kernel(space.start).lengths)
            kernel = Kernel("smooth", {k: v * stretch for k, v in lengths.items()})
            noise, error = best_noise(problem, kernel, None)
            if error < least:
                best, least = Chosen(kernel, noise), error
        assert best is not None and inputs
        return process_estimate(problem, best, folds, robust=False)


def choose_kernel(
    problem: FieldProblem, space: KernelSpace, folds: Sequence[Fold] | None
) -> Chosen:
    """Coordinate descent over the space on the capped error of the left-out frames.

    Args:
        problem: to choose on; of long captures every so-manieth frame.
        space: of kernels.
        folds: left out together; None for leave-one-out.
    """
    if problem.shown.sum() > _MOST_SEARCHED:
        problem, folds = _thinned(problem), None
    tried: dict[tuple, tuple[float, float]] = {}

    def error_at(at: Mapping[str, int]) -> float:
        key = tuple(at.items())
        if key not in tried:
            tried[key] = best_noise(problem, space.kernel(at), folds)
        return tried[key][1]

    here, before = dict(space.start), np.inf
    while error_at(here) < before - 1e-12:
        before = error_at(here)
        for axis in space.axes:
            here = min([here, *space.neighbours(here, axis)], key=error_at)
    return Chosen(space.kernel(here), tried[tuple(here.items())][0])


def best_noise(
    problem: FieldProblem, kernel: Kernel, folds: Sequence[Fold] | None
) -> tuple[float, float]:
    """The noise with the least capped error of left-out frames, and that error."""
    matrix = _with_constant(kernel(_among(problem, kernel)))
    targets = _compact(problem.learned)
    values, vectors = np.linalg.eigh(matrix)
    rotated = vectors.T @ targets
    best = (_NOISES[0], np.inf)
    for noise in _NOISES:
        shrink = 1.0 / (np.maximum(values, 0.0) + noise)
        weights = vectors @ (shrink[:, None] * rotated)
        if folds is None:
            residuals = weights / ((vectors**2) @ shrink)[:, None]
        else:
            inverse = (vectors * shrink) @ vectors.T
            residuals = _fold_residuals(inverse, weights, folds)[0]
        error = _capped_mean((residuals**2).sum(axis=1))
        if error < best[1]:
            best = (noise, error)
    return best


def process_estimate(
    problem: FieldProblem, chosen: Chosen, folds: Sequence[Fold], *, robust: bool
) -> Estimate:
    """Prediction, and left-out predictions, under given hyperparameters."""
    return FittedProcess.fit(problem, chosen, robust=robust).estimate(
        problem.learned, folds
    )


@dataclass(frozen=True)
class FittedProcess:
    """A Gaussian process with its matrix inverted: what it says is linear in targets.

    Attributes:
        inverse: (S, S) inverse of kernel plus noise.
        across: (A, S) kernel from asked to shown frames.
        noise: over the signal's variance, of a frame that nothing contradicts.
        scale: variance of the signal, summed over the target's numbers.
    """

    inverse: Float
    across: Float
    noise: float
    scale: float

    @classmethod
    def fit(cls, problem: FieldProblem, chosen: Chosen, *, robust: bool) -> FittedProcess:
        """Invert once.

        Args:
            problem: whose shown frames are learned from.
            chosen: hyperparameters.
            robust: whether frames that the others contradict get more noise.
        """
        matrix = _with_constant(chosen.kernel(_among(problem, chosen.kernel)))
        noises = np.full(len(matrix), chosen.noise)
        learned = problem.learned
        if robust:
            noises = _inflated(matrix, learned, chosen.noise)
        inverse = np.asarray(np.linalg.inv(matrix + np.diag(noises)), np.float64)
        residuals, variances = _fold_residuals(
            inverse, inverse @ learned, one_by_one(len(matrix))
        )
        scale = _capped_mean((residuals**2).sum(axis=1) / variances)
        across = _with_constant(
            chosen.kernel({k: problem.to_shown(k) for k in chosen.kernel.lengths})
        )
        return cls(inverse, across, chosen.noise, scale)

    def estimate(self, learned: Float, folds: Sequence[Fold]) -> Estimate:
        """Predictions from (S, m) targets, which need not be those it was fitted on."""
        weights = self.inverse @ learned
        residuals, variances = _fold_residuals(self.inverse, weights, folds)
        explained = np.einsum("as,as->a", self.across @ self.inverse, self.across)
        asked = np.maximum(1.0 + _CONSTANT - explained, 0.0) + self.noise
        return Estimate(
            self.across @ weights,
            self.scale * asked,
            learned - residuals,
            self.scale * variances,
        )


def _among(problem: FieldProblem, kernel: Kernel) -> dict[str, Float]:
    return {name: problem.among_shown(name) for name in kernel.lengths}


def _with_constant(matrix: Float) -> Float:
    return matrix + _CONSTANT


def _fold_residuals(
    inverse: Float, weights: Float, folds: Sequence[Fold]
) -> tuple[Float, Float]:
    """(S, m) residuals and (S,) variances of each frame without its fold."""
    residuals, variances = np.empty_like(weights), np.empty(len(weights))
    if all(len(fold.out) == 1 for fold in folds):
        diagonal = np.diag(inverse)
        return weights / diagonal[:, None], 1.0 / diagonal
    for fold in folds:
        among = np.linalg.inv(inverse[np.ix_(fold.out, fold.out)])
        scored = np.searchsorted(fold.out, fold.scored)
        residuals[fold.scored] = (among @ weights[fold.out])[scored]
        variances[fold.scored] = np.diag(among)[scored]
    return residuals, variances


def _inflated(matrix: Float, learned: Float, noise: float) -> Float:
    """(S,) noises; frames that the others contradict get as much as explains them."""
    noises, learned = np.full(len(matrix), noise), _compact(learned)
    for _ in range(_ROBUST_ROUNDS):
        inverse = np.linalg.inv(matrix + np.diag(noises))
        expected = 1.0 / np.diag(inverse)
        squared = ((inverse @ learned) ** 2).sum(axis=1) * expected**2
        # Against the noise as it was: an inflated frame stays judged by the others.
        expected = expected - noises + noise
        surprise = squared / expected
        typical = max(float(np.median(surprise)), 1e-300)
        excess = surprise / typical / _OUTLIER**2
        extra = np.where(excess > 1.0, expected * (excess - 1.0) * _OUTLIER**2, 0.0)
        noises = noise + extra
    return noises


def _capped_mean(squared: Float) -> float:
    return float(np.minimum(squared, _CAP * max(np.median(squared), 1e-300)).mean())


def _compact(learned: Float) -> Float:
    """(S, r) numbers with the same products as the targets': 384 are never needed."""
    if learned.shape[1] <= len(learned):
        return learned
    left, spread = left_singular(learned)
    return left * spread


def _thinned(problem: FieldProblem) -> FieldProblem:
    """Every so-manieth shown frame of a long capture."""
    rows = np.flatnonzero(problem.shown)
    kept = rows[np.linspace(0, len(rows) - 1, _MOST_SEARCHED).round().astype(int)]
    shown = np.zeros_like(problem.shown)
    shown[kept] = True
    return FieldProblem(
        problem.field,
        problem.target,
        shown,
        problem.asked,
        problem.frames_of_time,
        problem.distances,
    )
