"""Borders by hand: each belongs to the interval that begins there."""

import numpy as np
import pytest

from mtcm_pipeline.errors import ParameterError
from mtcm_pipeline.viewpoints.bins import (
    ALL_BINS,
    FRAMINGS,
    HEIGHTS,
    SIDES,
    TILTS,
    Bins,
    neutral_sides,
    signed_deg,
)


@pytest.mark.parametrize(
    ("azimuth", "word"),
    [
        (0, "front"),
        (45, "front-left"),
        (90, "left profile"),
        (135, "back-left"),
        (-180, "back"),
        (-135, "back-right"),
        (-90, "right profile"),
        (-45, "front-right"),
        (22.5, "front-left"),
        (np.nextafter(22.5, 0), "front"),
        (-22.5, "front"),
        (np.nextafter(-22.5, -90), "front-right"),
        (157.5, "back"),
        (-157.5, "back-right"),
        (np.nextafter(180, 0), "back"),
    ],
)
def test_sides_are_45_degrees_wide_and_half_open(azimuth, word):
    assert SIDES.words_of(np.array([azimuth])) == [word]


@pytest.mark.parametrize(
    ("bins", "value", "word"),
    [
        (HEIGHTS, -90.0, "low angle"),
        (HEIGHTS, -15.0, "eye level"),
        (HEIGHTS, 15.0, "high angle"),
        (HEIGHTS, np.nextafter(60, 0), "high angle"),
        (HEIGHTS, 60.0, "overhead"),
        (FRAMINGS, 0.75, "medium"),
        (FRAMINGS, np.nextafter(0.75, 0), "close-up"),
        (FRAMINGS, 4 / 3, "wide"),
        (TILTS, 0.0, "upright"),
        (TILTS, 15.0, "tilted right"),
        (TILTS, -15.0, "upright"),
        (TILTS, 135.0, "upside down"),
        (TILTS, -180.0, "upside down"),
    ],
)
def test_every_border_begins_an_interval(bins, value, word):
    assert bins.words_of(np.array([value])) == [word]


def test_what_is_absent_has_no_word():
    for bins in ALL_BINS:
        assert bins.words_of(np.array([np.nan])) == [""]
        assert bins.index(np.array([np.nan])).tolist() == [-1]


def test_sectors_without_a_front_are_the_same_under_other_names():
    azimuth = np.random.default_rng(0).uniform(-180, 180, 500)
    neutral = neutral_sides()
    assert (neutral.index(azimuth) == SIDES.index(azimuth)).all()
    for value, word in zip(azimuth, neutral.words_of(azimuth), strict=True):
        middle = float(word.removeprefix("azimuth ").removesuffix("°"))
        assert abs((value - middle + 180) % 360 - 180) <= 22.5


def test_angles_of_the_circle_keep_their_bits_inside_it():
    inside = np.array([-180.0, np.nextafter(180, 0), 22.5, -0.1])
    assert (signed_deg(inside) == inside).all()
    assert signed_deg(np.array([180.0, 360.0, -190.0])).tolist() == [-180.0, 0.0, 170.0]


def test_bins_that_are_none_are_refused():
    with pytest.raises(ParameterError, match="2 borders need 3 words"):
        Bins((0.0, 1.0), ("a", "b"))
    with pytest.raises(ParameterError, match="ascend"):
        Bins((1.0, 1.0), ("a", "b", "c"))
