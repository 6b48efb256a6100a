"""Numba kernels: Gaussians in the world to splats on the picture.

The geometry is that of `splat_geometry`; colours are spherical harmonics of degree 1
(Kerbl et al. 2023, section 4).
"""

from __future__ import annotations

import math

from mtcm_pipeline.field.arrays import (
    CUTOFF,
    DEPTH,
    MIN_ALPHA,
    NEAR,
    OPACITY,
    RED,
    TILE,
    XX,
    XY,
    YY,
    U,
    V,
)
from mtcm_pipeline.field.gaussians import SH_CONSTANT, SH_LINEAR
from mtcm_pipeline.field.kernels import kernel
from mtcm_pipeline.field.splat_geometry import (
    camera_centre,
    camera_point,
    covariance,
    rotation_matrix,
    scratch,
    screen_axes,
    screen_jacobian,
    unit_direction,
)


@kernel
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
    jw, rotation, axes, direction = scratch(splats)
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
            splats[i, RED + channel] = _colour(
                gaussians.harmonics[i], channel, direction, real
            )


@kernel
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


@kernel
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


@kernel
def _tiles(low_px, high_px, size_px):
    """First tile, and the one after the last, that low..high touches; clipped."""
    count = (size_px + TILE - 1) // TILE
    if high_px <= 0 or low_px >= size_px:
        return 0, 0
    first = max(0, math.floor(low_px / TILE)) if low_px > 0 else 0
    last = math.floor(high_px / TILE) + 1 if high_px < size_px else count
    return first, min(count, last)


@kernel
def _colour(harmonics, channel, direction, real):
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
