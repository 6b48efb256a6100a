"""The walk around the subject against arithmetic."""

import numpy as np
import pytest

from mtcm_pipeline.sample.faults import FAULT_KINDS, plan_faults
from mtcm_pipeline.sample.options import SampleOptions
from mtcm_pipeline.sample.path import (
    SUBJECT_CENTRE,
    angles_of,
    centre_at,
    free_arcs,
    handheld_path,
    look_at,
)


def test_free_arcs_by_hand():
    assert free_arcs(()) == [(-180.0, 180.0)]
    # Gaps 160..210 and 54..78: from 210 to 54 + 360, then from 78 + 360 to 160 + 360.
    assert free_arcs(((-175.0, 50.0), (66.0, 24.0))) == [(-150.0, 54.0), (78.0, 160.0)]


def test_overlapping_gaps_join():
    assert free_arcs(((0.0, 40.0), (30.0, 40.0))) == [(50.0, 340.0)]


def test_angles_round_trip_and_point_the_right_way():
    azimuth, elevation = np.array([0.0, 90.0, -135.0]), np.array([0.0, 30.0, -10.0])
    centres = centre_at(azimuth, elevation, np.array([1.0, 2.0, 0.5]))
    np.testing.assert_allclose(centres[0] - SUBJECT_CENTRE, [0, 0, 1], atol=1e-12)
    assert centres[1, 0] == pytest.approx(SUBJECT_CENTRE[0] + 2 * np.cos(np.pi / 6))
    again = angles_of(centres)
    np.testing.assert_allclose(again, [azimuth, elevation, [1, 2, 0.5]], atol=1e-9)


def test_look_at_puts_the_target_ahead_and_up_on_top():
    centre, target = np.array([0.4, 0.3, 0.9]), np.array([0.0, -0.1, 0.0])
    pose = look_at(centre, target)
    np.testing.assert_allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-12)
    assert np.linalg.det(pose[:3, :3]) == pytest.approx(1)
    x, y, z = pose[:3, :3] @ target + pose[:3, 3]
    assert (x, y) == pytest.approx((0, 0), abs=1e-12)
    assert z == pytest.approx(np.linalg.norm(target - centre))
    above = pose[:3, :3] @ (target + np.array([0, 0.1, 0])) + pose[:3, 3]
    assert above[1] < 0 and above[0] == pytest.approx(0, abs=1e-12)  # y points down


@pytest.mark.parametrize("seed", range(5))
def test_the_walk_keeps_out_of_gaps_and_off_the_furniture(seed):
    options = SampleOptions(seed=seed, frames=80)
    path = handheld_path(options, 80, np.random.default_rng(seed))
    centres = -np.einsum(
        "nji,nj->ni", path.cam_from_subject[:, :3, :3], path.cam_from_subject[:, :3, 3]
    )
    azimuth, elevation, distance = angles_of(centres)
    for centre, width in options.gaps_deg:
        assert (np.abs((azimuth - centre + 180) % 360 - 180) >= width / 2 - 1e-6).all()
    assert (distance > 0.6).all() and (distance < 1.35).all()
    assert (elevation[:56] < 20).all() and (elevation[56:] > 22).all()
    assert (np.diff(path.seconds) > 0).all()


@pytest.mark.parametrize("frames", [12, 13, 16, 64, 500])
@pytest.mark.parametrize("seed", range(8))
def test_every_fault_has_its_frame_and_originals_are_clean(frames, seed):
    plan = plan_faults(frames, np.random.default_rng(seed))
    assert sorted(plan.kinds.values()) == sorted(FAULT_KINDS)
    assert all(0 <= row < frames for row in plan.kinds)
    (duplicate,) = plan.rows("duplicate")
    assert duplicate > 0 and duplicate - 1 not in plan.kinds
