"""Descriptors of two photographs -> which points are probably the same.

Dimension letters: A and B features of the two photographs, M matches, d descriptor width.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.twoview.features import Features

Float32 = NDArray[np.float32]
Index = NDArray[np.int64]


class Room:
    """Arrays that are used again for pair after pair.

    The cosines of two photographs take some MB. As a new array for every pair they cost
    as much in page faults as in arithmetic.
    """

    def __init__(self) -> None:
        self._arrays: dict[str, Float32] = {}

    def array(self, name: str, rows: int, columns: int) -> Float32:
        """(rows, columns), not cleared; the last one of that name is given up."""
        needed = rows * columns
        if name not in self._arrays or self._arrays[name].size < needed:
            self._arrays[name] = np.empty(needed, np.float32)
        return self._arrays[name][:needed].reshape(rows, columns)


def match_features(a: Features, b: Features, *, ratio: float, max_matches: int) -> Index:
    """(M, 2) rows of `a` and of `b`, the most distinct first.

    A match is mutually nearest, passes Lowe's ratio test in both directions, and is the
    best at its places: points with two orientations would else be counted twice.
    """
    rows, distinctness = mutual_matches(
        unit_descriptors(a.descriptors), unit_descriptors(b.descriptors), ratio
    )
    return most_distinct(a, b, rows, distinctness)[:max_matches]


def most_distinct(a: Features, b: Features, rows: Index, distinctness: Float32) -> Index:
    """(M, 2) rows by distinctness, the first at each place of `a` and of `b`."""
    rows = rows[np.argsort(distinctness, kind="stable")]
    rows = rows[_first_at_place(a.xy[rows[:, 0]])]
    return rows[_first_at_place(b.xy[rows[:, 1]])]


def unit_descriptors(descriptors: NDArray[np.uint8]) -> Float32:
    """(F, 128) float32 of unit length."""
    values = descriptors.astype(np.float32)
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    return values / np.maximum(lengths, 1e-6)


def mutual_matches(
    a: Float32, b: Float32, ratio: float, room: Room | None = None
) -> tuple[Index, Float32]:
    """Mutual nearest neighbours that pass the ratio test (Lowe 2004, section 7.1).

    Args:
        a: (A, d) of unit length.
        b: (B, d) likewise.
        ratio: nearest distance over second nearest must be below it, seen from `a` and
            from `b`; at most 1. With a single candidate there is no second: it passes.
        room: memory to use again.

    Returns:
        (M, 2) rows of a and of b, by rows of a; and (M,) the larger of the two ratios.
    """
    if len(a) == 0 or len(b) == 0:
        return np.zeros((0, 2), np.int64), np.zeros(0, np.float32)
    room = room or Room()
    cosine = np.matmul(a, b.T, out=room.array("cosine", len(a), len(b)))  # (A, B)
    nearest = cosine.argmax(axis=1)
    highest = cosine[np.arange(len(a)), nearest]
    rows = np.flatnonzero(highest == cosine.max(axis=0)[nearest])
    # Of rows that are equally near to one column none passes: their ratio is 1.
    rows = rows[np.bincount(nearest[rows], minlength=len(b))[nearest[rows]] == 1]
    partners, best = nearest[rows], highest[rows]
    cosine[rows, partners] = -np.inf  # what is now highest is the second nearest
    worse = np.maximum(
        _ratios(best, cosine.max(axis=1)[rows]),
        _ratios(best, cosine.max(axis=0)[partners]),
    )
    keep = worse < ratio
    return np.stack([rows, partners], axis=1)[keep].astype(np.int64), worse[keep]


def _ratios(cosine: Float32, second: Float32) -> Float32:
    """(M,) distances of unit vectors to the nearest over those to the second nearest.

    0 where there is no second (-inf), and 1 where both are at no distance.

    Args:
        cosine: (M,) with the nearest.
        second: (M,) with the second nearest.
    """
    near = np.maximum(2.0 - 2.0 * cosine, 0.0)
    far = np.maximum(2.0 - 2.0 * second, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(far > 0, np.sqrt(near / far), 1.0).astype(np.float32)


def _first_at_place(xy: Float32) -> Index:
    """Rows that are the first with their place, in order."""
    # Both numbers of a place as one, which sorts faster; adding 0 makes -0 a 0.
    places = np.ascontiguousarray(xy + np.float32(0.0)).view(np.uint64)
    _, first = np.unique(places, return_index=True)
    return np.sort(first)
