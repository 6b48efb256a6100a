"""Directions and their angles, against the textbook's formulas."""

import numpy as np
import pytest

from mtcm_pipeline.viewpoints.sphere import (
    angles_between_deg,
    azimuth_elevation_deg,
    azimuths_deg,
    elevations_deg,
    even_directions,
)


def random_units(count, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(count, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("sizes", [(7, 12), (12, 7), (1, 5), (0, 4), (4, 0)])
def test_angles_between_by_the_arccosine(sizes):
    a, b = (random_units(n, seed) for seed, n in enumerate(sizes))
    expected = np.degrees(np.arccos(a @ b.T))
    np.testing.assert_allclose(angles_between_deg(a, b), expected, atol=1e-6)


def test_small_angles_are_exact_where_the_arccosine_is_not():
    a = random_units(50)
    assert (np.diag(angles_between_deg(a, a)) == 0).all()
    turn_deg = 1e-6
    east = np.array([[1.0, 0.0, 0.0]])
    turned = np.array([[np.cos(np.radians(turn_deg)), np.radians(turn_deg), 0.0]])
    assert angles_between_deg(east, turned)[0, 0] == pytest.approx(turn_deg, rel=1e-6)


def test_azimuth_and_elevation_make_the_direction_again():
    directions = even_directions(200)
    azimuth, elevation = np.radians(azimuth_elevation_deg(directions))
    level = np.cos(elevation)
    again = np.stack(
        [level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)], axis=1
    )
    np.testing.assert_allclose(again, directions, atol=1e-12)
    np.testing.assert_allclose(elevations_deg(directions), np.degrees(elevation))


def test_azimuths_are_unknown_within_two_degrees_of_the_poles_only():
    polar = np.radians([0.0, 1.9, 2.1, 177.9, 178.1])
    vectors = np.stack([np.sin(polar), 0 * polar, np.cos(polar)], axis=1)
    unknown = np.isnan(azimuths_deg(vectors))
    assert unknown.tolist() == [True, True, False, False, True]
    assert np.isnan(azimuths_deg(np.full((1, 3), np.nan))).all()
