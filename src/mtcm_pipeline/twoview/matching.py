"""Descriptors of two photographs -> which points are probably the same.

Dimension letters: A and B features of the two photographs, M matches.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.twoview.features import Features

Float32 = NDArray[np.float32]
Index = NDArray[np.int64]


def match_features(a: Features, b: Features, *, ratio: float, max_matches: int) -> Index:
    """(M, 2) rows of `a` and of `b`, the most distinct first.

    A match is mutually nearest, passes Lowe's ratio test in both directions, and is the
    best at its places: points with two orientations would else be counted twice.
    """
    rows, distinctness = mutual_matches(
        unit_descriptors(a.descriptors), unit_descriptors(b.descriptors), ratio
    )
    rows = rows[np.argsort(distinctness, kind="stable")]
    rows = rows[_first_at_place(a.xy[rows[:, 0]])]
    rows = rows[_first_at_place(b.xy[rows[:, 1]])]
    return rows[:max_matches]


def unit_descriptors(descriptors: NDArray[np.uint8]) -> Float32:
    """(F, 128) float32 of unit length."""
    values = descriptors.astype(np.float32)
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    return values / np.maximum(lengths, 1e-6)


def mutual_matches(a: Float32, b: Float32, ratio: float) -> tuple[Index, Float32]:
    """Mutual nearest neighbours that pass the ratio test (Lowe 2004, section 7.1).

    Args:
        a: (A, d) of unit length.
        b: (B, d) likewise.
        ratio: nearest distance over second nearest must be below it, seen from `a` and
            from `b`. With a single candidate there is no second: it passes.

    Returns:
        (M, 2) rows of a and of b, by rows of a; and (M,) the larger of the two ratios.
    """
    if len(a) == 0 or len(b) == 0:
        return np.zeros((0, 2), np.int64), np.zeros(0, np.float32)
    cosine = a @ b.T  # (A, B)
    transposed = np.ascontiguousarray(cosine.T)
    best_of_a, ratio_of_a = _nearest_and_ratio(cosine)
    best_of_b, ratio_of_b = _nearest_and_ratio(transposed)
    rows = np.flatnonzero(best_of_b[best_of_a] == np.arange(len(a)))
    partners = best_of_a[rows]
    worse = np.maximum(ratio_of_a[rows], ratio_of_b[partners])
    keep = worse < ratio
    return np.stack([rows, partners], axis=1)[keep].astype(np.int64), worse[keep]


def _nearest_and_ratio(cosine: Float32) -> tuple[Index, Float32]:
    """(A,) nearest columns, and distance to them over that to the second nearest.

    The ratio is 0 where there is no second, and 1 where both are at no distance.
    `cosine` is used up.
    """
    rows = np.arange(len(cosine))
    nearest = cosine.argmax(axis=1)
    first = np.maximum(2.0 - 2.0 * cosine[rows, nearest], 0.0)
    if cosine.shape[1] < 2:
        return nearest, np.zeros(len(cosine), np.float32)
    cosine[rows, nearest] = -np.inf
    second = np.maximum(2.0 - 2.0 * cosine.max(axis=1), 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = np.where(second > 0, np.sqrt(first / second), 1.0)
    return nearest, ratios.astype(np.float32)


def _first_at_place(xy: Float32) -> Index:
    """Rows that are the first with their place, in order."""
    _, first = np.unique(xy, axis=0, return_index=True)
    return np.sort(first)
