"""Foreground masks: image bytes in any usual encoding -> bool array."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mtcm_pipeline.errors import FileContentError
from mtcm_pipeline.formats.images import why_unreadable

Bool = NDArray[np.bool_]

_ANOTHER_SHAPE = "another shape. Make the mask from the image itself"
_SIDEWAYS = (
    "it lies on its side: one of the two was turned by the image's EXIF orientation and "
    "the other was not. Turn the mask like the image"
)


def decode_mask(data: bytes, name: str, *, size: tuple[int, int]) -> tuple[Bool, str]:
    """The mask as True = foreground, in the size of its image.

    Read as foreground: white or 1 (grey levels from half of full scale, where full scale
    is 1, 255 or 65535, the smallest that holds the largest value); any colour that is not
    black in a palette of colours; an alpha channel that varies, wherever there is one.

    Args:
        data: a PNG or other image file.
        name: the mask's file, for messages.
        size: (width, height) in px of the image.

    Returns:
        (height, width) mask, and a note if it was scaled (else empty).

    Raises:
        FileContentError: no image, truncated, or of another shape than the image.
    """
    grey = _as_bool(_open(data, name))
    height, width = grey.shape
    if (width, height) == size:
        return grey, ""
    if not _same_aspect((width, height), size):
        sideways = _same_aspect((height, width), size)
        raise FileContentError(
            f"mask {name!r} is {width}x{height} px but its image is {size[0]}x{size[1]} "
            f"px: {_SIDEWAYS if sideways else _ANOTHER_SHAPE}, or delete it"
        )
    scaled = Image.fromarray(grey).resize(size, Image.Resampling.NEAREST)
    note = f"mask {name!r} was scaled from {width}x{height} to {size[0]}x{size[1]} px"
    return np.array(scaled, dtype=bool), note


def encode_mask(mask: Bool) -> bytes:
    """An 8-bit PNG with 255 = foreground, as trainers read it."""
    buffer = io.BytesIO()
    Image.fromarray(np.where(mask, 255, 0).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def mask_as_png(data: bytes, name: str, *, nonzero: bool = False) -> bytes:
    """The same mask as an 8-bit PNG with 255 = foreground.

    Args:
        data: an image file.
        name: of the file, for messages.
        nonzero: whether every value but 0 is foreground, as nerfstudio reads masks
            (`data_utils.get_image_mask_tensor_from_path`), which have one channel; those
            with more, and JPEG, whose black is noisy, go by `decode_mask`'s rules.

    Raises:
        FileContentError: no image, or truncated.
    """
    image = _open(data, name)
    if nonzero and len(image.getbands()) == 1 and image.format != "JPEG":
        return encode_mask(np.array(image) != 0)
    return encode_mask(_as_bool(image))


def _open(data: bytes, name: str) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data))
        image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise FileContentError(
            f"mask {name!r} is not readable ({len(data)} bytes): "
            f"{why_unreadable(len(data), error)}; write it again or delete it"
        ) from error
    return image


def _as_bool(image: Image.Image) -> Bool:
    """(H, W) foreground by the rules of `decode_mask`."""
    if image.mode == "1":
        return np.array(image, dtype=bool)
    if (
        image.mode in ("P", "PA", "RGBA", "LA", "La", "RGBa")
        or "transparency" in image.info
    ):
        return _from_rgba(np.array(image.convert("RGBA")), palette=image.mode[0] == "P")
    if image.mode in ("L", "I", "F") or image.mode.startswith("I;16"):
        return _from_grey(np.array(image, dtype=np.float64))
    return _from_colour(np.array(image.convert("RGB")), palette=False)


def _from_rgba(rgba: NDArray[np.uint8], *, palette: bool) -> Bool:
    alpha = rgba[..., 3]
    if alpha.min() != alpha.max():
        return _from_grey(alpha.astype(np.float64))
    return _from_colour(rgba[..., :3], palette=palette)


def _from_colour(rgb: NDArray[np.uint8], *, palette: bool) -> Bool:
    strongest = rgb.max(axis=2)
    if palette and (rgb.min(axis=2) != strongest).any():
        return strongest > 0
    return _from_grey(strongest.astype(np.float64))


def _from_grey(grey: NDArray[np.float64]) -> Bool:
    largest = grey.max(initial=0.0)
    full = next((scale for scale in (1.0, 255.0) if largest <= scale), 65535.0)
    return grey >= full / 2


def _same_aspect(a: tuple[int, int], b: tuple[int, int]) -> bool:
    """Whether one size is the other scaled, with sides rounded to whole px."""
    (aw, ah), (bw, bh) = a, b
    return abs(ah * bw / aw - bh) <= 1 or abs(bh * aw / bw - ah) <= 1
