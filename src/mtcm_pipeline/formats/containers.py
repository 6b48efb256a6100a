"""Image files as chunks: keep what draws the picture, drop what tells about its owner.

Nothing is decoded: the compressed picture stays the same byte for byte. What is kept is
listed (rather than what is dropped), so that unknown chunks never pass.
"""

from __future__ import annotations

import struct

from mtcm_pipeline.errors import FileContentError

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = {
    *(b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP"),
    *(b"sBIT", b"pHYs", b"bKGD", b"cICP"),
}
_WEBP_KEPT = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ICCP"}
# Flags of VP8X: bits for ICC profile and alpha stay; EXIF (0x08), XMP (0x04) and
# animation (0x02) go with their chunks.
_WEBP_FLAGS_KEPT = 0x20 | 0x10

_SOI, _EOI, _SOS, _APP0, _APP2, _APP14 = 0xD8, 0xD9, 0xDA, 0xE0, 0xE2, 0xEE
_JFIF_BYTES = 14  # a JFIF segment's content without its thumbnail


def image_kind(data: bytes) -> str:
    """`jpeg`, `png`, `webp` or `other`, by the file's first bytes, not by its name."""
    if data[:2] == b"\xff\xd8":
        return "jpeg"
    if data[:8] == PNG_SIGNATURE:
        return "png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return "other"


def strip_jpeg(data: bytes, name: str) -> bytes:
    """The JPEG with JFIF, ICC and Adobe segments only, and nothing after its end.

    Pictures appended after the end of the first (previews, multi-picture files) carry
    metadata of their own and go as well.

    Raises:
        FileContentError: the segments break off before the picture's end.
    """
    kept = [b"\xff\xd8"]
    offset = 2
    while True:
        marker, offset = _next_marker(data, offset, name)
        if marker == _EOI:
            kept.append(b"\xff\xd9")
            return b"".join(kept)
        end = offset + _length_at(data, offset, name)
        payload = data[offset + 2 : end]
        if _keeps_segment(marker, payload):
            if marker == _APP0:
                payload = payload[: _JFIF_BYTES - 2] + b"\0\0"  # no thumbnail
            kept.append(b"\xff" + bytes([marker]) + struct.pack(">H", len(payload) + 2))
            kept.append(payload)
        offset = end
        if marker == _SOS:
            offset = _scan_end(data, end, name)
            kept.append(data[end:offset])


def strip_png(data: bytes, name: str) -> bytes:
    """The PNG without text, time, EXIF and unknown chunks.

    Raises:
        FileContentError: the chunks break off before the picture's end.
    """
    kept = [PNG_SIGNATURE]
    offset = len(PNG_SIGNATURE)
    while offset + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, offset)
        end = offset + 12 + length
        kind = data[offset + 4 : offset + 8]
        if end > len(data):
            break
        if kind in _PNG_KEPT:
            kept.append(data[offset:end])
        if kind == b"IEND":
            return b"".join(kept)
        offset = end
    raise _truncated(name, len(data))


def strip_webp(data: bytes, name: str) -> bytes | None:
    """The WebP without EXIF, XMP and unknown chunks; None for an animation.

    Raises:
        FileContentError: the file is shorter than its header says.
    """
    (size,) = struct.unpack_from("<I", data, 4)
    if len(data) < size + 8:
        raise _truncated(name, len(data))
    kept = []
    offset = 12
    while offset + 8 <= size + 8:
        kind = data[offset : offset + 4]
        (length,) = struct.unpack_from("<I", data, offset + 4)
        end = offset + 8 + length + length % 2
        chunk = data[offset:end]
        if kind in (b"ANIM", b"ANMF"):
            return None
        if kind == b"VP8X":
            chunk = chunk[:8] + bytes([chunk[8] & _WEBP_FLAGS_KEPT]) + chunk[9:]
        if kind in _WEBP_KEPT:
            kept.append(chunk)
        offset = end
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def check_complete(data: bytes, name: str) -> None:
    """Raise `FileContentError` if a JPEG or PNG ends before its end marker."""
    kind = image_kind(data)
    if kind == "jpeg":
        strip_jpeg(data, name)
    elif kind == "png":
        strip_png(data, name)


def _keeps_segment(marker: int, payload: bytes) -> bool:
    if marker == _APP0:
        return payload.startswith(b"JFIF\0") and len(payload) >= _JFIF_BYTES
    if marker == _APP2:
        return payload.startswith(b"ICC_PROFILE\0")
    if marker == _APP14:
        return payload.startswith(b"Adobe")
    is_application = _APP0 <= marker <= 0xEF
    is_comment_or_unknown = 0xF0 <= marker <= 0xFE
    return not (is_application or is_comment_or_unknown)


def _next_marker(data: bytes, offset: int, name: str) -> tuple[int, int]:
    """The next marker (stray and fill bytes are skipped) and the offset behind it."""
    offset = data.find(b"\xff", offset)
    if offset < 0:
        raise _truncated(name, len(data))
    while offset < len(data) and data[offset] == 0xFF:
        offset += 1
    if offset >= len(data):
        raise _truncated(name, len(data))
    return data[offset], offset + 1


def _length_at(data: bytes, offset: int, name: str) -> int:
    if offset + 2 > len(data):
        raise _truncated(name, len(data))
    (length,) = struct.unpack_from(">H", data, offset)
    if length < 2 or offset + length > len(data):
        raise _truncated(name, len(data))
    return length


def _scan_end(data: bytes, offset: int, name: str) -> int:
    """Offset of the first marker behind entropy-coded data (no stuffing, no restart)."""
    while True:
        offset = data.find(b"\xff", offset)
        if offset < 0 or offset + 1 >= len(data):
            raise _truncated(name, len(data))
        following = data[offset + 1]
        if following == 0x00 or 0xD0 <= following <= 0xD7:
            offset += 2
        elif following == 0xFF:
            offset += 1
        else:
            return offset


def _truncated(name: str, size: int) -> FileContentError:
    return FileContentError(
        f"image {name!r} is truncated or damaged: its {size} bytes break off before the "
        f"picture's end; copy it again from the camera, or remove it"
    )
