"""Transformers trained on nothing but the capture itself: the reference of the ablation.

Dimension letters: N frames, D = 394 token width, F = 5 fields.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from mtcm_pipeline.mtcm.options import TrainOptions
from mtcm_pipeline.mtcm.prediction import unit_quaternions
from mtcm_pipeline.mtcm.residual_prediction import MtcmPredictor, without
from mtcm_pipeline.mtcm.sequence import as_bool, as_float, as_sequence
from mtcm_pipeline.mtcm.training import train_mtcm
from mtcm_pipeline.regressors.registry import Prediction
from mtcm_pipeline.tokens.layout import FIELD_SLICES, Tokens

Bool = NDArray[np.bool_]


@dataclass(frozen=True)
class PlainAlone:
    """The masked transformer without a prior, trained on what is shown of the capture.

    Attributes:
        options: of the training; its model is made the plain one.
        name: in tables.
    """

    options: TrainOptions
    name: str = "plain transformer, alone"

    def predict(self, tokens: Tokens, hidden: Bool) -> Prediction:
        """See `regressors.registry.Predictor`."""
        shown = without(tokens, hidden)
        options = replace(self.options, model="plain", layers=4, init="none")
        trained = train_mtcm(shown, options)
        order = np.argsort(tokens.times, kind="stable")
        sequence = as_sequence(shown, trained.standardiser)
        with torch.inference_mode():
            output = trained.model(
                as_float(sequence.rows),
                as_bool(tokens.present[order]),
                as_bool((hidden & tokens.present)[order]),
                as_float(sequence.times),
            )
        back = np.argsort(order, kind="stable")
        rows = output.tokens.double().numpy()[back]
        values = unit_quaternions(trained.standardiser.invert(rows))
        for column, where in enumerate(FIELD_SLICES.values()):
            values[~(hidden & tokens.present)[:, column], where] = np.nan
        variance = output.log_variance.double().numpy()[back]
        return Prediction(values, np.exp(variance))


@dataclass(frozen=True)
class ResidualAlone:
    """The residual over the prior, trained on what is shown of the capture alone.

    Attributes:
        options: of the training; it starts from no pretrained weights.
        name: in tables.
    """

    options: TrainOptions
    name: str = "residual, alone"

    def predict(self, tokens: Tokens, hidden: Bool) -> Prediction:
        """See `regressors.registry.Predictor`."""
        options = replace(self.options, model="residual", init="none")
        trained = train_mtcm(without(tokens, hidden), options)
        return MtcmPredictor(trained.model, self.name).predict(tokens, hidden)  # type: ignore[arg-type]
