"""Unit quaternions in w, x, y, z order with one sign, as COLMAP writes them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Float = NDArray[np.float64]


def matrix_from_quat(quat_wxyz: Float) -> Float:
    """(..., 4) quaternions w, x, y, z (any non-zero length) to (..., 3, 3) matrices."""
    quat_wxyz = np.asarray(quat_wxyz, dtype=np.float64)
    flat = quat_wxyz.reshape(-1, 4)
    matrices = Rotation.from_quat(flat, scalar_first=True).as_matrix()
    return matrices.reshape(*quat_wxyz.shape[:-1], 3, 3)


def quat_from_matrix(rotation: Float) -> Float:
    """(..., 3, 3) rotation matrices to (..., 4) quaternions w, x, y, z, canonical sign.

    The sign is chosen so that the first non-zero of w, x, y, z is positive:
    q and -q are the same rotation and must be the same token.
    """
    rotation = np.asarray(rotation, dtype=np.float64)
    flat = rotation.reshape(-1, 3, 3)
    quats = Rotation.from_matrix(flat).as_quat(canonical=True, scalar_first=True)
    return quats.reshape(*rotation.shape[:-2], 4)


def rotation_angle_deg(rotation_a: Float, rotation_b: Float) -> Float:
    """Geodesic angle in degrees between (..., 3, 3) rotations."""
    relative = np.swapaxes(rotation_a, -1, -2) @ rotation_b
    flat = relative.reshape(-1, 3, 3)
    angles = np.degrees(Rotation.from_matrix(flat).magnitude())
    return angles.reshape(relative.shape[:-2])
