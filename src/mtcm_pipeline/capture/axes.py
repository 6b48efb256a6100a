"""Camera axes: the one place where conventions are converted.

Inside this package a camera looks along +z with x to the right and y down
(OpenCV, the same as COLMAP). nerfstudio, instant-ngp and Blender write camera-to-world
matrices with y up and the camera looking along -z (OpenGL). World axes are never
touched here: the world is the capture's own frame.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

_FLIP_YZ = np.diag([1.0, -1.0, -1.0, 1.0])


def world_from_cam_from_opengl(world_from_cam_gl: Float) -> Float:
    """OpenGL (right, up, backward) to OpenCV (right, down, forward).

    Args:
        world_from_cam_gl: (..., 4, 4) camera-to-world matrices in OpenGL axes.

    Returns:
        (..., 4, 4) camera-to-world matrices in OpenCV axes.
    """
    return np.asarray(world_from_cam_gl, dtype=np.float64) @ _FLIP_YZ


def opengl_from_world_from_cam(world_from_cam: Float) -> Float:
    """OpenCV (right, down, forward) to OpenGL (right, up, backward); its own inverse."""
    return np.asarray(world_from_cam, dtype=np.float64) @ _FLIP_YZ


def invert_rigid(transform: Float) -> Float:
    """Inverse of (..., 4, 4) rigid transforms, exact in the rotation."""
    transform = np.asarray(transform, dtype=np.float64)
    inverse = np.zeros_like(transform)
    rotation_t = np.swapaxes(transform[..., :3, :3], -1, -2)
    inverse[..., :3, :3] = rotation_t
    inverse[..., :3, 3] = -(rotation_t @ transform[..., :3, 3:])[..., 0]
    inverse[..., 3, 3] = 1.0
    return inverse
