"""Twists against scipy and by hand, and the gauge."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.spatial.transform import Rotation

from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.tuning.rigid import (
    common_motions,
    corrections_deg,
    cross_matrix,
    pose_distance,
    rigid_from_twist,
    turned_deg,
    twist_from_rigid,
    without_common_motion,
)

RNG = np.random.default_rng(4)


def some_poses(count: int) -> np.ndarray:
    poses = np.tile(np.eye(4), (count, 1, 1))
    poses[:, :3, :3] = Rotation.random(count, random_state=1).as_matrix()
    poses[:, :3, 3] = RNG.normal(size=(count, 3))
    return poses


@pytest.mark.parametrize("size", [0.0, 1e-9, 1e-3, 0.4, 2.9])
def test_the_exponential_is_the_matrix_exponential_and_comes_back(size):
    turn = RNG.normal(size=3)
    twist = np.concatenate([size * turn / np.linalg.norm(turn), RNG.normal(size=3)])
    generator = np.zeros((4, 4))
    generator[:3, :3], generator[:3, 3] = cross_matrix(twist[:3]), twist[3:]
    moved = rigid_from_twist(twist)
    assert moved == pytest.approx(expm(generator), abs=1e-9)
    assert twist_from_rigid(moved) == pytest.approx(twist, abs=1e-7)


def test_distance_of_poses_by_hand():
    first, second = np.eye(4), np.eye(4)
    second[:3, :3] = Rotation.from_euler("y", 7, degrees=True).as_matrix()
    second[:3, 3] = -second[:3, :3] @ np.array([0.3, 0.0, 0.4])
    assert pose_distance(first, second) == pytest.approx((7.0, 0.5))
    shifted = np.eye(4)
    shifted[0, 3] = 0.01
    # 0.5 is an angle of 28.6 degrees at distance 1, 0.01 one of 0.573.
    sizes = corrections_deg(np.stack([first, first]), np.stack([second, shifted]))
    assert sizes == pytest.approx([28.648, 0.573], abs=1e-3)


@pytest.mark.parametrize("angle_deg", [0.0, 1e-6, 0.3, 89.0, 179.9])
def test_the_angle_of_a_turn_is_scipys(angle_deg):
    first = some_poses(6)[:, :3, :3]
    axis = RNG.normal(size=3)
    turn = Rotation.from_rotvec(angle_deg * axis / np.linalg.norm(axis), degrees=True)
    found = turned_deg(first, first @ turn.as_matrix())
    assert found == pytest.approx(np.full(6, angle_deg), abs=1e-5)


def test_many_poses_at_once_are_the_same_as_one_by_one():
    first, second = some_poses(6), some_poses(6)[::-1]
    pairs = [pose_distance(a, b) for a, b in zip(first, second, strict=True)]
    sizes = [max(angle, np.degrees(far)) for angle, far in pairs]
    assert corrections_deg(first, second) == pytest.approx(sizes)
    motions = (first @ invert_rigid(second)).reshape(2, 3, 4, 4)
    twists = [[twist_from_rigid(each) for each in row] for row in motions]
    assert twist_from_rigid(motions) == pytest.approx(np.array(twists), abs=1e-12)
    weights = RNG.random((6, 6))
    alone = [
        without_common_motion(first, second, row)[number]
        for number, row in enumerate(weights)
    ]
    together = common_motions(first, second, weights).taken_off(first)
    assert together == pytest.approx(np.stack(alone), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("scale", [1.0, 1.07])
def test_a_common_motion_is_taken_off_whole(scale):
    given = some_poses(9)
    motion = Similarity(
        scale, Rotation.from_euler("xyz", [4, -9, 2], degrees=True).as_matrix(),
        np.array([0.2, 0.1, -0.4]),
    )  # fmt: skip
    back = without_common_motion(motion.cam_from_world(given), given, np.ones(9))
    assert back == pytest.approx(given, abs=1e-9)


def test_what_single_cameras_do_is_left_and_views_without_weight_do_not_count():
    given = some_poses(9)
    refined = given.copy()
    refined[4] = rigid_from_twist(np.array([0.3, 0, 0, 0, 0.5, 0])) @ given[4]
    weights = np.ones(9)
    weights[4] = 0.0
    assert without_common_motion(refined, given, weights) == pytest.approx(refined)


def test_the_weighted_mean_correction_is_gone_afterwards():
    given = some_poses(12)
    twists = 0.02 * RNG.normal(size=(12, 6)) + [0.05, 0, 0, 0, 0.03, 0]
    # On the world's side, where a common motion is one twist for all.
    refined = np.stack(
        [g @ rigid_from_twist(t) for g, t in zip(given, twists, strict=True)]
    )
    weights = RNG.random(12)
    held = without_common_motion(refined, given, weights)
    turns = [
        twist_from_rigid(np.linalg.inv(g) @ h)[:3]
        for g, h in zip(given, held, strict=True)
    ]
    assert np.average(turns, axis=0, weights=weights) == pytest.approx(0, abs=1e-3)
    centres = [-pose[:, :3, :3].transpose(0, 2, 1) @ pose[:, :3, 3:] for pose in
               (held, given)]  # fmt: skip
    shift = np.average((centres[0] - centres[1])[..., 0], axis=0, weights=weights)
    assert shift == pytest.approx(0, abs=1e-9)
