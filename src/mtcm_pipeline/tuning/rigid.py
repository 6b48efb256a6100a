"""Rigid motions as twists, and the gauge that pose corrections must not move.

A twist is (6,): rotation vector in radians, then the translation part, in units of the
world. A correction acts on the camera's side: refined = exp(twist) cam_from_world.

Dimension letters: V views, R similarities.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.capture.rotations import rotation_angle_deg

Float = NDArray[np.float64]

_SMALL = 1e-8


def cross_matrix(vectors: Float) -> Float:
    """(..., 3, 3) matrices that multiply as the cross product from the left."""
    x, y, z = np.moveaxis(np.asarray(vectors, np.float64), -1, 0)
    zero = np.zeros_like(x)
    rows = [[zero, -z, y], [z, zero, -x], [-y, x, zero]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


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
    """(..., 6) the inverse of `rigid_from_twist`, for rotations below 180 degrees.

    Args:
        motion: (..., 4, 4).
    """
    ahead = motion.shape[:-2]
    turn = Rotation.from_matrix(motion[..., :3, :3].reshape(-1, 3, 3)).as_rotvec()
    turn = turn.reshape(*ahead, 3)
    angle = np.linalg.norm(turn, axis=-1)[..., None, None]
    w = cross_matrix(turn)
    safe = np.where(angle < _SMALL, 1.0, angle)
    factor = 1.0 / safe**2 - (1.0 + np.cos(safe)) / (2.0 * safe * np.sin(safe))
    inverse = np.eye(3) - 0.5 * w + np.where(angle < _SMALL, 0.0, factor) * (w @ w)
    along = (inverse @ motion[..., :3, 3:])[..., 0]
    return np.concatenate([turn, along], axis=-1)


def pose_distance(first: Float, second: Float) -> tuple[float, float]:
    """Degrees between two `cam_from_world`, and the distance of their centres."""
    centres = [-pose[:3, :3].T @ pose[:3, 3] for pose in (first, second)]
    angle = float(rotation_angle_deg(first[:3, :3], second[:3, :3]))
    return angle, float(np.linalg.norm(centres[0] - centres[1]))


def corrections_deg(first: Float, second: Float) -> Float:
    """(...) the larger of the turn and of the shift as an angle at the subject.

    Args:
        first: (..., 4, 4) cam_from_world, distances in median camera distances.
        second: (..., 4, 4) likewise.
    """
    turns = turned_deg(first[..., :3, :3], second[..., :3, :3])
    apart = invert_rigid(first)[..., :3, 3] - invert_rigid(second)[..., :3, 3]
    return np.maximum(turns, np.degrees(np.linalg.norm(apart, axis=-1)))


def turned_deg(first: Float, second: Float) -> Float:
    """(...) degrees between (..., 3, 3) rotations, by the length of their difference.

    A thousand times as fast as through quaternions one by one, and as exact below a
    right angle.
    """
    chord = np.linalg.norm(first - second, axis=(-2, -1)) / np.sqrt(8.0)
    return np.asarray(np.degrees(2.0 * np.arcsin(np.minimum(chord, 1.0))))


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
    everyone = common_motions(refined, given, np.asarray(weights)[None])
    return everyone.taken_off(refined)


@dataclass(frozen=True)
class CommonMotions:
    """Similarities of the world, one or as many as there are poses (R).

    Attributes:
        turn: (R, 3, 3) from before to after.
        old_centre: (R, 3) weighted mean of the centres before.
        new_centre: (R, 3) and after.
        scale: (R,).
    """

    turn: Float
    old_centre: Float
    new_centre: Float
    scale: Float

    def taken_off(self, refined: Float) -> Float:
        """(V, 4, 4) poses in the gauge from before; R is 1 or V, pose by pose."""
        new = invert_rigid(refined)
        back = np.array(new)
        back[:, :3, :3] = np.swapaxes(self.turn, 1, 2) @ new[:, :3, :3]
        after = ((new[:, :3, 3] - self.new_centre)[:, None] @ self.turn)[:, 0]
        back[:, :3, 3] = self.old_centre + after / self.scale[:, None]
        return np.asarray(invert_rigid(back))


def common_motions(refined: Float, given: Float, weights: Float) -> CommonMotions:
    """The similarities that take the given cameras nearest to the refined ones.

    Args:
        refined: (V, 4, 4) cam_from_world.
        given: (V, 4, 4) the same cameras before.
        weights: (R, V) at least 0, some above in each row.
    """
    share = weights / weights.sum(axis=1, keepdims=True)
    old, new = invert_rigid(given), invert_rigid(refined)
    turns = new[:, :3, :3] @ np.swapaxes(old[:, :3, :3], 1, 2)
    turn = _nearest_rotations(np.einsum("rv,vij->rij", share, turns))
    old_centre, new_centre = share @ old[:, :3, 3], share @ new[:, :3, 3]
    before = (old[None, :, :3, 3] - old_centre[:, None]) @ np.swapaxes(turn, 1, 2)
    after = new[None, :, :3, 3] - new_centre[:, None]
    spread = (share * (before**2).sum(axis=2)).sum(axis=1)
    along = (share * (before * after).sum(axis=2)).sum(axis=1)
    scale = along / np.where(spread > 0, spread, 1.0)
    scale = np.where((spread > 0) & (scale > 0), scale, 1.0)
    return CommonMotions(turn, old_centre, new_centre, scale)


def _nearest_rotations(matrices: Float) -> Float:
    u, _, vt = np.linalg.svd(matrices)
    u = u.copy()
    u[..., 2] *= np.sign(np.linalg.det(u @ vt))[..., None]
    return np.asarray(u @ vt)
