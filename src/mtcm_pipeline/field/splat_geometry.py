"""Numba kernels: where a Gaussian lies on the picture, and its axes there.

Formulas: EWA splatting, Zwicker et al. 2001, equations 24 to 31 (the local affine
approximation J of the perspective projection; covariance J W S W^T J^T), and Kerbl et
al. 2023, section 4 and appendix A. With R the rotation and s the standard deviations of
a Gaussian, the 2x3 matrix M = J W R diag(s) holds its axes on the picture, so that the
2D covariance is M M^T + BLUR I.

The kernels are compiled for float32 and for float64; `real` makes constants of the same
type, since numba would otherwise compute in float64 throughout.
"""

from __future__ import annotations

import math

import numpy as np

from mtcm_pipeline.field.arrays import BLUR, TAN_MARGIN
from mtcm_pipeline.field.kernels import kernel


@kernel
def scratch(like):
    """Room for J W (2, 3), the rotation (3, 3), M (2, 3) and a direction (3,)."""
    dtype = like.dtype
    return (
        np.zeros((2, 3), dtype),
        np.zeros((3, 3), dtype),
        np.zeros((2, 3), dtype),
        np.zeros(3, dtype),
    )


@kernel
def camera_centre(pose):
    """(3,) of the camera in the world, -R^T t."""
    centre = np.zeros(3, pose.dtype)
    for c in range(3):
        for r in range(3):
            centre[c] -= pose[r, c] * pose[r, 3]
    return centre


@kernel
def camera_point(pose, mean):
    """(x, y, z) of `mean` in the camera's axes."""
    x, y, z = mean[0], mean[1], mean[2]
    return (
        pose[0, 0] * x + pose[0, 1] * y + pose[0, 2] * z + pose[0, 3],
        pose[1, 0] * x + pose[1, 1] * y + pose[1, 2] * z + pose[1, 3],
        pose[2, 0] * x + pose[2, 1] * y + pose[2, 2] * z + pose[2, 3],
    )


@kernel
def held_tangents(camera, x, y, z):
    """x/z and y/z, held at a margin around the picture, where J is evaluated.

    Far outside the picture the affine approximation would smear a Gaussian over all of
    it (gsplat and Kerbl et al. 2023 hold it in the same way).
    """
    fx, fy, cx, cy = camera.intrinsics
    real = camera.intrinsics.dtype.type
    width, height = real(camera.width), real(camera.height)
    margin_x = real(TAN_MARGIN / 2) * width / fx
    margin_y = real(TAN_MARGIN / 2) * height / fy
    tan_x = min((width - cx) / fx + margin_x, max(-cx / fx - margin_x, x / z))
    tan_y = min((height - cy) / fy + margin_y, max(-cy / fy - margin_y, y / z))
    return tan_x, tan_y


@kernel
def screen_jacobian(camera, x, y, z, jw):
    """Fill `jw` (2, 3), the derivative J W of the pixel by the position in the world."""
    fx, fy = camera.intrinsics[0], camera.intrinsics[1]
    tan_x, tan_y = held_tangents(camera, x, y, z)
    for c in range(3):
        jw[0, c] = fx / z * (camera.pose[0, c] - tan_x * camera.pose[2, c])
        jw[1, c] = fy / z * (camera.pose[1, c] - tan_y * camera.pose[2, c])


@kernel
def rotation_matrix(quat, rotation):
    """Fill `rotation` (3, 3) from w, x, y, z of any length; returns 1 / length."""
    real = quat.dtype.type
    w, x, y, z = quat[0], quat[1], quat[2], quat[3]
    inverse = real(1) / math.sqrt(w * w + x * x + y * y + z * z + real(1e-20))
    w, x, y, z = w * inverse, x * inverse, y * inverse, z * inverse
    one, two = real(1), real(2)
    rotation[0, 0] = one - two * (y * y + z * z)
    rotation[0, 1] = two * (x * y - w * z)
    rotation[0, 2] = two * (x * z + w * y)
    rotation[1, 0] = two * (x * y + w * z)
    rotation[1, 1] = one - two * (x * x + z * z)
    rotation[1, 2] = two * (y * z - w * x)
    rotation[2, 0] = two * (x * z - w * y)
    rotation[2, 1] = two * (y * z + w * x)
    rotation[2, 2] = one - two * (x * x + y * y)
    return inverse


@kernel
def screen_axes(jw, rotation, log_scales, axes):
    """Fill `axes` (2, 3), M = J W R diag(s), px a standard deviation of each own axis."""
    for c in range(3):
        scale = math.exp(log_scales[c])
        for r in range(2):
            axes[r, c] = scale * (
                jw[r, 0] * rotation[0, c]
                + jw[r, 1] * rotation[1, c]
                + jw[r, 2] * rotation[2, c]
            )


@kernel
def covariance(axes):
    """xx, xy, yy of M M^T + BLUR I, in px^2."""
    blur = axes.dtype.type(BLUR)
    xx = axes[0, 0] ** 2 + axes[0, 1] ** 2 + axes[0, 2] ** 2 + blur
    xy = axes[0, 0] * axes[1, 0] + axes[0, 1] * axes[1, 1] + axes[0, 2] * axes[1, 2]
    yy = axes[1, 0] ** 2 + axes[1, 1] ** 2 + axes[1, 2] ** 2 + blur
    return xx, xy, yy


@kernel
def unit_direction(mean, centre, direction):
    """Fill `direction` (3,) from the camera to the Gaussian; returns 1 / distance."""
    real = mean.dtype.type
    square = real(1e-20)
    for c in range(3):
        direction[c] = mean[c] - centre[c]
        square += direction[c] * direction[c]
    inverse = real(1) / math.sqrt(square)
    for c in range(3):
        direction[c] *= inverse
    return inverse
