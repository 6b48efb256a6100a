"""Poses from matched features, on points that are known exactly."""

from __future__ import annotations

import numpy as np
import pytest
from tuning_cases import VIEWS

from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.tuning.matched_poses import matched_poses
from mtcm_pipeline.tuning.matches import Shared, _Pairs, chained_starts, pose_from_matches
from mtcm_pipeline.tuning.options import TuningOptions
from mtcm_pipeline.tuning.registration import carried
from mtcm_pipeline.tuning.rigid import pose_distance, rigid_from_twist
from mtcm_pipeline.twoview.epipolar import essential_matrix, sampson_errors

FOCAL_PX = 420.0
TRUE = {view.name: view.cam_from_world for view in VIEWS.views}
NAMES = list(TRUE)
OPTIONS = TuningOptions()


def shared_points(
    poses=TRUE, noise_px: float = 0.3, outliers: float = 0.1, seed: int = 0
):
    """What frames share with their four neighbours, seen from where they truly stand."""
    rng = np.random.default_rng(seed)
    points = 0.3 * rng.normal(size=(60, 3))
    seen = {}
    for name, pose in poses.items():
        in_cam = points @ pose[:3, :3].T + pose[:3, 3]
        noise = noise_px / FOCAL_PX * rng.normal(size=(60, 2))
        seen[name] = in_cam[:, :2] / in_cam[:, 2:] + noise
        wrong = rng.random(60) < outliers
        seen[name][wrong] += rng.normal(size=(int(wrong.sum()), 2)) * 0.1
    matches = {}
    for i, name in enumerate(NAMES):
        matches[name] = []
        for j in (i - 2, i - 1, i + 1, i + 2):
            other = NAMES[j % len(NAMES)]
            relative = poses[name] @ invert_rigid(poses[other])
            relative[:3, 3] /= np.linalg.norm(relative[:3, 3])
            matches[name].append(
                Shared(other, seen[name], seen[other], FOCAL_PX, relative)
            )
    return matches


@pytest.mark.parametrize("degrees", [2.0, 8.0])
def test_a_wrong_pose_is_put_right_to_a_tenth_of_a_degree(degrees):
    name = NAMES[5]
    wrong = carried(TRUE[name], 1, degrees, 1.0)
    found = pose_from_matches(shared_points()[name], TRUE, [wrong])
    assert found is not None
    angle, distance = pose_distance(found.belief.cam_from_world, TRUE[name])
    assert angle < 0.15
    assert distance < 0.003
    assert found.partners == 4
    assert found.agreeing > 0.7


def test_residuals_are_sampson_distances_and_slopes_their_differences():
    name, others = NAMES[3], {NAMES[1]: TRUE[NAMES[1]], NAMES[4]: TRUE[NAMES[4]]}
    shared = [s for s in shared_points(outliers=0.0)[name] if s.other in others]
    pairs = _Pairs(shared, others)
    pose = carried(TRUE[name], 0, 0.2, 1.0)
    here, slopes = pairs.system(pose)
    expected = []
    for each in shared:
        relative = pose @ invert_rigid(others[each.other])
        essential = essential_matrix(relative)
        expected.append(sampson_errors(essential, each.xy_other, each.xy) * FOCAL_PX)
    assert np.abs(here) == pytest.approx(np.concatenate(expected), rel=1e-6)
    for column in range(6):
        step = np.zeros(6)
        step[column] = 1e-6
        ahead = pairs.system(rigid_from_twist(step) @ pose)[0]
        assert (ahead - here) / 1e-6 == pytest.approx(
            slopes[:, column], rel=1e-3, abs=0.1
        )


def test_chained_starts_lead_back_from_the_far_side():
    name = NAMES[5]
    others = {n: pose for n, pose in TRUE.items() if n != name}
    shared = shared_points()[name]
    starts = [TRUE[NAMES[12]], *chained_starts(shared, others)]
    found = pose_from_matches(shared, others, starts)
    assert found is not None
    assert pose_distance(found.belief.cam_from_world, TRUE[name])[0] < 0.15


def test_one_partner_is_too_few():
    name = NAMES[5]
    only = {NAMES[6]: TRUE[NAMES[6]]}
    assert pose_from_matches(shared_points()[name], only, [TRUE[name]]) is None
    assert pose_from_matches([], TRUE, [TRUE[name]]) is None


def test_a_trusted_frame_that_stands_out_is_found_and_put_right():
    given = dict(TRUE)
    bad = NAMES[8]
    given[bad] = carried(TRUE[bad], 1, 2.5, 1.0)
    found = matched_poses(given, NAMES, shared_points(), OPTIONS, {})
    assert found.suspicious == {bad}
    refined = found.found[bad].belief.cam_from_world
    assert pose_distance(refined, TRUE[bad])[0] < 0.2


def test_a_large_correction_from_weak_geometry_is_no_suspicion():
    """Two partners in nearly one place leave the camera free to swing about them."""
    name = NAMES[8]
    near = {NAMES[7], NAMES[9]}
    matches = shared_points(noise_px=0.6)
    poses = dict(TRUE)
    few = [s for s in matches[name] if s.other in near]
    short = [
        Shared(s.other, s.xy[:12], s.xy_other[:12], FOCAL_PX, s.from_other) for s in few
    ]
    weak = matched_poses(poses, NAMES, matches | {name: short}, OPTIONS, {})
    asked = weak.found[name].belief
    assert pose_distance(asked.cam_from_world, TRUE[name])[0] > OPTIONS.suspicious_deg
    assert name not in weak.suspicious


def test_nothing_stands_out_of_a_clean_capture():
    found = matched_poses(TRUE, NAMES, shared_points(), OPTIONS, {})
    assert not found.suspicious
    assert set(found.found) == set(NAMES)


def test_calibrated_information_is_honest_about_the_noise():
    """Squared Mahalanobis distances of what is found are about six."""
    squares = []
    for seed in range(6):
        found = matched_poses(TRUE, NAMES, shared_points(seed=seed), OPTIONS, {})
        squares += [2 * found.found[n].belief.cost(TRUE[n]) for n in NAMES]
    assert 3.0 < np.median(squares) < 9.0
