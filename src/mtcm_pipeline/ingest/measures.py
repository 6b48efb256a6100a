"""What one photograph tells about its own quality.

Dimension letters: H height, W width.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Float = NDArray[np.float64]
Box = tuple[float, float, float, float]

NO_BOX: Box = (np.nan, np.nan, np.nan, np.nan)

# Rec. ITU-R BT.709-6, item 3.2: luminance from linear red, green, blue.
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
_SAMPLED_PX = 1_000_000
_NEARLY_BLACK, _NEARLY_WHITE = 1, 254
_OUTLIER_PERCENTILE = 99.5
_FEWEST_PX = 64


@dataclass(frozen=True)
class FrameMeasures:
    """Numbers of one photograph; NaN where they cannot be had.

    Attributes:
        sharpness: see `sharpness_of`, over the whole image.
        sharpness_in_mask: the same inside the mask.
        luminance: mean linear luminance in 0..1.
        clipped_share: share of pixels that are nearly black or have a nearly white
            channel.
        mask_area: share of the image that is foreground.
        mask_touches_border: share of the image's border that is foreground.
        mask_box: (left, top, right, bottom) of the foreground in px, see `mask_box`.
    """

    sharpness: float
    sharpness_in_mask: float
    luminance: float
    clipped_share: float
    mask_area: float
    mask_touches_border: float
    mask_box: Box


def measure_frame(pixels: Pixels, shrunk: Pixels, mask: Mask | None) -> FrameMeasures:
    """All numbers of a photograph.

    Args:
        pixels: (H, W, 3) the photograph as it is.
        shrunk: the same at the size at which sharpness is measured (`shrink`).
        mask: (H, W) foreground; None where absent.
    """
    grey = grey_of(shrunk)
    inside = None if mask is None else _shrunk_mask(mask, grey.shape)
    sampled = _sampled(pixels)
    return FrameMeasures(
        sharpness=sharpness_of(grey),
        sharpness_in_mask=np.nan if inside is None else sharpness_of(grey, inside),
        luminance=luminance_of(sampled),
        clipped_share=clipped_share_of(sampled),
        mask_area=np.nan if mask is None else float(mask.mean()),
        mask_touches_border=np.nan if mask is None else border_share(mask),
        mask_box=NO_BOX if mask is None else mask_box(mask),
    )


def shrink(pixels: Pixels, longest_px: int) -> Pixels:
    """(h, w, 3) uint8 with the longest side at most `longest_px`, by averaging boxes."""
    if max(pixels.shape[:2]) <= longest_px:
        return pixels
    picture = Image.fromarray(pixels)
    picture.thumbnail((longest_px, longest_px), Image.Resampling.BOX)
    return np.asarray(picture)


def grey_of(pixels: Pixels) -> Float:
    """(H, W, 3) uint8 to (H, W) grey values in 0..1 (Rec. 601 luma, as Pillow has it)."""
    return np.asarray(Image.fromarray(pixels).convert("L"), dtype=np.float64) / 255.0


def sharpness_of(grey: Float, inside: Mask | None = None) -> float:
    """Energy of the Laplacian over the variance of the grey values.

    The variance of the Laplacian is the usual measure of focus (Pech-Pacheco et al.,
    2000). Divided by the variance of the image it no longer depends on exposure and
    contrast, and becomes the mean fourth power of spatial frequency, which any blur
    lowers. Laplacians beyond their 99.5th percentile are clipped, so that one highlight
    does not make an image sharp.

    Args:
        grey: (H, W) values in any unit.
        inside: (H, W) the pixels that count; all when None.

    Returns:
        A number > 0; NaN for a uniform or tiny image.
    """
    if min(grey.shape) < 3:
        return np.nan
    laplacian = (
        grey[:-2, 1:-1]
        + grey[2:, 1:-1]
        + grey[1:-1, :-2]
        + grey[1:-1, 2:]
        - 4.0 * grey[1:-1, 1:-1]
    )
    centre = grey[1:-1, 1:-1]
    if inside is not None:
        laplacian, centre = laplacian[inside[1:-1, 1:-1]], centre[inside[1:-1, 1:-1]]
    if centre.size < _FEWEST_PX or centre.var() < 1e-8:
        return np.nan
    magnitude = np.abs(laplacian)
    clipped = np.minimum(magnitude, np.percentile(magnitude, _OUTLIER_PERCENTILE))
    return float(np.mean(clipped**2) / centre.var())


def luminance_of(pixels: Pixels) -> float:
    """Mean linear luminance in 0..1: half the light, half the number."""
    counts = [np.bincount(pixels[..., c].ravel(), minlength=256) for c in range(3)]
    linear_rgb = np.stack(counts) @ _LINEAR / (pixels.shape[0] * pixels.shape[1])
    return float(linear_rgb @ _LUMINANCE)


def clipped_share_of(pixels: Pixels) -> float:
    """Share of pixels that are black in all channels or white in one."""
    red, green, blue = (pixels[..., channel] for channel in range(3))
    brightest = np.maximum(np.maximum(red, green), blue)
    return float(((brightest >= _NEARLY_WHITE) | (brightest <= _NEARLY_BLACK)).mean())


def border_share(mask: Mask) -> float:
    """Share of the border's pixels that are foreground: is the subject cut off?"""
    border = [mask[0], mask[-1], mask[1:-1, 0], mask[1:-1, -1]]
    return float(np.concatenate(border).mean())


def mask_box(mask: Mask) -> Box:
    """The smallest box around all foreground, half-open.

    Args:
        mask: (H, W) foreground.

    Returns:
        (left, top, right, bottom) in px: foreground lies in columns left <= x < right
        and rows top <= y < bottom. All NaN for an empty mask.
    """
    columns = np.flatnonzero(mask.any(axis=0))
    rows = np.flatnonzero(mask.any(axis=1))
    if len(rows) == 0:
        return NO_BOX
    return float(columns[0]), float(rows[0]), columns[-1] + 1.0, rows[-1] + 1.0


def _linear_from_srgb() -> Float:
    """(256,) linear light in 0..1 of each sRGB code (IEC 61966-2-1)."""
    code = np.arange(256) / 255.0
    return np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)


_LINEAR = _linear_from_srgb()


def _sampled(pixels: Pixels) -> Pixels:
    """Every k-th pixel, at most a million: shares and means need no more."""
    step = math.ceil(math.sqrt(pixels.shape[0] * pixels.shape[1] / _SAMPLED_PX))
    return pixels[::step, ::step]


def _shrunk_mask(mask: Mask, shape: tuple[int, ...]) -> Mask:
    if mask.shape == shape:
        return mask
    size = (shape[1], shape[0])
    picture = Image.fromarray(mask.astype(np.uint8) * 255)
    return np.asarray(picture.resize(size, Image.Resampling.BOX)) > 127
