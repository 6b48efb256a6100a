"""What every regressor hands back, and the protocol they share.

Dimension letters: S shown frames, A asked frames, m numbers of the target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.regressors.folds import Fold
from mtcm_pipeline.regressors.problem import FieldProblem

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A prediction of the asked frames, and of the shown ones while they are left out.

    Attributes:
        asked: (A, m) predicted targets.
        asked_variance: (A,) expected squared error, summed over the m numbers.
        left_out: (S, m) what each shown frame was predicted as without its fold.
        left_out_variance: (S,) what its squared error was expected to be.
    """

    asked: Float
    asked_variance: Float
    left_out: Float
    left_out_variance: Float


class Regressor(Protocol):
    """One way to predict a hidden field from shown frames."""

    @property
    def name(self) -> str:
        """What tables call it."""
        ...

    def estimate(self, problem: FieldProblem, folds: Sequence[Fold]) -> Estimate:
        """Predict the asked frames, and the shown ones fold by fold.

        Hyperparameters are chosen on the shown frames alone.
        """
        ...


def squared_errors(estimate: Estimate, problem: FieldProblem) -> Float:
    """(S,) squared error of the left-out predictions, summed over the numbers."""
    return ((estimate.left_out - problem.learned) ** 2).sum(axis=1)


def constant_variance(problem: FieldProblem, left_out: Float, asked: Float) -> Estimate:
    """An estimate whose variance is the mean squared error of its own folds.

    Args:
        problem: whose shown frames were left out.
        left_out: (S, m) predictions of the shown frames without their folds.
        asked: (A, m) predictions.
    """
    mean = float(((left_out - problem.learned) ** 2).sum(axis=1).mean())
    return Estimate(
        asked, np.full(len(asked), mean), left_out, np.full(len(left_out), mean)
    )
