"""Whole captures: every hidden field by one regressor, and the regressors by name.

Dimension letters: N frames, D = 394 token width, F = 5 fields.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.rotations import quat_from_matrix
from mtcm_pipeline.errors import ParameterError
from mtcm_pipeline.regressors.ensemble import choose_members, ensemble_of
from mtcm_pipeline.regressors.estimate import Estimate, Regressor
from mtcm_pipeline.regressors.folds import Fold, like_the_hidden, one_by_one
from mtcm_pipeline.regressors.gaussian import GaussianProcess, KernelRidge
from mtcm_pipeline.regressors.plain import Mean, NearestFrames, TimeInterpolation
from mtcm_pipeline.regressors.problem import (
    FieldProblem,
    field_problems,
    nearest_rotations,
)
from mtcm_pipeline.regressors.stack import Stack
from mtcm_pipeline.tokens.layout import FIELD_SLICES, FIELDS, Tokens

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]


@dataclass(frozen=True)
class Prediction:
    """Hidden entries predicted from shown ones.

    Attributes:
        values: (N, D) in token units, quaternions of unit length; NaN where an entry was
            not asked for, or where fewer than 3 frames show the field.
        variance: (N, F) expected squared error summed over a field's numbers (a pose:
            centre and rotation matrix); NaN likewise.
    """

    values: Float
    variance: Float


class Predictor(Protocol):
    """Predicts every hidden field of a capture from what is shown."""

    @property
    def name(self) -> str:
        """What tables call it."""
        ...

    def predict(self, tokens: Tokens, hidden: Bool) -> Prediction:
        """Predict the entries that are present and hidden.

        Args:
            tokens: N frames.
            hidden: (N, F) True = not shown; their values are never looked at.
        """
        ...


@dataclass(frozen=True)
class KernelPrior:
    """The stack of all members, weighted in folds like the hidden frames."""

    name: str = "kernel prior"

    def estimate(self, problem: FieldProblem, folds: Sequence[Fold]) -> Estimate:
        """See `Regressor`."""
        return ensemble_of(problem, folds, choose_members(problem, folds)).stack


@dataclass(frozen=True)
class FieldwisePredictor:
    """One regressor for every field.

    Attributes:
        regressor: used on each field's problems.
        like_hidden: whether it is shown folds as far from the rest as the hidden frames
            are, instead of leave-one-out.
    """

    regressor: Regressor
    like_hidden: bool = False

    @property
    def name(self) -> str:
        """The regressor's."""
        return self.regressor.name

    def predict(self, tokens: Tokens, hidden: Bool) -> Prediction:
        """See `Predictor`."""
        values = np.full_like(tokens.values, np.nan)
        variance = np.full(hidden.shape, np.nan)
        for column, field in enumerate(FIELDS):
            for problem in field_problems(tokens, hidden, field):
                alone = one_by_one(int(problem.shown.sum()))
                folds = like_the_hidden(problem) if self.like_hidden else alone
                found = self.regressor.estimate(problem, folds)
                values[problem.asked, FIELD_SLICES[field]] = _as_token(field, found.asked)
                variance[problem.asked, column] = found.asked_variance
        return Prediction(values, variance)


def simple_predictors() -> dict[str, Predictor]:
    """The regressors that anything more elaborate must beat, by name."""
    process, by_time = GaussianProcess(), TimeInterpolation()
    regressors: list[Regressor] = [
        Mean(),
        NearestFrames(),
        KernelRidge(),
        GaussianProcess(with_time=False, name="Gaussian process"),
        process,
        by_time,
        Stack((process, by_time), "Gaussian process and interpolation"),
    ]
    return {r.name: FieldwisePredictor(r) for r in regressors}


def predictor(name: str) -> Predictor:
    """A predictor by its name in tables.

    Raises:
        ParameterError: there is none of that name.
    """
    known = simple_predictors()
    prior = FieldwisePredictor(KernelPrior(), like_hidden=True)
    known[prior.name] = prior
    if name not in known:
        raise ParameterError(f"unknown regressor {name!r}; there are: {', '.join(known)}")
    return known[name]


def _as_token(field: str, predicted: Float) -> Float:
    """Predicted targets as token values; a pose's rotation becomes a quaternion."""
    if field != "pose":
        return predicted
    rotations = nearest_rotations(predicted[:, 3:])
    return np.hstack([predicted[:, :3], quat_from_matrix(rotations)])
