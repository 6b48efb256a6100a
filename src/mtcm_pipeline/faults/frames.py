"""Frames that do not belong: from another capture, with an intruder, taken twice.

Dimension letters: H height, W width.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import binary_erosion, gaussian_filter, label

from mtcm_pipeline.capture.photos import RGB, Mask, PosedPhotos
from mtcm_pipeline.faults.pictures import as_picture, covered, linear_light

Float = NDArray[np.float64]
Box = tuple[float, float, float, float]

_COPY_NOISE = 1.2  # in steps of 1/255, as a sensor has
_COPY_QUALITY = (80, 92)  # of the JPEG that the copy went through
_COLOUR_BINS = 4
# A cut-out: large enough to have been meant, small enough to be a thing and not a wall.
_CUT_SHARE = (0.02, 0.7)
_FRINGE_PX = 1
_EDGE_SIGMA_PX = 0.7
_SHADOW = 0.45
_TONE_LIMITS = (0.4, 2.5)
# The intruder is at most so much of the picture's height and width.
_LARGEST = 0.85


def frames_of(others: Sequence[PosedPhotos]) -> list[tuple[PosedPhotos, str]]:
    """Every frame of other captures."""
    return [(photos, name) for photos in others for name in photos.names]


def most_alike(rgb: RGB, frames: Sequence[tuple[PosedPhotos, str]]) -> list[int]:
    """Indices of the frames whose colours are distributed alike (L1), nearest first."""
    own = _colours(rgb)
    apart = [np.abs(_colours(p.images[name]) - own).sum() for p, name in frames]
    return np.argsort(apart, kind="stable").tolist()


def middle(size: tuple[int, int], shape_of: tuple[int, int]) -> Box:
    """The largest box in the middle of a picture that has another one's shape.

    Args:
        size: (width, height) of the picture.
        shape_of: (width, height) of the other.
    """
    factor = max(shape_of[0] / size[0], shape_of[1] / size[1])
    width, height = shape_of[0] / factor, shape_of[1] / factor
    left, top = (size[0] - width) / 2, (size[1] - height) / 2
    return (left, top, left + width, top + height)


def resampled(rgb: RGB, box: Box, size: tuple[int, int]) -> RGB:
    """A box of an (H, W, 3) picture at (width, height) px."""
    picture = Image.fromarray(rgb)
    return np.array(picture.resize(size, Image.Resampling.LANCZOS, box=box))


def resampled_mask(mask: Mask, box: Box, size: tuple[int, int]) -> Mask:
    """A box of an (H, W) mask at (width, height) px."""
    grey = Image.fromarray(np.where(mask, 255, 0).astype(np.uint8))
    soft = np.array(grey.resize(size, Image.Resampling.BILINEAR, box=box))
    return np.asarray(soft >= 128)


def small_crop(width: int, height: int, share: float, rng: np.random.Generator) -> Box:
    """(left, top, right, bottom) of nearly the whole picture, of the same shape."""
    left, top = rng.uniform(0.0, share, 2)
    return (
        left * width,
        top * height,
        (left + 1 - share) * width,
        (top + 1 - share) * height,
    )


def copied(rgb: RGB, box: Box, rng: np.random.Generator) -> RGB:
    """An (H, W, 3) picture's box at its full size, with new noise, encoded again."""
    height, width = rgb.shape[:2]
    part = resampled(rgb, box, (width, height)).astype(np.float64)
    noisy = np.clip(np.rint(part + rng.normal(0, _COPY_NOISE, part.shape)), 0, 255)
    buffer = io.BytesIO()
    quality = int(rng.integers(_COPY_QUALITY[0], _COPY_QUALITY[1] + 1))
    Image.fromarray(noisy.astype(np.uint8)).save(buffer, "JPEG", quality=quality)
    return np.array(Image.open(buffer).convert("RGB"))


@dataclass(frozen=True)
class CutOut:
    """A thing cut from its picture.

    Attributes:
        light: (h, w, 3) linear light.
        opacity: (h, w) 0..1, soft at the edge.
        stands_below: whether it went on beyond the lower border of its picture.
    """

    light: Float
    opacity: Float
    stands_below: bool


