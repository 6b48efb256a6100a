"""Which frames are compared: near in pose, alike, or near in time.

Each source covers another's blindness. A frame whose pose is wrong has the wrong pose
neighbours, and swapped poses stay hidden among them; its neighbours in time and in
appearance are still the true ones.

Dimension letters: N frames, E embedding width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.twoview.options import TwoViewOptions

Float = NDArray[np.float64]

POSE, EMBEDDING, TIME = "pose", "embedding", "time"
_BLOCK = 512


@dataclass(frozen=True)
class CandidatePair:
    """Two frames to compare.

    Attributes:
        first: row of the one.
        second: row of the other, greater than `first`.
        sources: why, some of `pose`, `embedding`, `time`, in that order.
    """

    first: int
    second: int
    sources: tuple[str, ...]


def candidate_pairs(
    cameras: PosedCameras,
    embeddings: Float | None,
    options: TwoViewOptions,
) -> tuple[CandidatePair, ...]:
    """The pairs worth comparing, each once, ordered by rows.

    Args:
        cameras: N posed frames in order of time; a frame's row is its place in it.
        embeddings: (N, E), rows as the cameras; NaN rows where absent; None without any.
        options: parameters.

    Raises:
        CaptureError: embeddings and cameras do not belong together.
    """
    n = len(cameras)
    if embeddings is not None and len(embeddings) != n:
        raise CaptureError(f"{len(embeddings)} embeddings for {n} posed frames")
    sources: dict[tuple[int, int], list[str]] = {}
    places = pose_places(cameras)
    _add(sources, POSE, _neighbours(places, options.pose_neighbours))
    if embeddings is not None:
        unit = _unit(np.asarray(embeddings, dtype=np.float64))
        _add(sources, EMBEDDING, _neighbours(unit, options.embedding_neighbours))
    _add(sources, TIME, time_pairs(n, options.time_offsets))
    return tuple(
        CandidatePair(i, j, tuple(why)) for (i, j), why in sorted(sources.items())
    )


def time_pairs(n: int, offsets: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs of rows that are an offset apart."""
    return [(i, i + offset) for offset in offsets for i in range(n - offset)]


def pose_places(cameras: PosedCameras) -> Float:
    """(N, 6) centres in units of their median distance to the middle, and directions.

    A change of the world frame turns the rows but keeps their distances.
    """
    if len(cameras) == 0:
        return np.zeros((0, 6))
    offsets = cameras.centres_xyz - np.median(cameras.centres_xyz, axis=0)
    tiny = max(1e-6 * float(np.abs(offsets).max()), np.finfo(float).tiny)
    for _ in range(20):  # Weiszfeld: a middle that turns with the world
        weights = 1.0 / np.maximum(np.linalg.norm(offsets, axis=1), tiny)
        offsets = offsets - np.average(offsets, axis=0, weights=weights)
    scale = float(np.median(np.linalg.norm(offsets, axis=1)))
    scaled = offsets / scale if scale > 0 else offsets
    return np.hstack([scaled, cameras.viewing_directions])


def _neighbours(places: Float, count: int) -> list[tuple[int, int]]:
    """(row, its neighbour) for the `count` nearest others; ties go to the lower row."""
    usable = np.flatnonzero(np.isfinite(places).all(axis=1))
    take = min(count, len(usable) - 1)
    if take < 1:
        return []
    points = places[usable]
    squares = (points**2).sum(axis=1)
    found = []
    for start in range(0, len(points), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(points)))
        distance = squares[rows, None] + squares - 2 * points[rows] @ points.T
        distance[np.arange(len(rows)), rows] = np.inf
        nearest = np.argsort(np.round(distance, 9), axis=1, kind="stable")[:, :take]
        found += [
            (int(usable[row]), int(usable[other]))
            for row, others in zip(rows, nearest, strict=True)
            for other in others
        ]
    return found


def _unit(rows: Float) -> Float:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(lengths > 0, rows / lengths, np.nan)


def _add(
    sources: dict[tuple[int, int], list[str]], why: str, pairs: list[tuple[int, int]]
) -> None:
    for i, j in pairs:
        known = sources.setdefault((min(i, j), max(i, j)), [])
        if why not in known:
            known.append(why)
