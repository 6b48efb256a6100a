"""From which side each frame sees the subject, as points on a unit sphere.

Dimension letters: N frames, K chosen frames.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Int = NDArray[np.int64]

# Cameras whose axes lie, in the median, within 60 degrees of the subject look at it.
_INWARD_COSINE = 0.5
_AT_ORIGIN = 1e-9


def view_vectors(centres_xyz: Float, directions: Float) -> Float:
    """Unit vectors from the subject towards the cameras.

    Where the cameras look at the subject (the origin of the canonical gauge), the vector
    points from the origin to the camera: aiming a little beside the subject is no new
    view. Where they look outwards, as in a room, it is the reversed viewing direction.
    One rule holds for the whole capture. Rotations of the capture rotate the vectors;
    scaling it changes nothing.

    Args:
        centres_xyz: (N, 3) camera centres in the canonical gauge, NaN without a pose.
        directions: (N, 3) viewing directions, NaN without a pose.

    Returns:
        (N, 3) unit vectors, NaN without a pose.
    """
    backwards = -_unit(directions)
    if not faces_the_subject(centres_xyz, directions):
        return backwards
    bearings = _unit(centres_xyz)
    usable = np.all(np.isfinite(bearings), axis=1, keepdims=True)
    return np.where(usable, bearings, backwards)


def faces_the_subject(centres_xyz: Float, directions: Float) -> bool:
    """Whether the capture looks at the gauge's origin; False for a room or a panorama.

    Args:
        centres_xyz: (N, 3) camera centres in the canonical gauge, NaN without a pose.
        directions: (N, 3) viewing directions, NaN without a pose.
    """
    aligned = -(_unit(centres_xyz) * _unit(directions)).sum(axis=1)
    known = np.extract(np.isfinite(aligned), aligned)
    return bool(known.size and np.median(known) >= _INWARD_COSINE)


def angles_deg(view: Float, views: Float) -> Float:
    """(N) angles in degrees between one unit vector (3) and `views` (N, 3).

    From the chord, 2 asin(|a - b| / 2): exactly 0 for equal vectors, unlike arccos.
    """
    chords = np.linalg.norm(views - view, axis=1)
    return np.degrees(2.0 * np.arcsin(np.minimum(chords / 2.0, 1.0)))


def nearest_view(views: Float, chosen: Float) -> tuple[Float, Int]:
    """Angle in degrees to the nearest of the chosen views, and which one it is.

    Args:
        views: (N, 3) unit vectors; NaN without a pose.
        chosen: (K, 3) unit vectors; NaN without a pose, such views are nobody's nearest.

    Returns:
        (N) angles, NaN where there is none; (N) index into `chosen`, -1 there. The
        first of equally near views counts. Memory grows with N + K only.
    """
    angle = np.full(len(views), np.inf)
    index = np.full(len(views), -1, dtype=np.int64)
    for k, view in enumerate(chosen):
        candidate = angles_deg(view, views)
        closer = candidate < angle  # False for NaN
        angle[closer] = candidate[closer]
        index[closer] = k
    return np.where(index >= 0, angle, np.nan), index


def angles_to_earlier(views: Float, order: Int) -> Float:
    """For each of `order`, degrees to the nearest view that stands before it.

    Args:
        views: (N, 3) unit vectors; NaN without a pose.
        order: (K) indices into `views`.

    Returns:
        (K) angles; NaN for the first one and where poses are absent.
    """
    ordered = views[order]
    best = np.full(len(ordered), np.inf)
    for k in range(len(ordered) - 1):
        best[k + 1 :] = np.fmin(best[k + 1 :], angles_deg(ordered[k], ordered[k + 1 :]))
    return np.where(np.isfinite(best), best, np.nan)


def _unit(vectors: Float) -> Float:
    """Rows scaled to length 1; NaN for rows that have no direction."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(length > _AT_ORIGIN, length, np.nan)
