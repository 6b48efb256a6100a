import io
import struct
import zlib

import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin

from mtcm_pipeline.errors import FileContentError
from mtcm_pipeline.formats.heif import register_heif
from mtcm_pipeline.formats.images import (
    decode_image,
    exported_name,
    stored_size,
    strip_private_metadata,
)

SECRETS = (b"Ada Lovelace", b"SN-4711", b"51.5074")
# Smooth, so that JPEG keeps it nearly: red rises to the right, green downward.
WIDE = np.zeros((32, 48, 3), dtype=np.uint8)
WIDE[..., 0] = np.linspace(0, 255, 48)
WIDE[..., 1] = np.linspace(0, 255, 32)[:, None]


def private_exif(orientation: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Artist] = "Ada Lovelace"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.BodySerialNumber] = "SN-4711"
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps[ExifTags.GPS.GPSLatitudeRef] = "N"
    gps[ExifTags.GPS.GPSLatitude] = (51.0, 30.0, 26.64)
    gps[ExifTags.GPS.GPSAreaInformation] = b"51.5074"
    return exif


def encoded(form: str, orientation: int = 1, pixels=WIDE, **options) -> bytes:
    register_heif()
    if form == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_text("Author", "Ada Lovelace")
        text.add_itxt("Serial", "SN-4711")
        text.add_text("Place", "51.5074", zip=True)
        options["pnginfo"] = text
    if form == "JPEG":
        options |= {"comment": b"Ada Lovelace", "quality": 95}
    if form == "WEBP":
        options |= {"xmp": b"<x>Ada Lovelace SN-4711</x>", "lossless": True}
    buffer = io.BytesIO()
    exif = private_exif(orientation).tobytes()
    Image.fromarray(pixels).save(buffer, form, exif=exif, **options)
    return buffer.getvalue()


def scan_data(jpeg: bytes) -> bytes:
    """From the first start of scan to the end of the file, found without our parser."""
    return jpeg[jpeg.index(b"\xff\xda") :]


def assert_clean(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    assert not dict(image.getexif())
    assert not dict(image.getexif().get_ifd(ExifTags.IFD.GPSInfo))
    assert not {"exif", "xmp", "comment", "Author", "XML:com.adobe.xmp"} & set(image.info)
    assert not [secret for secret in SECRETS if secret in data]
    return image


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_private_data_is_there_before_and_gone_after(form):
    data = encoded(form)
    before = Image.open(io.BytesIO(data)).getexif()
    assert before.get_ifd(ExifTags.IFD.GPSInfo), "the test needs GPS to begin with"
    clean = assert_clean(strip_private_metadata(data, "a"))
    assert clean.size == (48, 32)
    difference = np.asarray(clean.convert("RGB"), dtype=int) - WIDE
    assert np.abs(difference).max() <= (0 if form in ("PNG", "WEBP") else 40)
    assert np.abs(difference).mean() < 4


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"restart_marker_rows": 1}]
)
def test_jpeg_scan_data_stay_byte_identical(options):
    data = encoded("JPEG", **options)
    clean = strip_private_metadata(data, "a.jpg")
    assert scan_data(clean) == scan_data(data)
    assert len(clean) < len(data)


def test_jpeg_keeps_colour_profile_and_drops_what_follows_its_end():
    profile = b"profile" * 10
    data = encoded("JPEG", icc_profile=profile)
    second = encoded("JPEG")  # as in multi-picture files
    clean = strip_private_metadata(data + second, "a.jpg")
    assert clean == strip_private_metadata(data, "a.jpg")
    assert assert_clean(clean).info["icc_profile"] == profile


def test_photoshop_and_unknown_application_segments_are_dropped():
    data = encoded("JPEG")
    segments = b"".join(
        b"\xff" + bytes([marker]) + struct.pack(">H", 2 + 12) + b"Ada Lovelace"
        for marker in (0xED, 0xE3, 0xE2, 0xFE)
    )
    clean = strip_private_metadata(data[:2] + segments + data[2:], "a.jpg")
    assert clean == strip_private_metadata(data, "a.jpg")


