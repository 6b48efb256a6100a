"""Numba kernels: splats to pixels, tile by tile, and gradients back.

Alpha blending from front to back, Kerbl et al. 2023, equation 3: a splat of opacity o
has alpha = o exp(-p) in a pixel at (dx, dy) from its centre, with p = (xx dx^2 + yy
dy^2) / 2 + xy dx dy; its weight is alpha times the transmittance T of those before it.

Within a tile, 64 pixels lie side by side in one buffer with rows at constant offsets:
that is what lets LLVM use vector instructions. Tiles follow one another in one thread,
so that sums have one order: the same input gives the same bits. Several fits run in
parallel processes instead.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from mtcm_pipeline.field.arrays import (
    BLUE,
    CUTOFF,
    DEPTH,
    GREEN,
    MAX_ALPHA,
    OPACITY,
    RED,
    TILE,
    XX,
    XY,
    YY,
    U,
    V,
)
from mtcm_pipeline.field.kernels import kernel

_PIXELS = TILE * TILE
# Rows of the buffer of a tile.
_X, _Y, _TRANSMITTANCE = 0, _PIXELS, 2 * _PIXELS  # pixel position, transmittance T
_R, _G, _B, _Z = 3 * _PIXELS, 4 * _PIXELS, 5 * _PIXELS, 6 * _PIXELS
_BEHIND = 7 * _PIXELS  # what the splats behind contribute to the loss
_ROWS = 8
# How often a tile is asked whether it is opaque already.
_ASK = 8


@kernel
def bin_tiles(splats, rects, order, width, height):
    """Which splats each tile shows, from near to far.

    Args:
        splats: (N, SPLAT).
        rects: (N, 4) candidate tiles of each splat.
        order: (N,) splats by depth.
        width: of the picture in px.
        height: of the picture in px.

    Returns:
        (tiles + 1) where each tile's members begin; (M,) members, indices of splats.
    """
    tiles_x, tiles_y = (width + TILE - 1) // TILE, (height + TILE - 1) // TILE
    most = 0
    for i in range(rects.shape[0]):
        most += (rects[i, 1] - rects[i, 0]) * (rects[i, 3] - rects[i, 2])
    pair_tile, pair_splat = np.empty(most, np.int32), np.empty(most, np.int32)
    starts = np.zeros(tiles_x * tiles_y + 1, np.int64)
    pairs = 0
    for i in order:
        for ty in range(rects[i, 2], rects[i, 3]):
            for tx in range(rects[i, 0], rects[i, 1]):
                if _touches(splats[i], tx * TILE, ty * TILE):
                    pair_tile[pairs] = ty * tiles_x + tx
                    pair_splat[pairs] = i
                    starts[pair_tile[pairs] + 1] += 1
                    pairs += 1
    for tile in range(tiles_x * tiles_y):
        starts[tile + 1] += starts[tile]
    members, cursor = np.empty(pairs, np.int32), starts[:-1].copy()
    for k in range(pairs):
        members[cursor[pair_tile[k]]] = pair_splat[k]
        cursor[pair_tile[k]] += 1
    return starts, members


@kernel
def _touches(splat, left_px, top_px):
    """Whether the splat reaches any pixel centre of the tile.

    The least p over a rectangle that does not hold the centre lies on one of the two
    edges that face it.
    """
    real = splat.dtype.type
    low_x = real(left_px) + real(0.5) - splat[U]
    low_y = real(top_px) + real(0.5) - splat[V]
    high_x, high_y = low_x + real(TILE - 1), low_y + real(TILE - 1)
    near_x = min(high_x, max(low_x, real(0)))
    near_y = min(high_y, max(low_y, real(0)))
    along_y = min(high_y, max(low_y, -splat[XY] * near_x / splat[YY]))
    along_x = min(high_x, max(low_x, -splat[XY] * near_y / splat[XX]))
    least = min(_power(splat, near_x, along_y), _power(splat, along_x, near_y))
    return least < splat[CUTOFF]


@kernel
def _power(splat, dx, dy):
    half = splat.dtype.type(0.5)
    return half * (splat[XX] * dx * dx + splat[YY] * dy * dy) + splat[XY] * dx * dy


@partial(kernel, inline="always")
def _falloff(power, real):
    """exp(-power) for 0 <= power <= 6, relative error under 1e-7.

    (Taylor series of degree 7 of exp(-power / 16)) ^ 16: unlike math.exp, it becomes
    vector instructions.
    """
    y = power * real(-1 / 16)
    e = real(1) + y * real(1 / 7)
    e = real(1) + y * real(1 / 6) * e
    e = real(1) + y * real(1 / 5) * e
    e = real(1) + y * real(1 / 4) * e
    e = real(1) + y * real(1 / 3) * e
    e = real(1) + y * real(1 / 2) * e
    e = real(1) + y * e
    e = e * e
    e = e * e
    e = e * e
    return e * e


@kernel
def rasterise(splats, starts, members, opaque_below, image, transmittance, depth, ends):
    """Fill the picture.

    Args:
        splats: (N, SPLAT).
        starts: of `bin_tiles`.
        members: of `bin_tiles`.
        opaque_below: a tile is done once no pixel of it lets more light through.
        image: (H, W, 3) output, premultiplied colour over black.
        transmittance: (H, W) output, 1 - alpha.
        depth: (H, W) output, sum of weight times depth.
        ends: (tiles,) output, after which member each tile was done.
    """
    real = splats.dtype.type
    buffer = np.zeros(_ROWS * _PIXELS, splats.dtype)
    tiles_x = (image.shape[1] + TILE - 1) // TILE
    for tile in range(starts.shape[0] - 1):
        left_px, top_px = (tile % tiles_x) * TILE, (tile // tiles_x) * TILE
        _fresh_tile(buffer, left_px, top_px, real)
        ends[tile] = starts[tile + 1]
        for k in range(starts[tile], starts[tile + 1]):
            _blend(buffer, splats[members[k]], real)
            if k % _ASK == 0 and _largest_transmittance(buffer, real) < opaque_below:
                ends[tile] = k + 1
                break
        _write_tile(buffer, left_px, top_px, image, transmittance, depth)


@kernel
def _fresh_tile(buffer, left_px, top_px, real):
    buffer[:] = real(0)
    for j in range(_PIXELS):
        buffer[_X + j] = real(left_px + j % TILE) + real(0.5)
        buffer[_Y + j] = real(top_px + j // TILE) + real(0.5)
        buffer[_TRANSMITTANCE + j] = real(1)


@kernel
def _blend(buffer, splat, real):
    """One splat over the 64 pixels of a tile."""
    u, v = splat[U], splat[V]
    half_xx, xy, half_yy = real(0.5) * splat[XX], splat[XY], real(0.5) * splat[YY]
    opacity, cutoff = splat[OPACITY], splat[CUTOFF]
    red, green, blue, z = splat[RED], splat[GREEN], splat[BLUE], splat[DEPTH]
    for j in range(_PIXELS):
        dx, dy = buffer[_X + j] - u, buffer[_Y + j] - v
        power = half_xx * dx * dx + half_yy * dy * dy + xy * dx * dy
        e = _falloff(max(real(0), min(power, real(6))), real)
        alpha = min(real(MAX_ALPHA), opacity * e)
        alpha = alpha if power < cutoff else real(0)
        weight = alpha * buffer[_TRANSMITTANCE + j]
        buffer[_TRANSMITTANCE + j] -= weight
        buffer[_R + j] += weight * red
        buffer[_G + j] += weight * green
        buffer[_B + j] += weight * blue
        buffer[_Z + j] += weight * z


@kernel
def _largest_transmittance(buffer, real):
    most = real(0)
    for j in range(_PIXELS):
        most = max(most, buffer[_TRANSMITTANCE + j])
    return most


@kernel
def _write_tile(buffer, left_px, top_px, image, transmittance, depth):
    height, width = transmittance.shape
    for y in range(top_px, min(top_px + TILE, height)):
        for x in range(left_px, min(left_px + TILE, width)):
            j = (y - top_px) * TILE + x - left_px
            image[y, x, 0] = buffer[_R + j]
            image[y, x, 1] = buffer[_G + j]
            image[y, x, 2] = buffer[_B + j]
            transmittance[y, x] = buffer[_TRANSMITTANCE + j]
            depth[y, x] = buffer[_Z + j]


@kernel
def rasterise_backward(splats, starts, members, ends, rendered, gradients, out):
    """Gradients by the splats, from those by the pixels.

    Args:
        splats: (N, SPLAT).
        starts: of `bin_tiles`.
        members: of `bin_tiles`.
        ends: of `rasterise`.
        rendered: (image, transmittance, depth) of the forward pass.
        gradients: of the loss by each of those three.
        out: (N, GRADIENT) zeros, filled.
    """
    real = splats.dtype.type
    buffer = np.zeros(_ROWS * _PIXELS, splats.dtype)
    tiles_x = (rendered[0].shape[1] + TILE - 1) // TILE
    for tile in range(starts.shape[0] - 1):
        left_px, top_px = (tile % tiles_x) * TILE, (tile // tiles_x) * TILE
        _fresh_tile(buffer, left_px, top_px, real)
        _read_gradients(buffer, left_px, top_px, rendered, gradients)
        for k in range(starts[tile], ends[tile]):
            _unblend(buffer, splats[members[k]], out[members[k]], real)


@kernel
def _read_gradients(buffer, left_px, top_px, rendered, gradients):
    """Into the tile's buffer: gradients, and the loss's share of all of its splats."""
    image, transmittance, depth = rendered
    by_image, by_transmittance, by_depth = gradients
    height, width = transmittance.shape
    for y in range(top_px, min(top_px + TILE, height)):
        for x in range(left_px, min(left_px + TILE, width)):
            j = (y - top_px) * TILE + x - left_px
            buffer[_R + j] = by_image[y, x, 0]
            buffer[_G + j] = by_image[y, x, 1]
            buffer[_B + j] = by_image[y, x, 2]
            buffer[_Z + j] = by_depth[y, x]
            buffer[_BEHIND + j] = (
                by_image[y, x, 0] * image[y, x, 0]
                + by_image[y, x, 1] * image[y, x, 1]
                + by_image[y, x, 2] * image[y, x, 2]
                + by_depth[y, x] * depth[y, x]
                + by_transmittance[y, x] * transmittance[y, x]
            )


@kernel
def _unblend(buffer, splat, out, real):
    """Gradients by one splat over the 64 pixels of a tile, added to `out`.

    With T the transmittance before the splat, g what its colour and depth mean to the
    loss, and B what all behind it (the light let through included) contributes:
    dL/dalpha = T g - B / (1 - alpha), since all behind it scales with 1 - alpha.
    """
    u, v = splat[U], splat[V]
    half_xx, xy, half_yy = real(0.5) * splat[XX], splat[XY], real(0.5) * splat[YY]
    opacity, cutoff = splat[OPACITY], splat[CUTOFF]
    red, green, blue, z = splat[RED], splat[GREEN], splat[BLUE], splat[DEPTH]
    s_x = s_y = s_xx = s_xy = s_yy = s_o = real(0)
    s_r = s_g = s_b = s_z = real(0)
    for j in range(_PIXELS):
        dx, dy = buffer[_X + j] - u, buffer[_Y + j] - v
        power = half_xx * dx * dx + half_yy * dy * dy + xy * dx * dy
        e = _falloff(max(real(0), min(power, real(6))), real)
        raw = opacity * e
        alpha = min(real(MAX_ALPHA), raw)
        alpha = alpha if power < cutoff else real(0)
        transmittance = buffer[_TRANSMITTANCE + j]
        weight = alpha * transmittance
        by_r, by_g, by_b, by_z = (
            buffer[_R + j],
            buffer[_G + j],
            buffer[_B + j],
            buffer[_Z + j],
        )
        meaning = by_r * red + by_g * green + by_b * blue + by_z * z
        behind = buffer[_BEHIND + j] - weight * meaning
        buffer[_BEHIND + j] = behind
        buffer[_TRANSMITTANCE + j] = transmittance - weight
        by_alpha = transmittance * meaning - behind / (real(1) - alpha)
        by_alpha = by_alpha if power < cutoff else real(0)
        by_alpha = by_alpha if raw < real(MAX_ALPHA) else real(0)
        by_opacity = e * by_alpha
        s_o += by_opacity
        s_x += by_opacity * dx
        s_y += by_opacity * dy
        s_xx += by_opacity * dx * dx
        s_xy += by_opacity * dx * dy
        s_yy += by_opacity * dy * dy
        s_r += weight * by_r
        s_g += weight * by_g
        s_b += weight * by_b
        s_z += weight * by_z
    out[U] += opacity * (real(2) * half_xx * s_x + xy * s_y)
    out[V] += opacity * (real(2) * half_yy * s_y + xy * s_x)
    out[XX] -= opacity * real(0.5) * s_xx
    out[XY] -= opacity * s_xy
    out[YY] -= opacity * real(0.5) * s_yy
    out[OPACITY] += s_o
    out[RED] += s_r
    out[GREEN] += s_g
    out[BLUE] += s_b
    out[DEPTH] += s_z
