"""Epipolar geometry of two posed cameras, in normalised image coordinates.

Places are (x, y) of a ray (x, y, 1) in the camera's axes (right, down, forward), that
is pixels after distortion and focal length are undone. `b_from_a` is a rigid transform
from the axes of camera a to those of camera b.

Dimension letters: M matches.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.axes import invert_rigid

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

# Thresholds in px are for photographs whose longest side has this many px.
REFERENCE_PX = 400.0
# Below this share of the cameras' spread two centres are one: no epipolar lines.
_SAME_CENTRE = 1e-6


def relative_pose(cam_from_world_a: Float, cam_from_world_b: Float) -> Float:
    """(4, 4) `b_from_a`."""
    return np.asarray(cam_from_world_b) @ invert_rigid(cam_from_world_a)


def essential_matrix(b_from_a: Float) -> Float:
    """(3, 3) E with `ray_b . E ray_a = 0` (Hartley and Zisserman, eq. 9.12)."""
    x, y, z = b_from_a[:3, 3]
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return cross @ b_from_a[:3, :3]


def sampson_errors(essential: Float, xy_a: Float, xy_b: Float) -> Float:
    """(M,) distances to the epipolar geometry to first order, unit of the coordinates.

    Hartley and Zisserman, eq. 11.9: `|b E a| / sqrt((Ea)_1^2 + (Ea)_2^2 + (E'b)_1^2 +
    (E'b)_2^2)`. 0 where the point lies on its epipole, which no error can be told at.
    """
    line_b = homogeneous(xy_a) @ essential.T  # (M, 3) in image b
    line_a = homogeneous(xy_b) @ essential  # (M, 3) in image a
    residual = np.abs((homogeneous(xy_b) * line_b).sum(axis=1))
    slope = np.sqrt((line_b[:, :2] ** 2).sum(axis=1) + (line_a[:, :2] ** 2).sum(axis=1))
    return np.divide(residual, slope, out=np.zeros_like(residual), where=slope > 0)


def transfer_errors(rotation: Float, xy_a: Float, xy_b: Float) -> Float:
    """(M,) distances in image b if both cameras stand in one place; inf behind it."""
    rays = homogeneous(xy_a) @ rotation.T
    ahead = rays[:, 2] > 1e-9
    depth = np.where(ahead, rays[:, 2], 1.0)[:, None]
    distances = np.linalg.norm(rays[:, :2] / depth - xy_b, axis=1)
    return np.where(ahead, distances, np.inf)


def pose_errors(b_from_a: Float, xy_a: Float, xy_b: Float, spread: float) -> Float:
    """(M,) errors of matches under a relative pose, unit of the coordinates.

    Sampson distances; where both cameras stand in one place there are no epipolar
    lines, and matches must coincide after the rotation.

    Args:
        b_from_a: (4, 4) relative pose.
        xy_a: (M, 2).
        xy_b: (M, 2).
        spread: the capture's size in world units; says what 'one place' is.
    """
    if same_centre(b_from_a, spread):
        return transfer_errors(b_from_a[:3, :3], xy_a, xy_b)
    unit = np.array(b_from_a)
    unit[:3, 3] /= np.linalg.norm(unit[:3, 3])
    return sampson_errors(essential_matrix(unit), xy_a, xy_b)


def same_centre(b_from_a: Float, spread: float) -> bool:
    """Whether both cameras stand in one place; `spread` is the capture's, world units."""
    return bool(np.linalg.norm(b_from_a[:3, 3]) <= _SAME_CENTRE * spread)


def seen_from_behind(
    b_from_a: Float, xy_a: Float, xy_b: Float, least_parallax_deg: float
) -> Bool:
    """(M,) matches whose point would lie behind a camera.

    The rays' nearest points decide. Rays that are nearly parallel meet anywhere; below
    `least_parallax_deg` nothing is said against a match.
    """
    rays_a = homogeneous(xy_a) @ b_from_a[:3, :3].T  # (M, 3) in the axes of b
    rays_b = homogeneous(xy_b)
    aa, bb = (rays_a**2).sum(axis=1), (rays_b**2).sum(axis=1)
    ab = (rays_a * rays_b).sum(axis=1)
    at, bt = rays_a @ b_from_a[:3, 3], rays_b @ b_from_a[:3, 3]
    # Least squares of depth_a * ray_a + t = depth_b * ray_b; the determinant is positive.
    depth_a = ab * bt - bb * at
    depth_b = aa * bt - ab * at
    apart = parallax_deg(b_from_a[:3, :3], xy_a, xy_b) >= least_parallax_deg
    return apart & ((depth_a < 0) | (depth_b < 0))


def parallax_deg(rotation: Float, xy_a: Float, xy_b: Float) -> Float:
    """(M,) angles between the two rays of a match, in degrees."""
    rays_a, rays_b = homogeneous(xy_a) @ rotation.T, homogeneous(xy_b)
    across = np.linalg.norm(np.cross(rays_a, rays_b), axis=1)
    return np.degrees(np.arctan2(across, (rays_a * rays_b).sum(axis=1)))


def homogeneous(xy: Float) -> Float:
    """(M, 3) rays x, y, 1."""
    return np.hstack([xy, np.ones((len(xy), 1))])


def angle_deg(a: Float, b: Float) -> float:
    """Angle in degrees between two vectors of any length."""
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b)))
