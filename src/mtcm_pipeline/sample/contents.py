"""The generated capture's file contents: JPEG with EXIF, PNG masks, JSON, arrays."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from mtcm_pipeline.sample.render import Lens

Array = NDArray[np.floating[Any]]

_BASE = ExifTags.Base
_FIRST_SHOT = datetime(2024, 5, 11, 10, 17, 3)
_CROP_FACTOR = 6.0  # of a phone's small sensor
_DIAGONAL_MM = float(np.hypot(36.0, 24.0))


@dataclass(frozen=True)
class Shot:
    """What the camera writes into one picture.

    Attributes:
        seconds: since the first shot.
        focal_35mm: 35 mm equivalent in whole mm, as EXIF has it.
        lens: the true camera.
    """

    seconds: float
    focal_35mm: int
    lens: Lens


def focal_px_of(focal_35mm: float, width: int, height: int) -> float:
    """Focal length in px; the equivalent is defined on the diagonal (CIPA DCG-001)."""
    return focal_35mm / _DIAGONAL_MM * float(np.hypot(width, height))


def jpeg(picture: NDArray[np.uint8], shot: Shot, quality: int) -> bytes:
    """A JPEG file of an (H, W, 3) picture with EXIF."""
    buffer = io.BytesIO()
    exif = _exif(shot).tobytes()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality, exif=exif)
    return buffer.getvalue()


def _exif(shot: Shot) -> Image.Exif:
    taken = _FIRST_SHOT + timedelta(seconds=shot.seconds)
    stamp = taken.strftime("%Y:%m:%d %H:%M:%S")
    exif = Image.Exif()
    exif[_BASE.Make] = "Sample"
    exif[_BASE.Model] = "Generated Camera"
    exif[_BASE.Orientation] = 1
    exif[_BASE.DateTime] = stamp
    exif.get_ifd(ExifTags.IFD.Exif).update(
        {
            _BASE.DateTimeOriginal: stamp,
            _BASE.SubsecTimeOriginal: f"{taken.microsecond // 1000:03d}",
            _BASE.FocalLength: round(shot.focal_35mm / _CROP_FACTOR, 2),
            _BASE.FocalLengthIn35mmFilm: shot.focal_35mm,
            _BASE.ExifImageWidth: shot.lens.width,
            _BASE.ExifImageHeight: shot.lens.height,
        }
    )
    return exif


def mask_png(subject_share: Array) -> bytes:
    """A mask file: white where at least half of a pixel is subject."""
    white = np.where(subject_share >= 0.5, 255, 0).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(white).save(buffer, "PNG")
    return buffer.getvalue()


def json_bytes(content: Mapping[str, Any]) -> bytes:
    """A JSON file for people as well."""
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()
