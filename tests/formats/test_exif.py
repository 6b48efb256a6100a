import io
import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from mtcm_pipeline.errors import FileContentError
from mtcm_pipeline.formats.exif import ExifFacts, focal_px, read_exif, read_exif_json

BASE = ExifTags.Base
NOON = datetime(2020, 5, 17, 12, 0, 0, tzinfo=UTC).timestamp()


def jpeg(main: dict, sub: dict) -> bytes:
    exif = Image.Exif()
    exif.update(main)
    exif.get_ifd(ExifTags.IFD.Exif).update(sub)
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30)).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def test_original_time_with_fraction_wins_over_the_rewritten_one():
    data = jpeg(
        {BASE.DateTime: "2024:01:01 00:00:00"},
        {
            BASE.DateTimeOriginal: "2020:05:17 12:00:00",
            BASE.SubsecTimeOriginal: "25",
            BASE.OffsetTimeOriginal: "+09:00",
        },
    )
    assert read_exif(data, "a.jpg").timestamp_s == NOON + 0.25


@pytest.mark.parametrize("unset", ["0000:00:00 00:00:00", "    :  :     :  :  ", ""])
def test_unset_original_time_falls_back_in_order(unset):
    main = {BASE.DateTime: "2024:01:01 00:00:00"}
    digitised = {BASE.DateTimeDigitized: "2020:05:17 12:00:00"}
    data = jpeg(main, {BASE.DateTimeOriginal: unset, **digitised})
    assert read_exif(data, "a.jpg").timestamp_s == NOON
    only_rewritten = read_exif(jpeg(main, {BASE.DateTimeOriginal: unset}), "a.jpg")
    year = datetime(2024, 1, 1, tzinfo=UTC).timestamp()
    assert only_rewritten.timestamp_s == year


def test_focal_lengths_orientation_and_width():
    sub = {
        BASE.FocalLength: IFDRational(50, 1),
        BASE.FocalLengthIn35mmFilm: 75,
        BASE.ExifImageWidth: 6000,
    }
    facts = read_exif(jpeg({BASE.Orientation: 6}, sub), "a.jpg")
    assert facts == ExifFacts(None, 50.0, 75.0, 6, 6000)


@pytest.mark.parametrize("rational", [IFDRational(0, 0), IFDRational(0, 1)])
def test_nan_and_zero_are_absent(rational):
    assert read_exif(jpeg({}, {BASE.FocalLength: rational}), "a.jpg").focal_mm is None


def test_picture_without_exif_and_no_picture():
    buffer = io.BytesIO()
    Image.new("L", (4, 4)).save(buffer, "PNG")
    assert read_exif(buffer.getvalue(), "a.png") == ExifFacts()
    with pytest.raises(FileContentError, match=r"a\.jpg.*not readable.*no picture"):
        read_exif(b"nothing", "a.jpg")
    with pytest.raises(FileContentError, match=r"a\.jpg.*0 bytes.*empty"):
        read_exif(b"", "a.jpg")


def test_focal_px_by_hand():
    # 36 x 24 mm full frame on 3600 x 2400 px: 0.01 mm a px, so 50 mm are 5000 px.
    facts = ExifFacts(focal_35mm=50.0, exif_width=3600)
    assert focal_px(facts, 3600, 2400) == pytest.approx(5000)
    turned = ExifFacts(focal_35mm=50.0, exif_width=3600, orientation=6)
    assert focal_px(turned, 2400, 3600) == pytest.approx(5000)


def test_cropped_picture_is_not_believed():
    assert focal_px(ExifFacts(focal_35mm=50.0, exif_width=5184), 3456, 3456) is None
    assert focal_px(ExifFacts(focal_mm=50.0), 3456, 3456) is None
    assert focal_px(ExifFacts(focal_px=812.0, exif_width=5184), 3456, 3456) == 812.0


