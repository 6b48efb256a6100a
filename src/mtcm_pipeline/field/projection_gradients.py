"""Numba kernels: gradients by splats back to Gaussians and to the camera's pose.

The derivatives of `projection.project`, by hand; M, J and W as in `splat_geometry`.
"""

from __future__ import annotations

import math

import numpy as np

from mtcm_pipeline.field.arrays import DEPTH, OPACITY, RED, XX, XY, YY, U, V
from mtcm_pipeline.field.gaussians import SH_CONSTANT, SH_LINEAR
from mtcm_pipeline.field.kernels import kernel
from mtcm_pipeline.field.splat_geometry import (
    camera_centre,
    camera_point,
    held_tangents,
    rotation_matrix,
    scratch,
    screen_axes,
    screen_jacobian,
    unit_direction,
)


@kernel
def project_backward(gaussians, camera, splats, rects, splat_gradients, out, pose_out):
    """Gradients by the Gaussians and by the pose, from those by the splats.

    Args:
        gaussians: `GaussianArrays` of N.
        camera: `CameraArrays`.
        splats: (N, SPLAT) as `project` left them.
        rects: (N, 4) as `project` left them; rows of 0 have no gradient.
        splat_gradients: (N, GRADIENT), columns as of the splats.
        out: `GaussianArrays` of zeros, filled.
        pose_out: (4, 4) zeros, filled; the last row stays 0.
    """
    jw, rotation, axes, direction = scratch(splats)
    jw_out, rotation_out, axes_out, _ = scratch(splats)
    centre = camera_centre(camera.pose)
    centre_out = np.zeros_like(centre)
    for i in range(splats.shape[0]):
        if rects[i, 1] == 0:
            continue
        gradient = splat_gradients[i]
        mean = gaussians.means[i]
        x, y, z = camera_point(camera.pose, mean)
        screen_jacobian(camera, x, y, z, jw)
        inverse_length = rotation_matrix(gaussians.quats[i], rotation)
        screen_axes(jw, rotation, gaussians.log_scales[i], axes)

        opacity = splats[i, OPACITY]
        out.opacity_logits[i] = gradient[OPACITY] * (opacity - opacity * opacity)
        _axes_back(splats[i], gradient, axes, axes_out)
        _scales_back(gaussians.log_scales[i], axes, axes_out, out.log_scales[i])
        _rotation_back(jw, rotation, axes_out, jw_out, rotation_out)
        _quat_back(gaussians.quats[i], inverse_length, rotation_out, out.quats[i])
        point_out = _point_back(camera, x, y, z, gradient, jw_out, pose_out)
        _mean_back(camera.pose, mean, point_out, out.means[i], pose_out)
        _colour_back(
            gaussians, i, centre, direction, splats[i], gradient, out, centre_out
        )
    _centre_back(camera.pose, centre_out, pose_out)


@kernel
def _axes_back(splat, gradient, axes, axes_out):
    """By M: the inverse Q = C^-1 gives dC = -Q G Q, and C = M M^T gives dM = 2 dC M."""
    real = splat.dtype.type
    xx, xy, yy = splat[XX], splat[XY], splat[YY]
    g_xx, g_xy, g_yy = gradient[XX], real(0.5) * gradient[XY], gradient[YY]
    t_xx, t_xy = g_xx * xx + g_xy * xy, g_xx * xy + g_xy * yy  # G Q, row by row
    t_yx, t_yy = g_xy * xx + g_yy * xy, g_xy * xy + g_yy * yy
    c_xx = -(xx * t_xx + xy * t_yx)
    c_xy = -(xx * t_xy + xy * t_yy)
    c_yy = -(xy * t_xy + yy * t_yy)
    for c in range(3):
        axes_out[0, c] = real(2) * (c_xx * axes[0, c] + c_xy * axes[1, c])
        axes_out[1, c] = real(2) * (c_xy * axes[0, c] + c_yy * axes[1, c])


@kernel
def _scales_back(log_scales, axes, axes_out, out):
    """By log s; turns `axes_out` from the gradient by M into that by J W R."""
    for c in range(3):
        out[c] = axes_out[0, c] * axes[0, c] + axes_out[1, c] * axes[1, c]
        scale = math.exp(log_scales[c])
        axes_out[0, c] *= scale
        axes_out[1, c] *= scale


@kernel
def _rotation_back(jw, rotation, axes_out, jw_out, rotation_out):
    """By R and by J W, from that by their product."""
    for k in range(3):
        for c in range(3):
            rotation_out[k, c] = jw[0, k] * axes_out[0, c] + jw[1, k] * axes_out[1, c]
        for r in range(2):
            jw_out[r, k] = (
                axes_out[r, 0] * rotation[k, 0]
                + axes_out[r, 1] * rotation[k, 1]
                + axes_out[r, 2] * rotation[k, 2]
            )


