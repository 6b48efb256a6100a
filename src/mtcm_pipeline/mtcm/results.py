"""What training and prediction hand on.

This module does not import torch, so that whoever only passes these on need not either.

Dimension letters: N frames, D = 394 token width, F = 5 fields,
E model width, S frames shown in a heatmap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.mtcm.options import TrainOptions
from mtcm_pipeline.mtcm.prior import FittedPrior
from mtcm_pipeline.tokens.standardise import Standardiser

if TYPE_CHECKING:
    from mtcm_pipeline.mtcm.model import Mtcm
    from mtcm_pipeline.mtcm.residual_model import ResidualMtcm

Float = NDArray[np.float64]


class CheckpointStore(Protocol):
    """Where checkpoints are kept; the library does not care what it is."""

    def read(self, key: str) -> bytes | None:
        """Bytes written last under `key`, or None."""

    def write(self, key: str, content: bytes) -> None:
        """Replace what is under `key`, whole or not at all."""


@dataclass(frozen=True)
class TrainedMtcm:
    """A model with what is needed to use it.

    Attributes:
        model: in evaluation mode.
        standardiser: of the tokens it was trained on.
        options: it was built and trained with.
        history: one row an epoch: the losses and the learning rate.
        prior: that the model stands on; None for the plain model.
    """

    model: Mtcm | ResidualMtcm
    standardiser: Standardiser
    options: TrainOptions
    history: pd.DataFrame
    prior: FittedPrior | None = None


@dataclass(frozen=True)
class HiddenPrediction:
    """What the model predicts for each field of each frame while that field is hidden.

    Attributes:
        values: (N, D) predicted tokens in token units, quaternions of unit length.
        squared_error: (N, F) standardised squared error; NaN where the field is absent.
        log_variance: (N, F) what the model expected the squared error to be, log.
        centre_error: (N,) in median camera distances; NaN without a pose.
        rotation_error_deg: (N,) degrees; NaN without a pose.
        embedding_cosine: (N,) cosine to the true embedding; NaN where absent.
    """

    values: Float
    squared_error: Float
    log_variance: Float
    centre_error: Float
    rotation_error_deg: Float
    embedding_cosine: Float


@dataclass(frozen=True)
class Representation:
    """What the model makes of the frames with everything shown.

    Attributes:
        latent: (N, E) the frames' representations (pose embeddings).
        attention: (N, N) float32, last layer's weights, mean over heads; a row attends
            to columns and sums to 1 over the frames of its own window.
        next_pose: (7,) the pose that plausibly follows the last frame, token units.
    """

    latent: Float
    attention: NDArray[np.float32]
    next_pose: Float


@dataclass(frozen=True)
class TrainingSnapshot:
    """The model's view of the capture at one epoch, frames in capture order.

    Attributes:
        epoch: when it was taken.
        latent: (N, E) float32 representations.
        attention: (S, S) float32 last layer's attention among `attention_rows`.
        attention_rows: (S,) frame indices, evenly spaced among those of one window.
        squared_error: (N, F) standardised error of the hidden predictions.
        centre_error: (N,) in median camera distances; NaN without a pose.
        rotation_error_deg: (N,) degrees; NaN without a pose.
        predicted_pose: (N, 7) centre and quaternion predicted while hidden.
    """

    epoch: int
    latent: NDArray[np.float32]
    attention: NDArray[np.float32]
    attention_rows: NDArray[np.int64]
    squared_error: NDArray[np.float64]
    centre_error: NDArray[np.float64]
    rotation_error_deg: NDArray[np.float64]
    predicted_pose: NDArray[np.float64]

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Plain arrays by field name."""
        return {name: np.asarray(value) for name, value in vars(self).items()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> TrainingSnapshot:
        """The inverse of `to_arrays`."""
        rest = {name: value for name, value in arrays.items() if name != "epoch"}
        return cls(epoch=int(arrays["epoch"]), **rest)
