"""Numba kernels: Gaussians in the world to splats on the picture, and gradients back.

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
from typing import Any

import numpy as np
from numba import njit

from mtcm_pipeline.field.arrays import (
    BLUR,
    CUTOFF,
    DEPTH,
    MIN_ALPHA,
    NEAR,
    OPACITY,
    RED,
    TAN_MARGIN,
    TILE,
    XX,
    XY,
    YY,
    U,
    V,
)
from mtcm_pipeline.field.gaussians import SH_CONSTANT, SH_LINEAR

_JIT: dict[str, Any] = {
    "cache": True,
    "fastmath": True,
    "error_model": "numpy",
    "nogil": True,
}


@njit(**_JIT)
def project(gaussians, camera, splats, rects):
    """Fill `splats` and `rects`, the tiles of each splat.

    Args:
        gaussians: `GaussianArrays` of N.
        camera: `CameraArrays`.
        splats: (N, SPLAT) output; rows of what is not visible keep their content.
        rects: (N, 4) int32 output, first and last tile column and row, the last ones
            excluded; all 0 where nothing is visible.
    """
    real = splats.dtype.type
    jw, rotation, axes, direction = _scratch(splats)
    centre = camera_centre(camera.pose)
    rects[:] = 0
    for i in range(splats.shape[0]):
        x, y, z = camera_point(camera.pose, gaussians.means[i])
        splats[i, DEPTH] = z
        if z < real(NEAR):
            continue
        opacity = real(1) / (real(1) + math.exp(-gaussians.opacity_logits[i]))
        if opacity <= real(MIN_ALPHA):
            continue
        screen_jacobian(camera, x, y, z, jw)
        rotation_matrix(gaussians.quats[i], rotation)
        screen_axes(jw, rotation, gaussians.log_scales[i], axes)
        _place(splats[i], camera, (x, y, z), axes, opacity)
        _cover(splats[i], camera, axes, rects[i])
        unit_direction(gaussians.means[i], centre, direction)
        for channel in range(3):
            splats[i, RED + channel] = colour(
                gaussians.harmonics[i], channel, direction, real
            )


@njit(**_JIT)
def _scratch(like):
    dtype = like.dtype
    return (
        np.zeros((2, 3), dtype),
        np.zeros((3, 3), dtype),
        np.zeros((2, 3), dtype),
        np.zeros(3, dtype),
    )


@njit(**_JIT)
def camera_centre(pose):
    """(3,) of the camera in the world, -R^T t."""
    centre = np.zeros(3, pose.dtype)
    for c in range(3):
        for r in range(3):
            centre[c] -= pose[r, c] * pose[r, 3]
    return centre


@njit(**_JIT)
def camera_point(pose, mean):
    """(x, y, z) of `mean` in the camera's axes."""
    x, y, z = mean[0], mean[1], mean[2]
    return (
        pose[0, 0] * x + pose[0, 1] * y + pose[0, 2] * z + pose[0, 3],
        pose[1, 0] * x + pose[1, 1] * y + pose[1, 2] * z + pose[1, 3],
        pose[2, 0] * x + pose[2, 1] * y + pose[2, 2] * z + pose[2, 3],
    )


@njit(**_JIT)
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


@njit(**_JIT)
def screen_jacobian(camera, x, y, z, jw):
    """Fill `jw` (2, 3), the derivative J W of the pixel by the position in the world."""
    fx, fy = camera.intrinsics[0], camera.intrinsics[1]
    tan_x, tan_y = held_tangents(camera, x, y, z)
    for c in range(3):
        jw[0, c] = fx / z * (camera.pose[0, c] - tan_x * camera.pose[2, c])
        jw[1, c] = fy / z * (camera.pose[1, c] - tan_y * camera.pose[2, c])


@njit(**_JIT)
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


@njit(**_JIT)
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


@njit(**_JIT)
def covariance(axes):
    """xx, xy, yy of M M^T + BLUR I, in px^2."""
    blur = axes.dtype.type(BLUR)
    xx = axes[0, 0] ** 2 + axes[0, 1] ** 2 + axes[0, 2] ** 2 + blur
    xy = axes[0, 0] * axes[1, 0] + axes[0, 1] * axes[1, 1] + axes[0, 2] * axes[1, 2]
    yy = axes[1, 0] ** 2 + axes[1, 1] ** 2 + axes[1, 2] ** 2 + blur
    return xx, xy, yy