def test_the_sensors_pixels_of_a_picture():
    # 6000 px on 24 mm are 250 px a mm, 6350 an inch: 50 mm are 12500 px.
    sub = {
        BASE.FocalLength: 50.0,
        BASE.FocalPlaneXResolution: IFDRational(6350, 1),
        BASE.FocalPlaneResolutionUnit: 2,
        BASE.ExifImageWidth: 6000,
    }
    facts = read_exif(jpeg({}, sub), "a.jpg")
    assert facts.sensor_px_per_mm == pytest.approx(250)
    assert focal_px(facts, 6000, 4000) == pytest.approx(12500)
    turned = replace(facts, orientation=6)
    assert focal_px(turned, 4000, 6000) == pytest.approx(12500)


@pytest.mark.parametrize("width", [None, 5184])
def test_the_sensors_pixels_need_the_width_that_the_camera_wrote(width):
    facts = ExifFacts(focal_mm=50.0, sensor_px_per_mm=250.0, exif_width=width)
    assert focal_px(facts, 3000, 2000) is None


def test_the_sensor_wins_where_it_agrees_with_the_35_mm_equivalent():
    # 10 mm on 36 x 24 mm: 100 px a mm by 35 mm, 105 by the sensor: 5 % apart.
    facts = ExifFacts(
        focal_mm=10.0, focal_35mm=10.0, exif_width=3600, sensor_px_per_mm=105.0
    )
    assert focal_px(facts, 3600, 2400) == pytest.approx(1050)
    halved = replace(
        facts, sensor_px_per_mm=200.0
    )  # the number of a picture twice as wide
    assert focal_px(halved, 3600, 2400) == pytest.approx(1000)


def test_the_sensors_pixels_by_exiftool():
    entry = {"FocalPlaneXResolution": 2500, "FocalLength": "50.0 mm"}
    for unit in ("cm", 3, "3"):
        content = {"a.jpg": {**entry, "FocalPlaneResolutionUnit": unit}}
        assert read_exif_json(content).facts["a.jpg"].sensor_px_per_mm == 250
    content = {"a.jpg": {**entry, "FocalPlaneXResolution": "wide"}}
    reading = read_exif_json(content)
    assert reading.facts["a.jpg"].sensor_px_per_mm is None
    assert "'wide'" in reading.problems["a.jpg"]


def test_exif_json_variants_say_the_same():
    entries = {
        "a.jpg": {"timestamp": NOON, "focal_length": 50},
        "b.jpg": {"DateTimeOriginal": "2020:05:17 12:00:00", "FocalLength": "50.0 mm"},
        "c.jpg": {"timestamp": "2020-05-17T12:00:00+02:00", "FocalLength": "100/2"},
        "d.jpg": {"timestamp": str(NOON), "focal_length": "50"},
    }
    reading = read_exif_json(entries)
    assert not reading.problems
    assert {(f.timestamp_s, f.focal_mm) for f in reading.facts.values()} == {(NOON, 50.0)}
    listed = [{"SourceFile": f"x/{name}", **entry} for name, entry in entries.items()]
    assert read_exif_json(listed).facts == reading.facts


def test_exif_json_keeps_focal_px_and_the_sub_second():
    content = {
        "a.jpg": {"focal_length_px": 900, "DateTimeOriginal": "2020:05:17 12:00:00.75"}
    }
    facts = read_exif_json(content).facts["a.jpg"]
    assert facts.focal_px == 900 and facts.timestamp_s == NOON + 0.75


def test_exif_json_nan_is_absent_and_bad_values_are_named():
    content = {
        "a.jpg": {"timestamp": math.nan, "focal_length": None},
        "b.jpg": {"timestamp": "yesterday", "focal_length": 50},
        "c.jpg": {"focal_length": -3},
    }
    reading = read_exif_json(content)
    assert reading.facts["a.jpg"] == ExifFacts()
    assert reading.facts["b.jpg"] == ExifFacts(focal_mm=50.0)
    assert set(reading.problems) == {"b.jpg", "c.jpg"}
    assert (
        "'yesterday'" in reading.problems["b.jpg"] and "-3" in reading.problems["c.jpg"]
    )


@pytest.mark.parametrize("broken", [3, "text", {"a.jpg": 3}, [{"timestamp": 3}]])
def test_exif_json_that_is_broken_as_a_whole(broken):
    with pytest.raises(FileContentError, match=r"exif\.json"):
        read_exif_json(broken)
