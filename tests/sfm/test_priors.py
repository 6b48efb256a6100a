import io

import pytest
from PIL import Image

from mtcm_pipeline.formats.exif import ExifFacts
from mtcm_pipeline.sfm.priors import image_priors


def photograph(focal_35mm=None, taken=None):
    image = Image.new("RGB", (300, 400))
    exif = image.getexif()
    tags = exif.get_ifd(0x8769)
    if focal_35mm:
        tags[0xA405] = focal_35mm
    if taken:
        tags[0x9003] = taken
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", exif=exif)
    return buffer.getvalue


def test_exif_of_the_photograph_gives_focal_length_and_time():
    priors = image_priors({"a.jpg": photograph(43.27, "2024:05:01 10:00:00")})
    diagonal = 500  # of 300 x 400 px; 43.27 mm is the diagonal of a full frame
    assert priors.focal_px["a.jpg"] == pytest.approx(diagonal, rel=0.02)
    assert len(priors.times_s) == 1


def test_what_was_told_wins_and_what_is_unknown_is_left_out():
    images = {
        "a.jpg": photograph(28),
        "b.jpg": photograph(),
        "c.jpg": lambda: b"no image",
    }
    told = {"a.jpg": ExifFacts(focal_px=350.0, timestamp_s=5.0), "c.jpg": ExifFacts()}
    priors = image_priors(images, told)
    assert priors.focal_px == {"a.jpg": 350.0} and priors.times_s == {"a.jpg": 5.0}
