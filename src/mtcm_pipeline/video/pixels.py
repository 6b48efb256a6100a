"""A decoded video frame to pixels as they are meant to be seen, and to a picture file.

Dimension letters: H height, W width of the upright picture.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from PIL import Image

from mtcm_pipeline.formats.images import JPEG_QUALITY
from mtcm_pipeline.video.dynamic_range import is_high_range, ordinary_rgb

Pixels = NDArray[np.uint8]
Float = NDArray[np.float64]


def small_grey(frame: VideoFrame, longest_px: int) -> Float:
    """(h, w) grey values in 0..1, shrunk to at most `longest_px`; not turned upright."""
    scale = min(1.0, longest_px / max(frame.width, frame.height))
    width, height = (max(1, round(s * scale)) for s in (frame.width, frame.height))
    grey = frame.reformat(width, height, format="gray", interpolation="AREA")
    return grey.to_ndarray().astype(np.float64) / 255.0


def upright_rgb(
    frame: VideoFrame, pixel_aspect: Fraction | None, longest_px: int | None
) -> Pixels:
    """(H, W, 3) uint8 with square pixels, turned as the container says.

    High dynamic range becomes the ordinary one (`dynamic_range`).

    Args:
        frame: as decoded.
        pixel_aspect: width over height of a stored pixel; None or 0 for square ones.
        longest_px: larger pictures are shrunk to it.
    """
    high = is_high_range(frame)
    rgb = ordinary_rgb(frame) if high else frame.to_ndarray(format="rgb24")
    picture = Image.fromarray(rgb)
    width = max(1, round(picture.width * (pixel_aspect or 1)))
    height = picture.height
    if longest_px is not None and max(width, height) > longest_px:
        scale = longest_px / max(width, height)
        width, height = max(1, round(width * scale)), max(1, round(height * scale))
    if (width, height) != picture.size:
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    return turned(np.asarray(picture), _display_matrix(frame))


def turned(pixels: Pixels, matrix: tuple[float, float, float, float]) -> Pixels:
    """Pixels turned and mirrored by quarter turns.

    Args:
        pixels: (h, w, 3).
        matrix: a, b, c, d of ISO/IEC 14496-12, 6.2.2: the pixel (x, y), y downwards, is
            shown at (a x + c y, b x + d y), up to a shift into the picture.
    """
    a, b, c, d = matrix
    swapped = abs(b) + abs(c) > abs(a) + abs(d)
    if swapped:
        pixels = pixels.transpose(1, 0, 2)
    right, down = (c, b) if swapped else (a, d)
    if right < 0:
        pixels = pixels[:, ::-1]
    if down < 0:
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def encode_picture(
    pixels: Pixels, image_format: Literal["jpg", "png"], exif: Image.Exif
) -> bytes:
    """A JPEG of quality 95, or a PNG; (H, W, 3) uint8 with the EXIF given."""
    buffer = io.BytesIO()
    picture = Image.fromarray(pixels)
    if image_format == "png":
        picture.save(buffer, "PNG", exif=exif)
    else:
        # Colours at half resolution: videos have no more.
        picture.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling="4:2:0", exif=exif)
    return buffer.getvalue()


def _display_matrix(frame: VideoFrame) -> tuple[float, float, float, float]:
    """a, b, c, d of the container's display matrix; the identity where there is none."""
    side_data: Mapping[Any, Any] = frame.side_data  # its stub knows of one type only
    data = side_data.get(Type.DISPLAYMATRIX)
    if data is None:
        return 1.0, 0.0, 0.0, 1.0
    a, b, _, c, d = struct.unpack("=5i", bytes(data)[:20])
    return a, b, c, d
