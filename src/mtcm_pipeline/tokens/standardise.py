"""Bringing every field of the tokens to the same size, each by itself.

Unweighted, the 384 numbers of the embedding are 97.5 % of a token's squared error and
the pose would be ignored. Within a field all numbers share one scale (centre and
quaternion have one each), so that distances and angles inside a field keep their shape.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.tokens.layout import (
    CENTRE,
    FIELD_SLICES,
    QUATERNION,
    TOKEN_WIDTH,
    Tokens,
)

Float = NDArray[np.float64]

_BLOCKS = (
    FIELD_SLICES["embedding"],
    CENTRE,
    QUATERNION,
    FIELD_SLICES["timestamp"],
    FIELD_SLICES["mask_area"],
    FIELD_SLICES["focal"],
)
# A field that hardly varies carries no information; dividing by its spread would only
# blow up rounding errors.
_SMALLEST_SPREAD = 1e-6


@dataclass(frozen=True)
class Standardiser:
    """Shift and scale of each of the 394 numbers.

    Attributes:
        shift: (D,) subtracted first.
        scale: (D,) divided by then; constant within a block.
    """

    shift: Float
    scale: Float

    @classmethod
    def fit(cls, tokens: Tokens) -> Standardiser:
        """Median and median spread a block, over the frames that have it.

        Medians, since a few faulty frames must not decide the units of the others.
        """
        shift = np.zeros(TOKEN_WIDTH)
        scale = np.ones(TOKEN_WIDTH)
        for block in _BLOCKS:
            rows = tokens.values[:, block]
            rows = rows[np.isfinite(rows).all(axis=1)]
            if len(rows) == 0:
                continue
            shift[block] = np.median(rows, axis=0)
            spread = _block_spread(rows - shift[block])
            if spread > _SMALLEST_SPREAD:
                scale[block] = spread
        return cls(shift, scale)

    def apply(self, values: Float) -> Float:
        """(N, D) token values to standardised ones; NaN stays NaN."""
        return (values - self.shift) / self.scale

    def invert(self, standardised: Float) -> Float:
        """(N, D) standardised values back to token values."""
        return standardised * self.scale + self.shift


def _block_spread(rows: Float) -> float:
    """Typical size of one number: median row norm over the root of the width."""
    norms = np.linalg.norm(rows, axis=1) / np.sqrt(rows.shape[1])
    spread = float(np.median(norms))
    return spread if spread > _SMALLEST_SPREAD else float(np.sqrt(np.mean(norms**2)))