@njit(**_JIT)
def _place(splat, camera, point, axes, opacity):
    """Centre, shape and opacity of one splat."""
    x, y, z = point
    xx, xy, yy = covariance(axes)
    determinant = xx * yy - xy * xy
    splat[U] = camera.intrinsics[0] * x / z + camera.intrinsics[2]
    splat[V] = camera.intrinsics[1] * y / z + camera.intrinsics[3]
    splat[XX] = yy / determinant
    splat[XY] = -xy / determinant
    splat[YY] = xx / determinant
    splat[OPACITY] = opacity
    splat[CUTOFF] = math.log(opacity * splat.dtype.type(1 / MIN_ALPHA))


@njit(**_JIT)
def _cover(splat, camera, axes, rect):
    """Tiles of the box around the ellipse in which the splat is visible."""
    xx, _, yy = covariance(axes)
    two = splat.dtype.type(2)
    reach_x = math.sqrt(two * splat[CUTOFF] * xx)
    reach_y = math.sqrt(two * splat[CUTOFF] * yy)
    first_x, last_x = _tiles(splat[U] - reach_x, splat[U] + reach_x, camera.width)
    first_y, last_y = _tiles(splat[V] - reach_y, splat[V] + reach_y, camera.height)
    if first_x < last_x and first_y < last_y:
        rect[0], rect[1], rect[2], rect[3] = first_x, last_x, first_y, last_y


@njit(**_JIT)
def _tiles(low_px, high_px, size_px):
    """First tile, and the one after the last, that low..high touches; clipped."""
    count = (size_px + TILE - 1) // TILE
    if high_px <= 0 or low_px >= size_px:
        return 0, 0
    first = max(0, math.floor(low_px / TILE)) if low_px > 0 else 0
    last = math.floor(high_px / TILE) + 1 if high_px < size_px else count
    return first, min(count, last)


@njit(**_JIT)
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


@njit(**_JIT)
def colour(harmonics, channel, direction, real):
    """One channel of the colour seen along `direction`, at least 0."""
    linear = (
        -direction[1] * harmonics[1, channel]
        + direction[2] * harmonics[2, channel]
        - direction[0] * harmonics[3, channel]
    )
    value = (
        real(0.5) + real(SH_CONSTANT) * harmonics[0, channel] + real(SH_LINEAR) * linear
    )
    return max(real(0), value)


# ------------------------------------------------------------------ gradients back


@njit(**_JIT)
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
    jw, rotation, axes, direction = _scratch(splats)
    jw_out, rotation_out, axes_out, _ = _scratch(splats)
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


@njit(**_JIT)
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


@njit(**_JIT)
def _scales_back(log_scales, axes, axes_out, out):
    """By log s; turns `axes_out` from the gradient by M into that by J W R."""
    for c in range(3):
        out[c] = axes_out[0, c] * axes[0, c] + axes_out[1, c] * axes[1, c]
        scale = math.exp(log_scales[c])
        axes_out[0, c] *= scale
        axes_out[1, c] *= scale


@njit(**_JIT)
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


@njit(**_JIT)
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


@njit(**_JIT)
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


@njit(**_JIT)
def _mean_back(pose, mean, point_out, out, pose_out):
    """By the centre and by the pose, from that by the point in the camera's axes."""
    for r in range(3):
        for c in range(3):
            out[c] += pose[r, c] * point_out[r]
            pose_out[r, c] += point_out[r] * mean[c]
        pose_out[r, 3] += point_out[r]


@njit(**_JIT)
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


@njit(**_JIT)
def _centre_back(pose, centre_out, pose_out):
    """By the pose, from that by the camera's centre -R^T t."""
    for r in range(3):
        for c in range(3):
            pose_out[r, c] -= pose[r, 3] * centre_out[c]
            pose_out[r, 3] -= pose[r, c] * centre_out[c]