@kernel
def _quat_back(quat, inverse_length, g, out):
    """By the quaternion, through its normalisation, from that by the rotation matrix."""
    real = quat.dtype.type
    two = real(2)
    w, x, y, z = quat[0], quat[1], quat[2], quat[3]
    w, x, y, z = (
        w * inverse_length,
        x * inverse_length,
        y * inverse_length,
        z * inverse_length,
    )
    g_w = x * (g[2, 1] - g[1, 2]) + y * (g[0, 2] - g[2, 0]) + z * (g[1, 0] - g[0, 1])
    g_x = (
        w * (g[2, 1] - g[1, 2])
        + y * (g[0, 1] + g[1, 0])
        + z * (g[0, 2] + g[2, 0])
        - two * x * (g[1, 1] + g[2, 2])
    )
    g_y = (
        w * (g[0, 2] - g[2, 0])
        + x * (g[0, 1] + g[1, 0])
        + z * (g[1, 2] + g[2, 1])
        - two * y * (g[0, 0] + g[2, 2])
    )
    g_z = (
        w * (g[1, 0] - g[0, 1])
        + x * (g[0, 2] + g[2, 0])
        + y * (g[1, 2] + g[2, 1])
        - two * z * (g[0, 0] + g[1, 1])
    )
    along = w * g_w + x * g_x + y * g_y + z * g_z
    factor = two * inverse_length
    out[0] = factor * (g_w - w * along)
    out[1] = factor * (g_x - x * along)
    out[2] = factor * (g_y - y * along)
    out[3] = factor * (g_z - z * along)


@kernel
def _point_back(camera, x, y, z, gradient, jw_out, pose_out):
    """By the point in the camera's axes, and by the pose through J W.

    Row 0 of J W is fx / z (W_0 - tan_x W_2), with tan_x = x / z unless held.
    """
    fx, fy = camera.intrinsics[0], camera.intrinsics[1]
    tan_x, tan_y = held_tangents(camera, x, y, z)
    j_x, j_y = fx / z, fy / z
    by_x = by_y = by_tan_x = by_tan_y = jw_out.dtype.type(0)
    for c in range(3):
        row_x = camera.pose[0, c] - tan_x * camera.pose[2, c]
        row_y = camera.pose[1, c] - tan_y * camera.pose[2, c]
        by_x += jw_out[0, c] * row_x
        by_y += jw_out[1, c] * row_y
        by_tan_x -= jw_out[0, c] * camera.pose[2, c] * j_x
        by_tan_y -= jw_out[1, c] * camera.pose[2, c] * j_y
        pose_out[0, c] += jw_out[0, c] * j_x
        pose_out[1, c] += jw_out[1, c] * j_y
        pose_out[2, c] -= jw_out[0, c] * j_x * tan_x + jw_out[1, c] * j_y * tan_y
    point_x, point_y = gradient[U] * j_x, gradient[V] * j_y
    point_z = gradient[DEPTH] - (point_x * x + point_y * y) / z
    point_z -= (by_x * j_x + by_y * j_y) / z
    if tan_x == x / z:
        point_x += by_tan_x / z
        point_z -= by_tan_x * tan_x / z
    if tan_y == y / z:
        point_y += by_tan_y / z
        point_z -= by_tan_y * tan_y / z
    return point_x, point_y, point_z


@kernel
def _mean_back(pose, mean, point_out, out, pose_out):
    """By the centre and by the pose, from that by the point in the camera's axes."""
    for r in range(3):
        for c in range(3):
            out[c] += pose[r, c] * point_out[r]
            pose_out[r, c] += point_out[r] * mean[c]
        pose_out[r, 3] += point_out[r]


@kernel
def _colour_back(gaussians, i, centre, direction, splat, gradient, out, centre_out):
    """By the harmonics, and through the direction by the Gaussian and the camera."""
    real = splat.dtype.type
    inverse = unit_direction(gaussians.means[i], centre, direction)
    x, y, z = direction[0], direction[1], direction[2]
    by_x = by_y = by_z = real(0)
    for channel in range(3):
        if splat[RED + channel] <= real(0):  # clipped
            continue
        by_colour = gradient[RED + channel]
        linear = real(SH_LINEAR) * by_colour
        out.harmonics[i, 0, channel] = real(SH_CONSTANT) * by_colour
        out.harmonics[i, 1, channel] = -y * linear
        out.harmonics[i, 2, channel] = z * linear
        out.harmonics[i, 3, channel] = -x * linear
        by_y -= linear * gaussians.harmonics[i, 1, channel]
        by_z += linear * gaussians.harmonics[i, 2, channel]
        by_x -= linear * gaussians.harmonics[i, 3, channel]
    along = x * by_x + y * by_y + z * by_z
    for c, by in enumerate((by_x, by_y, by_z)):
        value = (by - direction[c] * along) * inverse
        out.means[i, c] += value
        centre_out[c] -= value


@kernel
def _centre_back(pose, centre_out, pose_out):
    """By the pose, from that by the camera's centre -R^T t."""
    for r in range(3):
        for c in range(3):
            pose_out[r, c] -= pose[r, 3] * centre_out[c]
            pose_out[r, 3] -= pose[r, c] * centre_out[c]