def cut_out(rgb: RGB, mask: Mask) -> CutOut:
    """The largest piece of the foreground, without the fringe of its background.

    Args:
        rgb: (H, W, 3) picture.
        mask: (H, W) with some foreground.
    """
    pieces, _ = label(mask)
    largest = int(np.argmax(np.bincount(pieces.ravel())[1:])) + 1
    piece = binary_erosion(pieces == largest, iterations=_FRINGE_PX, border_value=1)
    if not piece.any():
        piece = pieces == largest
    rows, columns = np.flatnonzero(piece.any(axis=1)), np.flatnonzero(piece.any(axis=0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    below = bool(mask[-1].any())
    return CutOut(linear_light(rgb)[box], piece[box].astype(np.float64), below)


def frames_to_cut_from(others: Sequence[PosedPhotos]) -> Iterator[tuple[int, int]]:
    """(capture, row) of every frame from which something can be cut out."""
    for index, photos in enumerate(others):
        for row, name in enumerate(photos.names):
            mask = photos.masks.get(name)
            if mask is None or not _CUT_SHARE[0] <= mask.mean() <= _CUT_SHARE[1]:
                continue
            sides = (mask[0].any(), mask[:, 0].any(), mask[:, -1].any())
            if not any(sides):
                yield index, row


@dataclass(frozen=True)
class Place:
    """Where an intruder stands.

    Attributes:
        across: of its middle, in widths of the picture.
        foot: of its lower end, in heights of the picture.
        share: of the picture that it is to cover.
    """

    across: float
    foot: float
    share: float


def with_intruder(rgb: RGB, intruder: CutOut, place: Place) -> tuple[RGB, Mask]:
    """Somebody stands in the scene, in its light, with a shadow under it.

    Args:
        rgb: (H, W, 3) picture.
        intruder: who comes in.
        place: where; one that went on beyond its own picture's lower border stands on
            the border of this one.

    Returns:
        The picture, and the (H, W) pixels that the intruder covers.
    """
    height, width = rgb.shape[:2]
    light, opacity = _scaled(intruder, (height, width), place.share)
    foot = height if intruder.stands_below else round(place.foot * height)
    top, left = foot - light.shape[0], round(place.across * width - light.shape[1] / 2)
    own = linear_light(rgb)
    light = light * _tone(light, opacity, own)
    layer, cover = np.zeros_like(own), np.zeros((height, width))
    inside = np.s_[max(top, 0) : min(foot, height), max(left, 0) : left + light.shape[1]]
    part = cover[inside].shape
    from_row, from_column = max(-top, 0), max(-left, 0)
    cut = np.s_[from_row : from_row + part[0], from_column : from_column + part[1]]
    layer[inside], cover[inside] = light[cut], opacity[cut]
    shaded = as_picture(own * (1 - _shadow(cover, foot))[..., None])
    return covered(shaded, cover, layer), cover >= 0.5


def _scaled(
    intruder: CutOut, shape: tuple[int, int], share: float
) -> tuple[Float, Float]:
    """Light and soft opacity at the size that covers a share of the picture."""
    old_height, old_width = intruder.opacity.shape
    factor = np.sqrt(share * shape[0] * shape[1] / intruder.opacity.sum())
    factor = min(
        factor, _LARGEST * shape[0] / old_height, _LARGEST * shape[1] / old_width
    )
    size = max(2, round(old_width * factor)), max(2, round(old_height * factor))
    planes = [
        *np.moveaxis(intruder.light * intruder.opacity[..., None], 2, 0),
        intruder.opacity,
    ]
    small = [
        np.array(
            Image.fromarray(plane.astype(np.float32)).resize(
                size, Image.Resampling.BICUBIC
            ),
            dtype=np.float64,
        )
        for plane in planes
    ]
    opacity = np.clip(small[3], 0.0, 1.0)
    # Light was weighted by opacity, so that nothing of the old background comes along.
    light = np.stack(small[:3], axis=2) / np.maximum(opacity, 1e-3)[..., None]
    soft = np.minimum(opacity, gaussian_filter(opacity, _EDGE_SIGMA_PX))
    return np.clip(light, 0.0, 1.0), soft


def _tone(light: Float, opacity: Float, scene: Float) -> float:
    """Gain that brings the thing's mean light most of the way to that of the scene."""
    own = float((light.mean(axis=2) * opacity).sum() / max(opacity.sum(), 1e-9))
    wanted = float(np.median(scene.mean(axis=2)))
    gain = (max(wanted, 0.02) / max(own, 0.02)) ** 0.6
    return float(np.clip(gain, *_TONE_LIMITS))


def _shadow(cover: Float, foot: int) -> Float:
    """(H, W) share of the light that a soft contact shadow takes away."""
    columns = np.flatnonzero(cover.any(axis=0))
    if not len(columns) or foot >= cover.shape[0]:
        return np.zeros_like(cover)
    half = max(len(columns) / 2, 1.0)
    y, x = np.indices(cover.shape, dtype=np.float64)
    flat = ((x - columns.mean()) / half) ** 2 + ((y - foot) / (0.25 * half)) ** 2
    return _SHADOW * np.exp(-1.5 * flat)


def _colours(rgb: RGB) -> Float:
    """(64,) shares of coarse colours."""
    coarse = rgb[::4, ::4].astype(int) * _COLOUR_BINS // 256
    index = (coarse[..., 0] * _COLOUR_BINS + coarse[..., 1]) * _COLOUR_BINS
    counts = np.bincount((index + coarse[..., 2]).ravel(), minlength=_COLOUR_BINS**3)
    return counts / counts.sum()
