"""Points from the frames that see them, whatever some of those frames claim.

Dimension letters: V frames, O observations, P points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.tuning.matches import Tracks

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

_ROUNDS = 4
_LEAST_DEPTH = 1e-2
# Error of an observation whose point is behind the camera.
_BEHIND_PX = 1e3
_TINY = 1e-9
# Seen under less, a point's depth is a guess.
_LEAST_SPREAD_DEG = 0.7


@dataclass(frozen=True)
class Structure:
    """Points of tracks.

    Attributes:
        xyz: (P, 3).
        error_px: (O,) distance of each observation from where its point appears.
    """

    xyz: Float
    error_px: Float


def triangulated(
    tracks: Tracks, cam_from_world: Float, counts: Bool, soft_px: float
) -> Structure:
    """Least squares over rays, weights by the last round's errors (Cauchy).

    Args:
        tracks: O observations of P points.
        cam_from_world: (V, 4, 4).
        counts: (O,) observations that count; errors are there for all.
        soft_px: error at which an observation counts half.
    """
    pose, xy = cam_from_world[tracks.frame], tracks.xy
    rows = np.stack(
        [xy[:, :1] * pose[:, 2] - pose[:, 0], xy[:, 1:] * pose[:, 2] - pose[:, 1]], 1
    )
    squares = np.einsum("oki,okj->oij", rows, rows)
    order = np.argsort(tracks.point, kind="stable")
    start = np.searchsorted(tracks.point[order], np.arange(tracks.points))
    weights, depth = counts.astype(np.float64), np.ones(len(tracks))
    for _ in range(_ROUNDS):
        weighted = squares * (weights / depth**2)[:, None, None]
        total = np.add.reduceat(weighted[order], start, axis=0)
        size = np.trace(total[:, :3, :3], axis1=1, axis2=2)[:, None, None] + _TINY
        matrix = total[:, :3, :3] + _TINY * size * np.eye(3)
        xyz = np.linalg.solve(matrix, -total[:, :3, 3:])[..., 0]
        error_px, depth = errors(tracks, cam_from_world, xyz)
        weights = counts / (1.0 + (error_px / soft_px) ** 2)
    return Structure(xyz, error_px)


def errors(tracks: Tracks, cam_from_world: Float, xyz: Float) -> tuple[Float, Float]:
    """(O,) distances in px of a 400 px photograph, and depths (never below a little)."""
    seen = _in_camera(tracks, cam_from_world, xyz)
    depth = np.maximum(seen[:, 2], _LEAST_DEPTH)
    error = np.linalg.norm(seen[:, :2] / depth[:, None] - tracks.xy, axis=1)
    behind = seen[:, 2] <= _LEAST_DEPTH
    return np.where(behind, _BEHIND_PX, tracks.focal_px * error), depth


def well_seen(
    tracks: Tracks,
    cam_from_world: Float,
    structure: Structure,
    counts: Bool,
    most_px: float,
) -> Bool:
    """(P,) points that most of their frames agree on, seen from two directions.

    Args:
        tracks: O observations of P points.
        cam_from_world: (V, 4, 4).
        structure: of the tracks.
        counts: (O,) observations that count.
        most_px: error of an observation that agrees.
    """
    fits = counts & (structure.error_px < most_px)
    agreeing = tracks.frames_seeing(fits)
    ray = structure.xyz[tracks.point] - invert_rigid(cam_from_world)[tracks.frame, :3, 3]
    ray /= np.linalg.norm(ray, axis=1, keepdims=True) + _TINY
    means = np.stack(
        [np.bincount(tracks.point[fits], ray[fits, k], tracks.points) for k in range(3)],
        axis=1,
    ) / np.maximum(agreeing, 1)[:, None]  # fmt: skip
    # Unit vectors that spread by an angle have a mean that is shorter than 1.
    spread = np.sqrt(np.maximum(1.0 - (means**2).sum(axis=1), 0.0))
    apart = spread > np.radians(_LEAST_SPREAD_DEG)
    return (agreeing >= 2) & apart & (2 * agreeing > tracks.frames_seeing(counts))


def pose_informations(
    tracks: Tracks, cam_from_world: Float, xyz: Float, soft_px: float
) -> Float:
    """(V, 6, 6) curvature of the errors by each pose's twist, the points held.

    Args:
        tracks: O observations of P points.
        cam_from_world: (V, 4, 4).
        xyz: (P, 3).
        soft_px: as in `triangulated`; errors are in units of it.
    """
    error_px, _ = errors(tracks, cam_from_world, xyz)
    slopes = projection_slopes(_in_camera(tracks, cam_from_world, xyz))
    weights = (tracks.focal_px / soft_px) ** 2 / (1.0 + (error_px / soft_px) ** 2)
    terms = np.einsum("o,oki,okj->oij", weights, slopes, slopes)
    total = np.zeros((tracks.frames, 6, 6))
    np.add.at(total, tracks.frame, terms)
    return total


def projection_slopes(in_camera: Float) -> Float:
    """(O, 2, 6) change of x / z and y / z by a twist of the camera.

    Args:
        in_camera: (O, 3) points as the camera has them.
    """
    near = 1.0 / np.maximum(in_camera[:, 2], _LEAST_DEPTH)
    x, y = in_camera[:, 0] * near, in_camera[:, 1] * near
    zero = np.zeros_like(x)
    across = np.stack([-x * y, 1 + x * x, -y, near, zero, -x * near], axis=1)
    down = np.stack([-1 - y * y, x * y, x, zero, near, -y * near], axis=1)
    return np.stack([across, down], axis=1)


def _in_camera(tracks: Tracks, cam_from_world: Float, xyz: Float) -> Float:
    pose = cam_from_world[tracks.frame]
    return np.asarray(
        np.einsum("oij,oj->oi", pose[:, :3, :3], xyz[tracks.point]) + pose[:, :3, 3]
    )
