"""Embeddings as a user brings them: from an encoder that this project does not have.

A missing embedding can be computed where the others come from an encoder at hand. The
sample is to show the other case, in which it stays absent; so its embeddings are turned
by a fixed random map. Angles between frames are kept to a few percent, and no encoder
here gives these vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.encoders.fixed_projection import gaussian_projection, unit_rows

Pixels = NDArray[np.uint8]
Encode = Callable[[Sequence[Pixels]], NDArray[np.float32]]

_SEED = 394  # any but the encoders' own


def as_from_elsewhere(encode: Encode) -> Encode:
    """The encoder followed by a map that nobody else applies.

    Args:
        encode: N pictures to (N, D) float32.

    Returns:
        A function of the same kind; (N, D) float32 of unit length.
    """

    def turned(pictures: Sequence[Pixels]) -> NDArray[np.float32]:
        vectors = encode(pictures)
        width = vectors.shape[1]
        return unit_rows(vectors @ gaussian_projection(width, width, _SEED))

    return turned
