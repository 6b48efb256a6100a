"""Spoilt pictures: blur, defocus, exposure, something before the lens.

Light adds up in linear light, so that is where blur and exposure happen; pictures come
and go as sRGB (IEC 61966-2-1). Lengths in px are those of the picture at hand.

Dimension letters: H height, W width.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, zoom
from scipy.signal import fftconvolve

Float = NDArray[np.float64]
RGB = NDArray[np.uint8]

_DISC_SAMPLES = 8  # a side of each pixel
_LINE_SAMPLES = 8  # a pixel of length
# Harmonics of a blob's outline, strongest first: a few dents, no spikes.
_OUTLINE = (0.25, 0.15, 0.1)
# A cloth's folds, pattern and weave: bumps on the longer side, and how deep.
_CLOTH = {4: 0.5, 16: 0.3, 60: 0.3}
_BLOB_EDGE = 0.03  # of its radius: as soft as a thing near the lens


def linear_light(rgb: RGB) -> Float:
    """(H, W, 3) light in 0..1 from sRGB values."""
    return np.asarray(_LIGHT_OF_LEVEL[rgb])


def as_picture(light: Float) -> RGB:
    """(H, W, 3) sRGB values of light; what exceeds 0..1 is clipped."""
    clipped = np.clip(light, 0.0, 1.0)
    low, high = 12.92 * clipped, 1.055 * clipped ** (1 / 2.4) - 0.055
    return np.rint(255.0 * np.where(clipped <= 0.0031308, low, high)).astype(np.uint8)


def _light_table() -> Float:
    level = np.arange(256) / 255.0
    return np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)


_LIGHT_OF_LEVEL = _light_table()


def streak_kernel(length_px: float, angle_rad: float) -> Float:
    """(k, k) even streak of a length at any angle, k odd, sum 1.

    Args:
        length_px: from end to end.
        angle_rad: from the x axis, downward.
    """
    count = max(2, int(np.ceil(_LINE_SAMPLES * length_px)))
    along = (np.arange(count) + 0.5) / count * length_px - length_px / 2
    reach = int(np.ceil(length_px / 2)) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    x, y = reach + along * np.cos(angle_rad), reach + along * np.sin(angle_rad)
    column, row = np.floor(x).astype(int), np.floor(y).astype(int)
    right, low = x - column, y - row
    for dy, weight_y in ((0, 1 - low), (1, low)):
        for dx, weight_x in ((0, 1 - right), (1, right)):
            np.add.at(kernel, (row + dy, column + dx), weight_y * weight_x)
    return kernel / kernel.sum()


def disc_kernel(diameter_px: float) -> Float:
    """(k, k) even disc, k odd, sum 1; pixels on its rim count by their share."""
    reach = int(np.ceil(diameter_px / 2))
    side = 2 * reach + 1
    fine = (np.arange(side * _DISC_SAMPLES) + 0.5) / _DISC_SAMPLES - side / 2
    inside = fine[:, None] ** 2 + fine[None, :] ** 2 <= (diameter_px / 2) ** 2
    kernel = inside.reshape(side, _DISC_SAMPLES, side, _DISC_SAMPLES).mean(axis=(1, 3))
    return np.asarray(kernel / kernel.sum())


def convolved(rgb: RGB, kernel: Float) -> RGB:
    """An (H, W, 3) picture whose light is spread by a (k, k) kernel, k odd.

    Beyond the border the outermost pixels go on.
    """
    reach = kernel.shape[0] // 2
    light = np.pad(linear_light(rgb), ((reach, reach), (reach, reach), (0, 0)), "edge")
    return as_picture(fftconvolve(light, kernel[:, :, None], mode="valid", axes=(0, 1)))


def exposed(rgb: RGB, stops: float) -> RGB:
    """An (H, W, 3) picture with 2^stops times its light; what is too bright clips."""
    return as_picture(linear_light(rgb) * 2.0**stops)


def blob(
    shape: tuple[int, int],
    centre_xy: tuple[float, float],
    share: float,
    rng: np.random.Generator,
) -> Float:
    """(H, W) opacity of a dented blob that covers a given share of the picture.

    Args:
        shape: (H, W).
        centre_xy: px; where it is cut by the border it is larger instead.
        share: of the picture that is covered, measured at half opacity.
        rng: source of its outline.
    """
    rows, columns = np.indices(shape, dtype=np.float64)
    x, y = columns + 0.5 - centre_xy[0], rows + 0.5 - centre_xy[1]
    stretch, turn = rng.uniform(1.0, 1.6), rng.uniform(0, np.pi)
    along = x * np.cos(turn) + y * np.sin(turn)
    across = y * np.cos(turn) - x * np.sin(turn)
    bearing = np.arctan2(across * stretch, along)
    radius = np.ones(shape)
    for wave, size in enumerate(_OUTLINE, start=2):
        swing = size * rng.uniform(0.3, 1.0)
        radius += swing * np.cos(wave * bearing + rng.uniform(0, 2 * np.pi))
    distance = np.hypot(along, across * stretch) / radius
    rim = max(float(np.quantile(distance, share)), 1e-9)
    return np.clip(0.5 + (rim - distance) / (2 * _BLOB_EDGE * rim), 0.0, 1.0)


def texture(shape: tuple[int, int], rng: np.random.Generator) -> Float:
    """(H, W, 3) light of a patterned cloth: one colour, with soft folds and a weave."""
    brightness, tint = np.exp(rng.uniform(-3.0, -0.7)), rng.normal(0.0, 0.35, 3)
    relief = sum(
        (size * _noise(shape, bumps, rng) for bumps, size in _CLOTH.items()),
        np.zeros(shape),
    )
    drift = 0.2 * _noise(shape, 6, rng)[..., None] * rng.normal(size=3)
    return np.clip(brightness * np.exp(relief[..., None] + tint + drift), 0.0, 1.0)


def covered(rgb: RGB, opacity: Float, light: Float) -> RGB:
    """An (H, W, 3) picture behind something of (H, W) opacity and (H, W, 3) light."""
    cover = opacity[..., None]
    mixed = (1 - cover) * linear_light(rgb) + cover * light
    return np.where(cover > 0, as_picture(mixed), rgb)


def _noise(shape: tuple[int, int], cells: int, rng: np.random.Generator) -> Float:
    """(H, W) smooth noise of unit spread, with about so many bumps on the longer side."""
    step = max(shape) / cells
    coarse = rng.normal(size=[int(np.ceil(side / step)) + 3 for side in shape])
    fine = zoom(coarse, step, order=3)[: shape[0], : shape[1]]
    smooth = gaussian_filter(fine, 0.15 * step)
    return np.asarray((smooth - smooth.mean()) / max(float(smooth.std()), 1e-9))
