import numpy as np
import pytest
from rigs import UP, rig
from scipy.spatial.transform import Rotation

from mtcm_pipeline.tokens.gauge import canonical_gauge
from mtcm_pipeline.viewpoints.level import (
    camera_up,
    level_up,
    on_their_side,
    turn_to_level,
)


def rights(cameras):
    return cameras.world_from_cam[:, :3, 0]


def off_deg(a, b):
    return np.degrees(2 * np.arcsin(np.linalg.norm(a - b) / 2))


@pytest.mark.parametrize("span", [360, 200, 90])
def test_level_cameras_give_up_whatever_they_look_down_on(span):
    """Half an orbit that looks down: the mean of the up vectors is many degrees off."""
    cameras = rig(np.linspace(0, span, 30, endpoint=False), 40)
    mean = cameras.up_directions.mean(axis=0)
    mean /= np.linalg.norm(mean)
    found = level_up(rights(cameras), mean)
    assert off_deg(found, UP) < 1.0
    assert span == 360 or off_deg(mean, UP) > 15.0


def test_a_few_cameras_turned_by_hand_do_not_tilt_it():
    roll = np.zeros(30)
    roll[::5] = 90.0
    cameras = rig(np.linspace(0, 300, 30), 20, roll_deg=roll)
    assert off_deg(level_up(rights(cameras), UP), UP) < 0.5


def test_cameras_that_all_look_one_way_leave_it_to_the_given_direction():
    cameras = rig(np.full(10, 30.0), np.linspace(-20, 50, 10))
    given = Rotation.from_euler("y", 4, degrees=True).apply(UP)
    found = level_up(rights(cameras), given)
    # Tilt along the axes is corrected, but for the pull; tilt across them stays.
    right = rights(cameras)[0]
    across = given - (given @ right) * right
    assert abs(found @ right) < 1e-3
    assert off_deg(found, across / np.linalg.norm(across)) < 0.1


def test_it_turns_with_the_world_and_without_cameras_stays():
    cameras = rig(np.linspace(0, 250, 20), 30, roll_deg=np.linspace(-3, 3, 20))
    turn = Rotation.random(rng=np.random.default_rng(1)).as_matrix()
    here = level_up(rights(cameras), UP)
    assert np.allclose(level_up(rights(cameras) @ turn.T, turn @ UP), turn @ here)
    assert (level_up(np.full((3, 3), np.nan), UP) == UP).all()


@pytest.mark.parametrize("seed", range(4))
def test_the_turn_is_the_smallest_rotation_that_raises_up(seed):
    up = np.random.default_rng(seed).normal(size=3)
    up /= np.linalg.norm(up)
    turn = turn_to_level(up)
    assert np.allclose(turn @ up, UP)
    assert np.allclose(turn @ turn.T, np.eye(3)) and np.linalg.det(turn) > 0
    angle = np.degrees(Rotation.from_matrix(turn).magnitude())
    assert angle == pytest.approx(off_deg(up, UP))


def found_up(cameras):
    gauge = canonical_gauge(cameras)
    rotations = cameras.world_from_cam[:, :3, :3]
    offsets = cameras.centres_xyz - gauge.origin_xyz
    return camera_up(rotations, offsets, gauge.rotation[2])


@pytest.mark.parametrize("span", [360, 200, 90])
@pytest.mark.parametrize("turned", [90.0, -90.0])
def test_pictures_on_their_side_give_the_up_that_upright_ones_give(span, turned):
    """The frame of reference is the rig's own: only the pictures were turned."""
    rng = np.random.default_rng(span)
    azimuth, roll = np.linspace(0, span, 40, endpoint=False), rng.normal(0, 3, 40)
    elevation = 25 + 20 * np.sin(np.arange(40))
    cameras = rig(azimuth, elevation, roll_deg=turned + roll)
    upright = rig(azimuth, elevation, roll_deg=roll)
    assert on_their_side(cameras.world_from_cam[:, :3, :3])
    assert not on_their_side(upright.world_from_cam[:, :3, :3])
    assert off_deg(found_up(upright), UP) < 2.0
    assert off_deg(found_up(cameras), UP) < 2.0


def test_not_enough_to_tell_leaves_pictures_upright():
    every_way = Rotation.random(200, rng=np.random.default_rng(0)).as_matrix()
    narrow = rig(np.linspace(0, 15, 20), 30, roll_deg=90.0)  # the like of an upright fan
    half = rig(np.linspace(0, 300, 30), 30, roll_deg=np.tile([0.0, 90.0], 15))
    for rotations in (
        every_way,
        narrow.world_from_cam[:, :3, :3],
        half.world_from_cam[:, :3, :3],
        np.full((3, 3, 3), np.nan),
    ):
        assert not on_their_side(rotations)


def test_frames_without_a_pose_do_not_count():
    cameras = rig(np.linspace(0, 300, 30), 30, roll_deg=90.0)
    rotations, centres = cameras.world_from_cam[:, :3, :3].copy(), cameras.centres_xyz
    rotations[::3], offsets = (
        np.nan,
        np.where(np.arange(30)[:, None] % 3, centres, np.nan),
    )
    assert off_deg(camera_up(rotations, offsets, np.eye(3)[0]), UP) < 0.5
