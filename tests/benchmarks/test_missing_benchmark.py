"""Hidden parts and rivals of the missing-view benchmark, against what can be counted."""

from __future__ import annotations

import numpy as np
import pytest

from mtcm_pipeline.benchmarks.missing_benchmark import (
    COUNTS,
    KINDS,
    WAYS,
    Rest,
    hidden_part,
    largest_empty_caps,
    measure,
)
from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.missing.sphere import azimuth_elevation_deg


def bearings(azimuth_deg, elevation_deg):
    a, e = np.radians(azimuth_deg), np.radians(elevation_deg)
    return np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)], axis=1)


AZIMUTH = np.tile(np.arange(0.0, 360.0, 15.0), 2)
TWO_RINGS = bearings(AZIMUTH, np.repeat([5.0, 35.0], 24))


@pytest.mark.parametrize("seed", range(5))
def test_a_hidden_sector_is_an_arc_of_30_to_90_degrees(seed):
    hidden = hidden_part(TWO_RINGS, "azimuth", np.random.default_rng(seed))
    arc = np.unique(np.round(AZIMUTH[hidden]))
    gaps = np.diff(np.append(np.sort(arc), np.sort(arc)[0] + 360.0))
    assert 360.0 - gaps.max() <= 90.0
    assert hidden.sum() >= 3
    # Both rings lose the same azimuths.
    np.testing.assert_array_equal(hidden[:24], hidden[24:])


def test_hidden_rings_are_the_highest_and_the_lowest():
    lifted = bearings(AZIMUTH, np.linspace(-20.0, 60.0, 48))
    for kind, better in (("high", np.greater), ("low", np.less)):
        hidden = hidden_part(lifted, kind, np.random.default_rng(0))
        _, elevation = azimuth_elevation_deg(lifted)
        assert better(elevation[hidden][:, None], elevation[~hidden]).all()
        assert 0.1 < hidden.mean() < 0.4


def test_the_largest_empty_cap_is_the_middle_of_the_only_gap():
    azimuths = np.array([a for a in range(0, 360, 10) if not 90 < a < 190])
    ring = bearings(azimuths, np.zeros(len(azimuths)))
    rest = Rest(ring, 2.0 * ring, -ring)
    found = largest_empty_caps(rest, 1, np.random.default_rng(0))
    azimuth, elevation = azimuth_elevation_deg(found)
    assert azimuth[0] == pytest.approx(140, abs=4)
    assert abs(elevation[0]) <= 6


def test_every_way_is_measured_the_same_number_of_times():
    poses = []
    for place in 3.0 * TWO_RINGS:
        forward = -place / np.linalg.norm(place)
        right = np.cross(forward, [0.0, 0.0, 1.0])
        right /= np.linalg.norm(right)
        pose = np.eye(4)
        pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
        pose[:3, 3] = place
        poses.append(pose)
    names = tuple(f"f{k:02d}.jpg" for k in range(len(poses)))
    camera = {1: Camera("PINHOLE", 40, 30, (40.0, 40.0, 20.0, 15.0))}
    cameras = PosedCameras(names, invert_rigid(np.array(poses)), (1,) * 48, camera)
    rows = list(measure(cameras, "rings", 1))
    assert len(rows) == len(KINDS) * len(WAYS) * len(COUNTS)
    for row in rows:
        assert row.nearest_deg <= row.mean_deg
        assert (row.near_share > 0) == (row.nearest_deg < 15.0)
        if row.proposals == 1 or row.way == "repeat the last pose":
            assert row.nearest_deg == row.mean_deg
