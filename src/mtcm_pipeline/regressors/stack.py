"""Several regressors weighted by how well each predicted what was left out.

Stacking as in Breiman 1996 ("Stacked regressions"): weights that are not negative and
sum to one, fitted on left-out predictions. A pose has weights for its centre and others
for its rotation, since time may know where a camera is and not where it looks.

Dimension letters: S shown frames, K regressors, m numbers of the target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.optimize import nnls

from mtcm_pipeline.regressors.estimate import Estimate, Regressor
from mtcm_pipeline.regressors.folds import Fold
from mtcm_pipeline.regressors.problem import FieldProblem, target_parts

Float = NDArray[np.float64]

# Row weights of the fit are those of an L1 loss outside of this many typical errors: a
# faulty frame must not decide which regressor is believed.
_REWEIGHTINGS = 5
# Frames' worth of the best regressor's error that hold the weights together.
_RIDGE_FRAMES = 1.0
# Squared errors of so small a share of the worst member's are rounding.
_EXACT = 1e-12


@dataclass(frozen=True)
class Stack:
    """A weighted mean of regressors.

    Attributes:
        members: what is weighted.
        name: in tables.
    """

    members: tuple[Regressor, ...]
    name: str

    def estimate(self, problem: FieldProblem, folds: Sequence[Fold]) -> Estimate:
        """See `Regressor`."""
        return stacked(problem, [m.estimate(problem, folds) for m in self.members])


def stacked(problem: FieldProblem, estimates: Sequence[Estimate]) -> Estimate:
    """The weighted mean of estimates; weights from their left-out errors."""
    weights = [
        stack_weights(
            np.stack([e.left_out[:, part] for e in estimates]), problem.learned[:, part]
        )
        for part in target_parts(problem.field)
    ]
    return combined(problem, estimates, weights)


def combined(
    problem: FieldProblem, estimates: Sequence[Estimate], weights: Sequence[Float]
) -> Estimate:
    """The mean of estimates with (K,) weights for each part of the target."""
    asked = np.zeros_like(estimates[0].asked)
    left_out = np.zeros_like(estimates[0].left_out)
    for part, shares in zip(target_parts(problem.field), weights, strict=True):
        for share, estimate in zip(shares, estimates, strict=True):
            asked[:, part] += share * estimate.asked[:, part]
            left_out[:, part] += share * estimate.left_out[:, part]
    variances = _variances(problem, estimates, left_out)
    return Estimate(asked, variances[0], left_out, variances[1])


def _variances(
    problem: FieldProblem, estimates: Sequence[Estimate], left_out: Float
) -> tuple[Float, Float]:
    """(A,) and (S,) expected squared errors: the members' pattern at the stack's size."""
    asked = np.min([e.asked_variance for e in estimates], axis=0)
    left = np.min([e.left_out_variance for e in estimates], axis=0)
    errors = ((left_out - problem.learned) ** 2).sum(axis=1)
    scale = float(np.median(errors / np.maximum(left, 1e-300)))
    # The median of a squared normal deviate is 0.455 of its mean.
    return scale / 0.455 * asked, scale / 0.455 * left


def stack_weights(left_out: Float, truth: Float) -> Float:
    """(K,) weights >= 0 with sum 1 that fit (S, m) `truth` best by (K, S, m) predictions.

    Least squares on left-out predictions, reweighted towards least absolute errors.
    """
    residuals = left_out - truth  # (K, S, m)
    count = residuals.shape[1]
    row = np.ones(count)
    weights = np.full(len(residuals), 1.0 / len(residuals))
    for _ in range(_REWEIGHTINGS):
        products = np.einsum("s,ksm,lsm->kl", row, residuals, residuals)
        own = np.diag(products)
        # A member that is exact, in a capture of one photograph say, leaves no scale.
        scale = max(float(own.min()), _EXACT * float(own.max()), 1e-300)
        products = products + _RIDGE_FRAMES / count * scale * np.eye(len(residuals))
        weights = _on_simplex(products / scale)
        errors = np.sqrt((np.einsum("k,ksm->sm", weights, residuals) ** 2).sum(axis=1))
        typical = max(float(np.median(errors)), 1e-12)
        row = 1.0 / np.maximum(errors / typical, 1.0)
    return weights


def _on_simplex(products: Float) -> Float:
    """Weights w >= 0, sum 1, with the least w' products w.

    They are u / sum u with u >= 0 of the least u' products u - 2 sum u: along a direction
    w that is least where u = w / (w' products w), with the value -1 / (w' products w).
    """
    root = np.linalg.cholesky(products + 1e-12 * np.eye(len(products)))
    wanted = solve_triangular(root, np.ones(len(products)), lower=True)
    solution, _ = nnls(root.T, wanted)
    return solution / solution.sum()
