"""Whether a frame would fit better between two other frames than where its time puts it.

A frame between two others makes the way past them longer by its detour. A frame with a
wrong time makes a long detour where it stands, and hardly one where it was taken; a frame
with a wrong pose, or one beside a break of the path, does not.

Dimension letters: N frames, D numbers a point.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.judge.capture_evidence import CaptureEvidence
from mtcm_pipeline.judge.neighbourhoods import median, pose_places

Float = NDArray[np.float64]
Columns = dict[str, Float]

# Frames before and after; most leave out any single wrong neighbour.
_BRACKETS = ((-1, 1), (-2, 1), (-1, 2), (-2, 2))
_FEWEST = 8
_CHUNK = 256


def order_columns(evidence: CaptureEvidence) -> Columns:
    """How much better a frame fits elsewhere: by pose, by appearance, by the lesser of
    both. A frame out of order is so by both, one with a wrong pose only by its pose."""
    pose = misplaced(pose_places(evidence.world_from_cam))
    looks = misplaced(evidence.embeddings)
    return {
        "misplaced_pose": pose,
        "misplaced_looks": looks,
        "misplaced_both": np.minimum(pose, looks),
    }


def misplaced(points: Float, chunk: int = _CHUNK) -> Float:
    """Logarithm of the detour where a frame stands over the least one elsewhere, both
    with a usual step added.

    Args:
        points: (N, D) in order of time; rows that are not finite are passed over.
        chunk: frames that are tried everywhere at a time.

    Returns:
        (N,); NaN where a row is not finite, everywhere with fewer than 8 rows left.
    """
    result = np.full(len(points), np.nan)
    known = np.flatnonzero(np.isfinite(points).all(axis=1))
    if len(known) < _FEWEST:
        return result
    path = np.asarray(points[known], dtype=np.float64)
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    usual = max(float(np.median(steps)), 1e-9)
    here = _detour_here(path, usual)
    elsewhere = np.concatenate(
        [
            _least_elsewhere(path, steps, np.arange(start, min(start + chunk, len(path))))
            for start in range(0, len(path), chunk)
        ]
    )
    result[known] = np.log((here + usual) / (elsewhere + usual))
    return result


def _detour_here(path: Float, usual: float) -> Float:
    """(N,) median over pairs of frames before and after; at the ends the distance to the
    nearest of two neighbours beyond a usual step."""
    n = len(path)
    rows, detours = np.arange(n), []
    for before, after in _BRACKETS:
        a, b = np.clip(rows + before, 0, n - 1), np.clip(rows + after, 0, n - 1)
        inside = (rows + before >= 0) & (rows + after < n)
        around = _apart(path[a], path) + _apart(path, path[b]) - _apart(path[a], path[b])
        detours.append(np.where(inside, around, np.nan))
    here = median(np.stack(detours, axis=1))
    for end, others in ((0, [1, 2]), (n - 1, [n - 2, n - 3])):
        nearest = _apart(path[others], path[end]).min()
        here[end] = max(float(nearest) - usual, 0.0)
    return here


def _least_elsewhere(path: Float, steps: Float, rows: NDArray[np.int64]) -> Float:
    """(len(rows),) least detour between any two successive frames that are not beside."""
    to_all = np.sqrt(
        np.maximum(
            (path**2).sum(axis=1)[:, None]
            + (path[rows] ** 2).sum(axis=1)
            - 2.0 * path @ path[rows].T,
            0.0,
        )
    )  # (N, rows)
    detours = to_all[:-1] + to_all[1:] - steps[:, None]
    before = np.arange(len(steps))[:, None]
    beside = (before >= rows - 2) & (before <= rows + 1)
    return np.asarray(np.where(beside, np.inf, detours).min(axis=0))


def _apart(a: Float, b: Float) -> Float:
    return np.asarray(np.linalg.norm(a - b, axis=-1))
