"""Wrong poses are found by matches and put right, alone and in blocks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matched_points import NAMES, POINTS, TRUE, poses_by, seen_by, shared_points
from scipy.spatial.transform import Rotation

from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.tuning.bundle import bundle_adjusted, resected
from mtcm_pipeline.tuning.matched_poses import CERTAIN_AGREEING
from mtcm_pipeline.tuning.matches import Tracks, tracks_of
from mtcm_pipeline.tuning.options import TuningOptions
from mtcm_pipeline.tuning.registration import carried
from mtcm_pipeline.tuning.rigid import pose_distance, rigid_from_twist

OPTIONS = TuningOptions()
BLOCK = NAMES[6:11]
# A turn about the axis of the ring and a lift.
UPWARDS = np.array([0.0, 0.0, 1.0, 0.0, 0.0, 0.7])


def with_carried(names, degrees=2.5) -> dict[str, np.ndarray]:
    return TRUE | {name: carried(TRUE[name], 1, degrees, 1.0) for name in names}


def off_deg(found, name) -> float:
    return pose_distance(found.found[name].belief.cam_from_world, TRUE[name])[0]


def test_a_trusted_frame_that_stands_out_is_found_and_put_right():
    bad = NAMES[8]
    found = poses_by(with_carried([bad]), NAMES, shared_points(), OPTIONS)
    assert found.suspicious == {bad}
    assert set(found.found) == {bad}
    assert off_deg(found, bad) < 0.1
    assert found.found[bad].agreeing > CERTAIN_AGREEING


def test_a_fifth_of_the_frames_may_be_wrong_and_nobody_need_have_noticed():
    bad = set(NAMES[1::5])
    found = poses_by(with_carried(bad, 1.0), NAMES, shared_points(), OPTIONS)
    assert found.suspicious == bad
    assert max(off_deg(found, name) for name in bad) < 0.1


def test_a_block_that_moved_together_comes_back_with_its_inside():
    trusted = [name for name in NAMES if name not in BLOCK]
    found = poses_by(with_carried(BLOCK, 5.0), trusted, shared_points(), OPTIONS)
    assert set(found.found) == set(BLOCK)
    assert not found.suspicious
    # The middle of the block shares nothing with any trusted frame.
    assert max(off_deg(found, name) for name in BLOCK) < 0.1


def test_a_wrong_frame_in_a_bent_row_is_found_and_the_bend_is_nobodys_fault():
    around = 2 * np.pi * np.arange(len(NAMES)) / len(NAMES)
    given = {
        name: TRUE[name] @ rigid_from_twist(np.radians(np.sin(a)) * UPWARDS)
        for name, a in zip(NAMES, around, strict=True)
    }
    assert not poses_by(given, NAMES, shared_points(), OPTIONS).suspicious
    bad = NAMES[8]
    given[bad] = carried(given[bad], 1, 2.0, 1.0)
    assert poses_by(given, NAMES, shared_points(), OPTIONS).suspicious == {bad}


def test_a_pose_from_the_far_side_comes_back():
    given = TRUE | {NAMES[5]: TRUE[NAMES[17]]}
    trusted = [name for name in NAMES if name != NAMES[5]]
    found = poses_by(given, trusted, shared_points(), OPTIONS)
    assert off_deg(found, NAMES[5]) < 0.1


def test_nothing_stands_out_of_a_clean_capture():
    found = poses_by(TRUE, NAMES, shared_points(), OPTIONS)
    assert not found.suspicious
    assert not found.found


def test_a_frame_of_something_else_has_no_pose():
    rng = np.random.default_rng(3)
    foreign = NAMES[4]
    matches = {
        name: [
            replace(s, xy=rng.normal(size=s.xy.shape)) if name == foreign else s
            for s in shared
            if s.other != foreign
        ]
        for name, shared in shared_points().items()
    }
    trusted = [name for name in NAMES if name != foreign]
    assert foreign not in poses_by(TRUE, trusted, matches, OPTIONS).found


def with_few_noisy_features(name: str, noise_px: float, count: int, seed: int = 0):
    """Matches of which the frame has so few, and sees them so badly."""
    noise = noise_px / 420 * np.random.default_rng(seed).normal(size=(count, 2))

    def cut(each, s):
        if name not in (each, s.other):
            return s
        here = noise if each == name else 0
        there = noise if s.other == name else 0
        return replace(s, xy=s.xy[:count] + here, xy_other=s.xy_other[:count] + there)

    found = shared_points(outliers=0.0)
    return {each: [cut(each, s) for s in shared] for each, shared in found.items()}


def test_a_large_correction_from_weak_geometry_is_no_suspicion():
    name = NAMES[8]
    weak = with_few_noisy_features(name, 1.5, 12)
    others = [each for each in NAMES if each != name]
    asked = poses_by(TRUE, others, weak, OPTIONS)
    assert off_deg(asked, name) > OPTIONS.suspicious_deg
    assert name not in poses_by(TRUE, NAMES, weak, OPTIONS).suspicious
    # As large a correction, asked for by a frame that sees sixty points, is one.
    wrong = with_carried([name], off_deg(asked, name))
    assert poses_by(wrong, NAMES, shared_points(), OPTIONS).suspicious == {name}


def test_a_handful_of_features_says_nothing():
    few = with_few_noisy_features(NAMES[8], 3.0, 8)
    assert not poses_by(TRUE, NAMES, few, OPTIONS).suspicious


def test_nobody_to_ask_is_no_answer():
    assert not poses_by(TRUE, NAMES, {}, OPTIONS).found
    assert not poses_by(TRUE, NAMES[:3], shared_points(), OPTIONS).found


def test_another_world_gives_the_same_answer():
    bad = NAMES[8]
    given = with_carried([bad])
    world = Similarity(
        1.0, Rotation.from_euler("xyz", [20, -70, 5], degrees=True).as_matrix(),
        np.array([0.3, -2.0, 1.0]),
    )  # fmt: skip
    turned = dict(zip(given, world.cam_from_world(np.stack(list(given.values()))),
                      strict=True))  # fmt: skip
    here = poses_by(given, NAMES, shared_points(), OPTIONS)
    there = poses_by(turned, NAMES, shared_points(), OPTIONS)
    assert there.suspicious == here.suspicious
    back = world.inverse().cam_from_world(there.found[bad].belief.cam_from_world[None])[0]
    assert back == pytest.approx(here.found[bad].belief.cam_from_world, abs=1e-4)


def all_seen() -> tuple[Tracks, np.ndarray]:
    """Every point by every frame, without noise."""
    v, p = len(NAMES), len(POINTS)
    xy = np.concatenate([seen_by(pose) for pose in TRUE.values()])
    frame, point = np.repeat(np.arange(v), p), np.tile(np.arange(p), v)
    return Tracks(frame, point, xy, v, p, 420.0), np.stack(list(TRUE.values()))


def test_held_frames_stay_to_the_last_digit_and_the_others_settle():
    tracks, poses = all_seen()
    wrong = poses.copy()
    wrong[[2, 3]] = [carried(poses[row], 0, 4.0, 1.0) for row in (2, 3)]
    held = ~np.isin(np.arange(len(poses)), (2, 3))
    rough = POINTS + 0.01 * np.random.default_rng(0).normal(size=POINTS.shape)
    found, xyz = bundle_adjusted(tracks, wrong, rough, held, soft_px=1.0, iterations=50)
    assert np.array_equal(found[held], poses[held])
    assert found == pytest.approx(poses, abs=1e-4)
    assert xyz == pytest.approx(POINTS, abs=1e-4)


def test_a_frame_is_placed_by_points_and_by_too_few_not():
    tracks, poses = all_seen()
    known = np.ones(len(POINTS), bool)
    known[:10] = False
    pose, agreeing = resected(7, tracks, POINTS, known)
    assert pose == pytest.approx(poses[7], abs=1e-5)
    assert agreeing == 1.0
    assert resected(7, tracks, POINTS, np.arange(len(POINTS)) < 11) is None


def test_tracks_of_the_shared_points_are_few_and_long():
    tracks = tracks_of(shared_points(outliers=0.0), NAMES)
    assert tracks.points == len(POINTS)


def test_a_doubted_frame_that_stands_where_it_should_is_confirmed():
    right, wrong = NAMES[4], NAMES[12]
    trusted = [name for name in NAMES if name not in (right, wrong)]
    found = poses_by(with_carried([wrong], 1.0), trusted, shared_points(), OPTIONS)
    assert found.confirmed == {right}
    assert not poses_by(TRUE, NAMES, shared_points(), OPTIONS).confirmed


def test_trusted_frames_that_matches_see_and_leave_alone_are_uncontradicted():
    wrong, unseen, doubted = NAMES[4], NAMES[12], NAMES[18]
    matches = {
        name: [] if name == unseen else [s for s in shared if s.other != unseen]
        for name, shared in shared_points().items()
    }
    trusted = [name for name in NAMES if name != doubted]
    found = poses_by(with_carried([wrong], 1.0), trusted, matches, OPTIONS)
    assert found.suspicious == {wrong}
    assert found.uncontradicted == set(NAMES) - {wrong, unseen, doubted}


def test_frames_that_moved_together_do_not_confirm_each_other():
    trusted = [name for name in NAMES if name not in BLOCK]
    found = poses_by(with_carried(BLOCK, 2.0), trusted, shared_points(), OPTIONS)
    assert not found.confirmed


def test_a_slight_bend_of_all_given_poses_does_not_stand_against_a_frame():
    around = 2 * np.pi * np.arange(len(NAMES)) / len(NAMES)
    given = {
        name: TRUE[name] @ rigid_from_twist(np.radians(0.4 * np.sin(a)) * UPWARDS)
        for name, a in zip(NAMES, around, strict=True)
    }
    doubted = NAMES[8]
    trusted = [name for name in NAMES if name != doubted]
    found = poses_by(given, trusted, shared_points(), OPTIONS)
    assert found.confirmed == {doubted}
