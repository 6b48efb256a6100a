"""Images: bytes -> pixels in the orientation of the poses; bytes without private data."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from mtcm_pipeline.errors import FileContentError
from mtcm_pipeline.formats.containers import (
    check_complete,
    image_kind,
    strip_jpeg,
    strip_png,
    strip_webp,
)
from mtcm_pipeline.formats.heif import register_heif

Size = tuple[int, int]

# High enough that re-encoding adds less error than a camera's own encoding did.
JPEG_QUALITY = 95

_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class DecodedImage:
    """Pixels of a frame.

    Attributes:
        rgb: (H, W, 3) uint8; transparent pixels are laid over white.
        turned: whether the EXIF orientation was applied to the stored pixels.
    """

    rgb: NDArray[np.uint8]
    turned: bool


def decode_image(data: bytes, name: str, posed_size: Size | None = None) -> DecodedImage:
    """Pixels in the orientation that the frame's pose means.

    COLMAP ignores the EXIF orientation, other tools apply it. Poses made on the stored
    pixels need the stored pixels; so the size of the posed camera decides.

    Args:
        data: a JPEG, PNG, WebP or HEIC file.
        name: the frame, for messages.
        posed_size: (width, height) in px of the frame's camera, or None without a pose.

    Raises:
        FileContentError: truncated or unreadable.
    """
    image = _open(data, name)
    orientation = _orientation_to_apply(image, posed_size)
    return DecodedImage(np.array(_as_rgb(_turned(image, orientation))), orientation != 1)


def cutout_of(
    data: bytes, name: str, posed_size: Size | None = None
) -> NDArray[np.bool_] | None:
    """(H, W) what is not transparent in a picture, turned as by `decode_image`.

    None for a picture without transparency, or with the same all over.

    Args:
        data: an image file.
        name: the frame, for messages.
        posed_size: (width, height) in px of the frame's camera, or None without a pose.

    Raises:
        FileContentError: truncated or unreadable.
    """
    image = _open(data, name)
    if not _is_transparent(image):
        return None
    alpha = image.convert("RGBA").getchannel("A")
    solid = np.array(_turned(alpha, _orientation_to_apply(image, posed_size))) >= 128
    return None if solid.all() or not solid.any() else solid


def stored_size(data: bytes, name: str) -> Size:
    """(width, height) in px of the pixels as stored, from the header alone.

    Raises:
        FileContentError: the header is not readable.
    """
    register_heif()
    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise unreadable_image(name, len(data), error) from error


def exported_name(name: str) -> str:
    """The file name under which a frame is exported: HEIC becomes JPEG, others stay."""
    path = PurePath(name)
    return path.stem + ".jpg" if path.suffix.lower() in (".heic", ".heif") else name


def strip_private_metadata(
    data: bytes, name: str, posed_size: Size | None = None
) -> bytes:
    """The image without GPS, serial numbers, owner names, texts and previews.

    Compressed data stay as they are, unless an EXIF orientation has to be applied (see
    `decode_image`) or the file is a HEIC: then JPEG and HEIC are written as JPEG of
    quality 95, PNG and WebP without loss.

    Args:
        data: a JPEG, PNG, WebP or HEIC file.
        name: the frame, for messages; written under `exported_name(name)`.
        posed_size: (width, height) in px of the frame's camera, or None.

    Raises:
        FileContentError: truncated or unreadable.
    """
    image = _open(data, name)
    orientation = _orientation_to_apply(image, posed_size)
    if orientation == 1:
        kept = _strip_container(data, name)
        if kept is not None:
            return kept
    return _encode(_turned(image, orientation), image_kind(data), image)


def encode_remapped(rgb: NDArray[np.uint8], data: bytes) -> bytes:
    """New pixels of a picture in the kind of file that it was, without its metadata.

    JPEG and HEIC become JPEG of quality 95, PNG and WebP stay so, without loss. A colour
    profile is kept where it is one of colours.

    Args:
        rgb: (H, W, 3) pixels made from those of `data`.
        data: the file from which they came; it was decoded before.
    """
    register_heif()
    with Image.open(io.BytesIO(data)) as original:
        colours = original.mode in ("RGB", "RGBA", "P")
        icc = original.info.get("icc_profile") if colours else None
    clean = Image.fromarray(rgb)
    if icc:
        clean.info["icc_profile"] = icc
    return _encode(clean, image_kind(data), clean)


def _open(data: bytes, name: str) -> Image.Image:
    """The decoded image; a file that breaks off is refused whatever PIL would accept."""
    register_heif()
    try:
        image = Image.open(io.BytesIO(data))
        check_complete(data, name)
        image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise unreadable_image(name, len(data), error) from error
    return image


def unreadable_image(name: str, size: int, error: Exception) -> FileContentError:
    """What to raise where Pillow cannot read the file of a frame, `size` bytes long."""
    return FileContentError(
        f"image {name!r} is not readable ({size} bytes): {why_unreadable(size, error)}; "
        f"copy it again from the camera, or remove it"
    )


def why_unreadable(size: int, error: Exception) -> str:
    """Why Pillow could not read a picture of `size` bytes, without memory addresses."""
    if size == 0:
        return "the file is empty"
    if isinstance(error, UnidentifiedImageError):
        return "no picture of a known kind"
    return str(error)


def _orientation_to_apply(image: Image.Image, posed_size: Size | None) -> int:
    """EXIF orientation 2..8 that must be applied to the stored pixels, else 1."""
    orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    if orientation not in _TRANSPOSE:
        return 1
    if posed_size is None:
        return orientation
    # Only 5..8 swap the sides and so can be told by the size; portrait against landscape,
    # since the camera may be of another scale. Else the stored pixels are meant.
    (width, height), (posed_width, posed_height) = image.size, posed_size
    swapped = (width > height) != (posed_width > posed_height) and width != height
    return orientation if orientation >= 5 and swapped else 1


def _turned(image: Image.Image, orientation: int) -> Image.Image:
    return image if orientation == 1 else image.transpose(_TRANSPOSE[orientation])


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        # Pillow clips 16-bit grey at 255 instead of scaling it.
        levels = np.array(image, dtype=np.float64) * (255.0 / 65535.0)
        image = Image.fromarray(np.clip(np.round(levels), 0, 255).astype(np.uint8))
    if _is_transparent(image):
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        image = Image.alpha_composite(white, rgba)
    return image.convert("RGB")


def _is_transparent(image: Image.Image) -> bool:
    """Whether there is an alpha channel, or a colour that counts as transparent."""
    with_alpha = ("RGBA", "LA", "PA", "RGBa", "La")
    return image.mode in with_alpha or "transparency" in image.info


def _strip_container(data: bytes, name: str) -> bytes | None:
    """The stripped file, or None where only re-encoding helps."""
    strippers = {"jpeg": strip_jpeg, "png": strip_png, "webp": strip_webp}
    stripper = strippers.get(image_kind(data))
    return None if stripper is None else stripper(data, name)


def _encode(image: Image.Image, kind: str, original: Image.Image) -> bytes:
    """Encode anew; of the original's metadata only the colour profile is kept."""
    icc = original.info.get("icc_profile")
    transparency = original.info.get("transparency")
    clean = image.copy()
    clean.info = {} if transparency is None else {"transparency": transparency}
    buffer = io.BytesIO()
    if kind == "png":
        clean.save(buffer, "PNG", icc_profile=icc)
    elif kind == "webp":
        clean.save(
            buffer, "WEBP", lossless=True, icc_profile=icc or b"", exif=b"", xmp=b""
        )
    elif clean.mode in ("L", "RGB"):
        clean.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0, icc_profile=icc)
    else:
        # A profile of CMYK or of an alpha picture does not fit its RGB version.
        _as_rgb(clean).save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return buffer.getvalue()
