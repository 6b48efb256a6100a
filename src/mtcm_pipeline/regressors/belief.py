"""How much of a change to a prediction is believed, by what it did on left-out frames.

Dimension letters: R left-out frames, m numbers of the target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.regressors.estimate import Estimate, squared_errors
from mtcm_pipeline.regressors.folds import Fold
from mtcm_pipeline.regressors.plain import Mean
from mtcm_pipeline.regressors.problem import FieldProblem, target_parts

Float = NDArray[np.float64]
Rows = NDArray[np.int64]

# A share under so many standard errors is none; of others, one is taken away.
_SIGNIFICANT = 2.0


def believed_share(
    change: Float, missing: Float, together: Sequence[Rows] | None = None
) -> float:
    """The share c in 0..1 for which `prediction + c * change` is best, in doubt less.

    Weighted least squares: c = sum w d.m / sum w d.d with d the change and m what the
    prediction misses, lowered by its standard error (White 1980, clustered by frames
    that were left out together), and nothing at all unless it is two of them above zero:
    what hardly helps is not believed, what explains everything is believed whole.
    Weights fall with the square of a miss that is larger than typical, so that faulty
    frames do not decide.

    Args:
        change: (R, m).
        missing: (R, m) truth minus prediction.
        together: rows of each group of frames whose errors are not independent; every
            frame by itself when None.
    """
    lengths = np.linalg.norm(missing, axis=1)
    lengths = np.maximum(lengths, np.linalg.norm(missing - change, axis=1))
    typical = max(float(np.median(lengths)), 1e-12)
    weights = 1.0 / np.maximum(lengths / typical, 1.0) ** 2
    energy = float((weights * (change**2).sum(axis=1)).sum())
    if energy <= 1e-12 * max(float((missing**2).sum()), 1e-300):
        return 0.0
    share = float((weights * (change * missing).sum(axis=1)).sum()) / energy
    left = weights * (change * (missing - share * change)).sum(axis=1)
    sums = left if together is None else np.array([left[rows].sum() for rows in together])
    error = float(np.sqrt((sums**2).sum())) / energy
    if share < _SIGNIFICANT * error:
        return 0.0
    return 1.0 if share >= 1.0 else max(share - error, 0.0)


def shrunk_to_mean(
    problem: FieldProblem, folds: Sequence[Fold], estimate: Estimate
) -> tuple[Estimate, list[float]]:
    """The estimate drawn to the mean of the shown by as much as it is not believed.

    Where nothing known tells of the target (a pile of photographs of which only the
    order is known), any fit is one to noise, and the mean is the better answer. Where
    something does, this changes nothing.

    Returns:
        The estimate, and the share that is believed of each part of the target.
    """
    mean = Mean().estimate(problem, folds)
    together = [fold.scored for fold in folds]
    asked, left_out = estimate.asked.copy(), estimate.left_out.copy()
    shares = []
    for part in target_parts(problem.field):
        change = estimate.left_out[:, part] - mean.left_out[:, part]
        missing = problem.learned[:, part] - mean.left_out[:, part]
        share = believed_share(change, missing, together)
        shares.append(share)
        asked[:, part] = mean.asked[:, part] + share * (asked - mean.asked)[:, part]
        left_out[:, part] = mean.left_out[:, part] + share * change
    shrunk = replace(estimate, asked=asked, left_out=left_out)
    before, after = (
        max(float(np.median(squared_errors(e, problem))), 1e-300)
        for e in (estimate, shrunk)
    )
    shrunk = replace(
        shrunk,
        asked_variance=after / before * estimate.asked_variance,
        left_out_variance=after / before * estimate.left_out_variance,
    )
    return shrunk, shares
