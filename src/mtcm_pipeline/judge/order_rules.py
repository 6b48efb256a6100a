"""Where a frame can have a wrong time at all, by where it and its neighbours stand.

Dimension letters: N frames.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist

from mtcm_pipeline.judge.capture_evidence import CaptureEvidence
from mtcm_pipeline.judge.neighbourhoods import pose_places

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

# Successive frames of an ordered capture are nearer to each other than this share of the
# distance between any two.
_ORDERED = 0.5
# Frames whose distances say how far apart any two of a capture are.
_ENOUGH = 400
# A frame that was taken two places or more elsewhere stands at least so many usual steps
# from both frames between which its time puts it.
_OUT_OF_ORDER_STEPS = 1.5
# With a misdated frame taken out, those around it follow each other: for some pair of
# them, a step is no longer than so many usual ones. Of 168 misdated frames in generated
# captures and five real ones that it was chosen on, none had more than 2.2.
_CLOSED_STEPS = 2.5
_AROUND = ((-1, 1), (-2, 1), (-1, 2), (-2, 2))


def may_be_misdated(evidence: CaptureEvidence) -> Bool:
    """(N,) frames whose time can be wrong: none of a capture without order, none that
    stands a usual step from the frame before or after it, and none where the path is
    broken with or without it (a quick turn, an object turned over)."""
    places, times = pose_places(evidence.world_from_cam), evidence.times
    off = ~follows(places, times) & closes_without(places, times)
    return off & is_ordered(evidence)


def is_ordered(evidence: CaptureEvidence) -> bool:
    """Whether frames that follow each other in time stand near each other."""
    order = np.argsort(evidence.times, kind="stable")
    centres = evidence.world_from_cam[order, :3, 3]
    centres = centres[np.isfinite(centres).all(axis=1)]
    if len(centres) < 3:
        return False
    steps = np.linalg.norm(np.diff(centres, axis=0), axis=1)
    between = pdist(centres[:: -(-len(centres) // _ENOUGH)])
    return bool(np.median(steps) < _ORDERED * np.median(between))


def follows(places: Float, times: Float) -> Bool:
    """(N,) whether a frame stands near the one before it or after it in time."""
    order = np.argsort(times, kind="stable")
    far = _steps(places[order])
    nearest = np.minimum(np.append(np.inf, far), np.append(far, np.inf))
    near = np.zeros(len(places), dtype=bool)
    near[order] = nearest < _OUT_OF_ORDER_STEPS * np.median(far)
    return near


def closes_without(places: Float, times: Float) -> Bool:
    """(N,) whether frames before and after would follow each other without the frame.

    Several pairs of them are tried, so that one wrong neighbour does not matter; true
    for the first and the last frame, around which there is no path.

    Args:
        places: (N, D).
        times: (N,).
    """
    order = np.argsort(times, kind="stable")
    path, n = places[order], len(places)
    usual, rows = np.median(_steps(path)), np.arange(n)
    least = np.full(n, np.inf)
    for before, after in _AROUND:
        inside = (rows + before >= 0) & (rows + after < n)
        a, b = path[(rows + before)[inside]], path[(rows + after)[inside]]
        step = np.linalg.norm(b - a, axis=1) / (after - before - 1)
        least[inside] = np.fmin(least[inside], step)
    closes = np.zeros(n, dtype=bool)
    closes[order] = ~np.isfinite(least) | (least < _CLOSED_STEPS * usual)
    return closes


def _steps(path: Float) -> Float:
    """(N - 1,) distance from each frame to the next; infinite without a place."""
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    return np.where(np.isfinite(steps), steps, np.inf)
