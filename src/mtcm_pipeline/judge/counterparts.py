"""Where each patch of a photograph stands again in the frames beside it.

What stands in a frame and in none of those beside it has no counterpart there; what has
one should be as bright there, and foreground there if it is here.

Dimension letters: N frames, m partners at most, S = C * C cells, P patch width.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

Float = NDArray[np.float64]
Index = NDArray[np.int64]

# A counterpart that is alike by 0.1 more counts more than twice as much.
_SHARPER = 8.0


@dataclass(frozen=True)
class Counterparts:
    """The most similar patch in every partner.

    Attributes:
        partners: (N, m) frames looked at, -1 where there are fewer.
        cell: (N, m, S) which of the partner's cells is the most alike; 0 without partner.
        likeness: (N, m, S) cosine of the two patches; NaN without partner.
    """

    partners: Index
    cell: NDArray[np.int16]
    likeness: NDArray[np.float32]

    def there(self, values: Float) -> Float:
        """(N, m, S) what (N, S) values of cells are at the counterparts; NaN without."""
        found = values[self.partners[:, :, None], self.cell]
        return np.where(np.isfinite(self.likeness), found, np.nan)

    def weights(self) -> Float:
        """(N, m, S) of counterparts, the more alike the larger; 0 without."""
        return np.nan_to_num(np.exp(_SHARPER * self.likeness.astype(np.float64)))


def counterparts(patches: NDArray[np.float16], partners: Index) -> Counterparts:
    """Look every patch up in every partner.

    Args:
        patches: (N, S, P) of unit length.
        partners: (N, m) frames to look in, -1 where there are fewer.
    """
    n, cells, width = patches.shape
    cell = np.zeros((*partners.shape, cells), dtype=np.int16)
    likeness = np.full((*partners.shape, cells), np.nan, dtype=np.float32)
    for row in range(n):
        at = np.flatnonzero(partners[row] >= 0)
        if len(at) == 0:
            continue
        theirs = patches[partners[row, at]].reshape(-1, width).astype(np.float32)
        alike = (theirs @ patches[row].astype(np.float32).T).reshape(len(at), cells, -1)
        cell[row, at] = alike.argmax(axis=1)
        likeness[row, at] = alike.max(axis=1)
    return Counterparts(partners, cell, likeness)


def in_context(patches: NDArray[np.float16]) -> NDArray[np.float16]:
    """(N, C, C, P) each patch with the eight around it: means, of unit length."""
    sums = uniform_filter(patches.astype(np.float32), (0, 3, 3, 0), mode="nearest")
    length = np.linalg.norm(sums, axis=-1, keepdims=True)
    return (sums / np.maximum(length, 1e-6)).astype(np.float16)
