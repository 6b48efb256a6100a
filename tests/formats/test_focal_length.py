"""Focal lengths in px, by arithmetic on sensors of known size."""

import math

import pytest

from mtcm_pipeline.formats.focal_length import (
    believed_focal_px,
    focal_px_by_35mm,
    focal_px_by_sensor,
    sensor_px_per_mm,
)


@pytest.mark.parametrize(
    ("resolution", "unit"),
    [
        (6350.0, 2),
        (6350.0, "inches"),
        (6350.0, None),  # EXIF: inch unless stated
        (2500.0, 3),
        (2500.0, "cm"),
        (250.0, 4),
        (250.0, "mm"),
        (0.25, 5),
        (0.25, "um"),
    ],
)
def test_250_px_a_mm_in_every_unit(resolution, unit):
    assert sensor_px_per_mm(resolution, unit) == pytest.approx(250.0)


@pytest.mark.parametrize("unit", [1, 0, 6, "None", "furlong", "", math.nan, (2,)])
def test_unknown_units_are_absent(unit):
    assert sensor_px_per_mm(250.0, unit) is None
    assert sensor_px_per_mm(None, 2) is None


def test_a_lens_on_a_sensor_by_hand():
    # 4000 px on 8 mm are 500 px a mm; a lens of 6 mm then has 3000 px.
    assert focal_px_by_sensor(6.0, 500.0, 4000) == pytest.approx(3000.0)
    for missing in ((None, 500.0, 4000), (6.0, None, 4000), (6.0, 500.0, None)):
        assert focal_px_by_sensor(*missing) is None


def test_sensors_that_nobody_builds_are_not_believed():
    assert focal_px_by_sensor(6.0, 500.0, 800) is None  # 1.6 mm wide
    assert focal_px_by_sensor(50.0, 40.0, 4000) is None  # 100 mm wide


def test_both_ways_agree_on_full_frame():
    # 7200 px on 36 mm are 200 px a mm; there the equivalent is the focal length itself.
    by_sensor = focal_px_by_sensor(35.0, 200.0, 7200)
    by_35mm = focal_px_by_35mm(35.0, 7200, 4800)
    assert by_sensor == pytest.approx(7000.0)
    assert by_35mm == pytest.approx(7000.0)
    assert focal_px_by_35mm(None, 7200, 4800) is None


@pytest.mark.parametrize(
    ("by_sensor", "by_35mm", "believed"),
    [
        (1090.0, 1000.0, 1090.0),
        (920.0, 1000.0, 920.0),
        (1110.0, 1000.0, 1000.0),
        (900.0, 1000.0, 1000.0),
        (2540.0, 1000.0, 1000.0),  # centimetres that were inches
        (None, 1000.0, 1000.0),
        (1000.0, None, 1000.0),
        (None, None, None),
    ],
)
def test_which_one_is_believed(by_sensor, by_35mm, believed):
    assert believed_focal_px(by_sensor, by_35mm) == believed
