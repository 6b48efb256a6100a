"""A capture as the model takes it: standardised rows in time order.

Dimension letters: N frames, D = 394 token width, F = 5 fields.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mtcm_pipeline.tokens.layout import CENTRE, Tokens
from mtcm_pipeline.tokens.standardise import Standardiser


@dataclass(frozen=True)
class FrameSequence:
    """A capture as the model takes it.

    Attributes:
        rows: (N, D) standardised tokens, 0 where absent.
        present: (N, F) bool.
        times: (N,) 0..1.
        azimuths_rad: (N,) azimuth of the camera around the subject; NaN without pose.
    """

    rows: np.ndarray
    present: np.ndarray
    times: np.ndarray
    azimuths_rad: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def window(self, start: int, stop: int) -> FrameSequence:
        """Frames start..stop-1."""
        part = slice(start, stop)
        return FrameSequence(
            self.rows[part], self.present[part], self.times[part], self.azimuths_rad[part]
        )


def as_sequence(tokens: Tokens, standardiser: Standardiser) -> FrameSequence:
    """Standardised rows in the order of their times."""
    order = np.argsort(tokens.times, kind="stable")
    rows = np.nan_to_num(standardiser.apply(tokens.values), nan=0.0)
    return FrameSequence(
        rows[order],
        tokens.present[order],
        tokens.times[order],
        azimuths_rad(tokens)[order],
    )


def azimuths_rad(tokens: Tokens) -> np.ndarray:
    """(N,) azimuth of the camera around the subject; NaN without a pose."""
    centres = tokens.values[:, CENTRE]
    return np.arctan2(centres[:, 1], centres[:, 0])


def as_float(array: np.ndarray) -> Tensor:
    """A copy or view of the array as a float32 tensor of the same shape."""
    return torch.as_tensor(np.ascontiguousarray(array), dtype=torch.float32)


def as_bool(array: np.ndarray) -> Tensor:
    """A copy or view of the array as a bool tensor of the same shape."""
    return torch.as_tensor(np.ascontiguousarray(array), dtype=torch.bool)
