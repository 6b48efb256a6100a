"""The canonical gauge: the one frame of reference in which poses become tokens.

COLMAP's world is arbitrary up to a similarity transform. Here it is fixed by the
cameras themselves: the origin is where their optical axes meet, the scale makes the
median camera distance 1, +z is up and +x points to where the sequence begins. Each of
the four is a robust mean, so that no single frame can spoil it, and each moves with
the cameras under a similarity transform, so that tokens do not change at all.

Dimension letters: N cameras.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.errors import CaptureError

Float = NDArray[np.float64]

_ITERATIONS = 200
_TOLERANCE = 1e-12
# Pull towards a point in front of the cameras, as a share of the axes' own weight: it
# decides only where the axes are nearly parallel and do not meet anywhere near.
_PARALLEL_PULL = 1e-3
# The axes' own weight is at most this many times the typical one's. An axis that runs
# through the point weighs a million times as much, and the pull would with it: on an even
# arc that of the middle camera runs through the very point that pulls.
_MOST_TYPICAL = 3.0
# Cameras nearer to each other than this share of their coordinates are in one place.
_SAME_PLACE = 1e-9
# Mean resultant length under which the cameras' up vectors contradict each other.
_UP_AGREEMENT = 0.3


def canonical_gauge(cameras: PosedCameras) -> Similarity:
    """The similarity transform from the capture's world to the canonical gauge.

    Args:
        cameras: N >= 1 posed frames in capture order (the order decides +x only).

    Returns:
        The transform; equivariant: moving the world by a similarity transform first
        gives the same canonical cameras.

    Raises:
        CaptureError: there is no posed frame.
    """
    if len(cameras) == 0:
        raise CaptureError("no frame has a pose, so there is no gauge to choose")
    centres = cameras.centres_xyz
    directions = cameras.viewing_directions
    origin = axes_intersection(centres, directions)
    distances = np.linalg.norm(centres - origin, axis=1)
    scale = float(np.median(distances))
    if scale <= _SAME_PLACE * float(np.abs(centres).max(initial=0.0)):
        scale = 0.0  # a panorama: all cameras in one place, whatever rounding says
    up = robust_up(cameras.up_directions, centres - origin)
    forward = _start_direction(centres - origin, up)
    rotation = np.stack([forward, np.cross(up, forward), up])
    return Similarity(1.0 / scale if scale > 0 else 1.0, rotation, origin)


def axes_intersection(centres: Float, directions: Float) -> Float:
    """The point with the least sum of distances to the optical axes.

    Iteratively re-weighted least squares on point-to-line distances (an L1 estimate,
    Weiszfeld's scheme), so that a wrong pose has bounded pull.

    Args:
        centres: (N, 3) camera centres.
        directions: (N, 3) unit optical axes.

    Returns:
        (3,) point in the same coordinates.
    """
    middle = geometric_median(centres)
    spread = float(np.median(np.linalg.norm(centres - middle, axis=1)))
    if spread <= _SAME_PLACE * float(np.abs(centres).max(initial=0.0)):
        return middle
    projectors = np.eye(3) - directions[:, :, None] * directions[:, None, :]  # (N, 3, 3)
    ahead = middle + spread * _unit(directions.mean(axis=0))
    point = ahead
    for _ in range(_ITERATIONS):
        offsets = np.einsum("nij,nj->ni", projectors, point - centres)
        weights = _l1_weights(np.linalg.norm(offsets, axis=1), spread)
        typical = len(weights) * np.median(weights)
        pull = _PARALLEL_PULL * min(weights.sum(), _MOST_TYPICAL * typical)
        matrix = np.einsum("n,nij->ij", weights, projectors) + pull * np.eye(3)
        right = np.einsum("n,nij,nj->i", weights, projectors, centres) + pull * ahead
        previous, point = point, np.linalg.solve(matrix, right)
        if np.linalg.norm(point - previous) < _TOLERANCE * spread:
            break
    return point


def geometric_median(points: Float) -> Float:
    """(3,) point with the least sum of distances to (N, 3) points (Weiszfeld 1937)."""
    point = points.mean(axis=0)
    scale = float(np.linalg.norm(points - point, axis=1).max(initial=0.0))
    for _ in range(_ITERATIONS):
        weights = _l1_weights(np.linalg.norm(points - point, axis=1), scale)
        previous, point = point, weights @ points / weights.sum()
        if np.linalg.norm(point - previous) <= _TOLERANCE * scale:
            break
    return point


def robust_up(ups: Float, offsets: Float) -> Float:
    """The world's up direction as most cameras hold it.

    The spherical L1 mean of the cameras' up vectors; where these contradict each other
    (an object turned over, cameras looking straight down) the normal of the plane that
    the cameras lie in, on the side that the cameras' up vectors prefer.

    Args:
        ups: (N, 3) unit up vectors of the cameras.
        offsets: (N, 3) camera centres relative to the subject.

    Returns:
        (3,) unit vector.
    """
    mean = ups.mean(axis=0)
    if np.linalg.norm(mean) < _UP_AGREEMENT and len(ups) >= 3:
        return _plane_normal(offsets, mean)
    up = _unit(mean)
    for _ in range(_ITERATIONS):
        weights = _l1_weights(np.linalg.norm(ups - up, axis=1), 1.0)
        previous, up = up, _unit(weights @ ups)
        if np.linalg.norm(up - previous) < _TOLERANCE:
            break
    return up


def _plane_normal(offsets: Float, preferred: Float) -> Float:
    """Unit direction in which (N, 3) offsets vary least, towards `preferred`."""
    rays = offsets / np.maximum(np.linalg.norm(offsets, axis=1, keepdims=True), 1e-300)
    _, vectors = np.linalg.eigh(rays.T @ rays)
    normal = vectors[:, 0]
    return normal if normal @ preferred >= 0 else -normal


def _start_direction(offsets: Float, up: Float) -> Float:
    """(3,) horizontal unit vector from the subject towards where the sequence begins.

    Unit bearings are averaged with weights that fall along the sequence: on a closed
    orbit the plain mean would vanish, and one frame would decide its direction.
    """
    horizontal = offsets - (offsets @ up)[:, None] * up
    length = np.linalg.norm(horizontal, axis=1, keepdims=True)
    reach = float(np.linalg.norm(offsets, axis=1).max())
    usable = length > 1e-9 * max(reach, 1e-300)
    bearings = np.where(usable, horizontal / np.maximum(length, 1e-300), 0.0)
    weights = np.linspace(1.0, 0.0, len(offsets), endpoint=False)
    mean = weights @ bearings
    if np.linalg.norm(mean) > 1e-9:
        return _unit(mean - (mean @ up) * up)
    axis = np.eye(3)[int(np.abs(up).argmin())]
    return _unit(axis - (axis @ up) * up)


def _l1_weights(distances: Float, scale: float) -> Float:
    """Weights of iteratively re-weighted least squares that make it an L1 estimate."""
    return 1.0 / np.maximum(distances, 1e-6 * max(scale, 1e-300))


def _unit(vector: Float) -> Float:
    length = float(np.linalg.norm(vector))
    return vector / length if length > 0 else np.array([0.0, 0.0, 1.0])
