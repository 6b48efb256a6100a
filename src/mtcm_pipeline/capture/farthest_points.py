"""Farthest-point sampling: rows that lie far from one another (Gonzalez 1985).

Dimension letters: N rows, F coordinates of a row.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Int = NDArray[np.int64]


def farthest_rows(features: Float, count: int, first: int | None = None) -> Int:
    """Rows, each the one that is farthest from those before it.

    Args:
        features: (N, F) coordinates, N >= 1.
        count: how many; all N rows where there are no more.
        first: the row to begin with; that nearest to the mean of all when None.

    Returns:
        (count,) different rows. Of equally far ones the earliest is taken.
    """
    if first is None:
        to_mean = np.linalg.norm(features - features.mean(axis=0), axis=1)
        first = int(to_mean.argmin())
    rows = [first]
    distance = np.linalg.norm(features - features[first], axis=1)
    distance[first] = -1.0  # of rows in one place, too, none is taken twice
    while len(rows) < min(count, len(features)):
        rows.append(int(distance.argmax()))
        to_new = np.linalg.norm(features - features[rows[-1]], axis=1)
        distance = np.minimum(distance, to_new)
        distance[rows[-1]] = -1.0
    return np.array(rows, dtype=np.int64)
