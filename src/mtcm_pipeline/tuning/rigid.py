"""Rigid motions as twists, and the gauge that pose corrections must not move.

A twist is (6,): rotation vector in radians, then the translation part, in units of the
world. A correction acts on the camera's side: refined = exp(twist) cam_from_world.

Dimension letters: V views.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.capture.rotations import rotation_angle_deg

Float = NDArray[np.float64]

_SMALL = 1e-8


def cross_matrix(vector: Float) -> Float:
    """(3, 3) matrix that multiplies as the cross product from the left."""
    x, y, z = vector
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])


def rigid_from_twist(twist: Float) -> Float:
    """(4, 4) exponential of a twist (Barfoot 2017, equations 7.85 and 7.86)."""
    turn, along = twist[:3], twist[3:]
    angle = float(np.linalg.norm(turn))
    w = cross_matrix(turn)
    if angle < _SMALL:
        a, b, c = 1.0, 0.5, 1.0 / 6.0
    else:
        a = np.sin(angle) / angle
        b = (1.0 - np.cos(angle)) / angle**2
        c = (angle - np.sin(angle)) / angle**3
    moved = np.eye(4)
    moved[:3, :3] += a * w + b * w @ w
    moved[:3, 3] = (np.eye(3) + b * w + c * w @ w) @ along
    return moved


def twist_from_rigid(motion: Float) -> Float:
    """(6,) the inverse of `rigid_from_twist`, for rotations below 180 degrees."""
    turn = Rotation.from_matrix(motion[:3, :3]).as_rotvec()
    angle = float(np.linalg.norm(turn))
    w = cross_matrix(turn)
    if angle < _SMALL:
        inverse = np.eye(3) - 0.5 * w
    else:
        factor = 1.0 / angle**2 - (1.0 + np.cos(angle)) / (2.0 * angle * np.sin(angle))
        inverse = np.eye(3) - 0.5 * w + factor * w @ w
    return np.concatenate([turn, inverse @ motion[:3, 3]])


def pose_distance(first: Float, second: Float) -> tuple[float, float]:
    """Degrees between two `cam_from_world`, and the distance of their centres."""
    centres = [-pose[:3, :3].T @ pose[:3, 3] for pose in (first, second)]
    angle = float(rotation_angle_deg(first[:3, :3], second[:3, :3]))
    return angle, float(np.linalg.norm(centres[0] - centres[1]))


def corrections_deg(first: Float, second: Float) -> Float:
    """(V,) the larger of the turn and of the shift as an angle at the subject.

    Args:
        first: (V, 4, 4) cam_from_world, distances in median camera distances.
        second: (V, 4, 4) likewise.
    """
    pairs = [pose_distance(a, b) for a, b in zip(first, second, strict=True)]
    return np.array([max(angle, float(np.degrees(far))) for angle, far in pairs])


def without_common_motion(refined: Float, given: Float, weights: Float) -> Float:
    """Refined poses, moved so that their corrections have no common part.

    A rotation, shift or scaling of all cameras together changes no picture of a field
    that moves along, so the photometric loss cannot hold it: test views, which stay
    where they are, would no longer fit. The similarity that takes the given cameras
    nearest to the refined ones (weighted least squares: rotations by their chordal mean,
    then centres) is taken off; the scale counts only where the cameras are spread.

    Args:
        refined: (V, 4, 4) cam_from_world.
        given: (V, 4, 4) the same cameras before.
        weights: (V) at least 0, some above.

    Returns:
        (V, 4, 4) refined poses in the gauge of the given ones.
    """
    share = weights / weights.sum()
    old, new = invert_rigid(given), invert_rigid(refined)
    turns = new[:, :3, :3] @ np.swapaxes(old[:, :3, :3], 1, 2)
    turn = _nearest_rotation(np.einsum("v,vij->ij", share, turns))
    old_centre, new_centre = share @ old[:, :3, 3], share @ new[:, :3, 3]
    before = (old[:, :3, 3] - old_centre) @ turn.T
    after = new[:, :3, 3] - new_centre
    spread = float(share @ (before**2).sum(axis=1))
    scale = float(share @ (before * after).sum(axis=1)) / spread if spread > 0 else 1.0
    scale = scale if scale > 0 else 1.0
    back = np.array(new)
    back[:, :3, :3] = turn.T @ new[:, :3, :3]
    back[:, :3, 3] = old_centre + after @ turn / scale
    return np.asarray(invert_rigid(back))


def _nearest_rotation(matrix: Float) -> Float:
    u, _, vt = np.linalg.svd(matrix)
    flip = np.diag([1.0, 1.0, float(np.sign(np.linalg.det(u @ vt)))])
    return np.asarray(u @ flip @ vt)