def test_unknown_png_chunk_is_dropped():
    body = b"prVt" + b"Ada Lovelace"
    chunk = struct.pack(">I", 12) + body + struct.pack(">I", zlib.crc32(body))
    data = encoded("PNG")
    at = data.index(b"IDAT") - 4
    assert_clean(strip_private_metadata(data[:at] + chunk + data[at:], "a.png"))


def turned_by_hand(stored: np.ndarray) -> np.ndarray:
    """Orientation 6: the stored picture has to be turned clockwise by 90 degrees."""
    return np.rot90(stored, k=-1)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_orientation_six_follows_the_size_of_the_pose(form):
    data = encoded(form, orientation=6)
    stored = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    raw = decode_image(data, "a", (48, 32))
    assert not raw.turned
    np.testing.assert_array_equal(raw.rgb, stored)
    for size in ((32, 48), None, (320, 480)):
        turned = decode_image(data, "a", size)
        assert turned.turned
        np.testing.assert_array_equal(turned.rgb, turned_by_hand(stored))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_stripping_applies_the_orientation_that_decoding_applies(form):
    data = encoded(form, orientation=6)
    for size in ((48, 32), (32, 48), None):
        meant = decode_image(data, "a", size).rgb.astype(int)
        clean = assert_clean(strip_private_metadata(data, "a", size))
        pixels = np.asarray(clean.convert("RGB"), dtype=int)
        assert pixels.shape == meant.shape
        assert np.abs(pixels - meant).mean() < 2


def test_half_turn_cannot_be_told_by_size_so_stored_pixels_count():
    data = encoded("PNG", orientation=3)
    np.testing.assert_array_equal(decode_image(data, "a", (48, 32)).rgb, WIDE)
    np.testing.assert_array_equal(decode_image(data, "a").rgb, WIDE[::-1, ::-1])


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_truncated_files_are_refused_by_name(form):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = encoded(form, pixels=noise)
    for length in (0, 2, 10, len(data) // 2, len(data) - 3):
        for act in (decode_image, strip_private_metadata):
            with pytest.raises(FileContentError, match=r"frame 7") as caught:
                act(data[:length], "frame 7")
            assert " at 0x" not in str(caught.value)  # a place in memory helps nobody


@pytest.mark.parametrize(("data", "why"), [(b"", "empty"), (b"hello", "no picture")])
def test_what_is_no_picture_is_refused_with_the_reason(data, why):
    with pytest.raises(FileContentError, match=rf"frame 7.*{len(data)} bytes.*{why}"):
        decode_image(data, "frame 7")


def test_truncated_jpeg_is_refused_even_if_pillow_is_told_to_accept(monkeypatch):
    from PIL import ImageFile

    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    data = encoded("JPEG")
    with pytest.raises(FileContentError, match=r"frame 7.*truncated"):
        decode_image(data[: len(data) * 3 // 4], "frame 7")


def test_transparent_pixels_are_laid_over_white():
    pixels = np.zeros((2, 2, 4), dtype=np.uint8)
    pixels[0, 0] = (200, 10, 30, 255)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    rgb = decode_image(buffer.getvalue(), "a.png").rgb
    assert rgb[0, 0].tolist() == [200, 10, 30] and (rgb[1] == 255).all()


def test_sixteen_bit_grey_is_scaled_not_clipped():
    levels = np.array([[0, 257 * 100, 65535]], dtype=np.uint16)
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, "PNG")
    rgb = decode_image(buffer.getvalue(), "a.png").rgb
    assert rgb[0, :, 1].tolist() == [0, 100, 255]


def test_names_and_sizes():
    assert exported_name("IMG 1.v2.HEIC") == "IMG 1.v2.jpg"
    assert exported_name("a.JPG") == "a.JPG"
    assert stored_size(encoded("JPEG", orientation=6), "a.jpg") == (48, 32)
    with pytest.raises(FileContentError, match=r"a\.jpg"):
        stored_size(b"", "a.jpg")
