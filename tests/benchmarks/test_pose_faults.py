import numpy as np
import pytest

from mtcm_pipeline.benchmarks.pose_faults import (
    FAULT_KINDS,
    far_pairs,
    few_of,
    rotation_by,
    spoil,
)
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.tokens.gauge import axes_intersection
from synthetic import orbit_cameras

ORBIT = orbit_cameras(60)
OBJECT = axes_intersection(ORBIT.centres_xyz, ORBIT.viewing_directions)


def turns_in_the_world(spoilt) -> np.ndarray:
    """(N, 3, 3) by which rotation each frame was carried."""
    old, new = ORBIT.world_from_cam[:, :3, :3], spoilt.cameras.world_from_cam[:, :3, :3]
    return new @ np.swapaxes(old, 1, 2)


def angles_deg(rotations: np.ndarray) -> np.ndarray:
    """By the trace: tr R = 1 + 2 cos(angle)."""
    trace = np.trace(rotations, axis1=1, axis2=2)
    return np.degrees(np.arccos(np.clip((trace - 1) / 2, -1, 1)))


def rows_with(spoilt, fault: str) -> list[int]:
    return [row for row, known in enumerate(spoilt.faults) if known == fault]


@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_only_the_frames_named_are_spoilt_and_nothing_is_mutated(kind):
    before = ORBIT.cam_from_world.copy()
    spoilt = spoil(ORBIT, kind, seed=1)
    assert (ORBIT.cam_from_world == before).all()
    changed = ~np.isclose(spoilt.cameras.cam_from_world, before).all(axis=(1, 2))
    assert (changed == spoilt.bad).all()
    assert spoilt.cameras.names == ORBIT.names
    assert spoilt.cameras.camera_ids == ORBIT.camera_ids


@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_a_seed_always_does_the_same_and_another_does_not(kind):
    first, again, other = (spoil(ORBIT, kind, seed) for seed in (4, 4, 5))
    assert first.faults == again.faults
    assert (first.cameras.cam_from_world == again.cameras.cam_from_world).all()
    assert not np.allclose(first.cameras.cam_from_world, other.cameras.cam_from_world)


@pytest.mark.parametrize(
    ("kind", "count", "low", "high"), [("gross", 6, 20, 40), ("subtle", 6, 3, 8)]
)
@pytest.mark.parametrize("seed", range(4))
def test_a_carried_camera_turns_by_the_angle_and_keeps_its_distance(
    kind, count, low, high, seed
):
    spoilt = spoil(ORBIT, kind, seed)
    rows = rows_with(spoilt, kind)
    assert len(rows) == count == spoilt.bad.sum()
    angles = angles_deg(turns_in_the_world(spoilt)[rows])
    assert (angles >= low).all() and (angles <= high).all()
    assert len(set(angles.round(3))) == count
    distance = [
        np.linalg.norm(cameras.centres_xyz[rows] - OBJECT, axis=1)
        for cameras in (ORBIT, spoilt.cameras)
    ]
    np.testing.assert_allclose(*distance)


def test_the_object_is_seen_at_the_same_place_by_a_carried_camera():
    spoilt = spoil(ORBIT, "gross", seed=0)
    point = np.append(OBJECT, 1.0)
    np.testing.assert_allclose(
        spoilt.cameras.cam_from_world @ point, ORBIT.cam_from_world @ point, atol=1e-9
    )


@pytest.mark.parametrize("seed", range(4))
def test_swapped_frames_have_each_others_pose_and_are_far_apart(seed):
    spoilt = spoil(ORBIT, "swapped", seed)
    rows = rows_with(spoilt, "swapped")
    assert len(rows) == 6
    bearings = ORBIT.centres_xyz - OBJECT
    bearings /= np.linalg.norm(bearings, axis=1, keepdims=True)
    for row in rows:
        same = np.isclose(ORBIT.cam_from_world, spoilt.cameras.pose_of(ORBIT.names[row]))
        (partner,) = np.flatnonzero(same.all(axis=(1, 2)))
        assert partner != row and partner in rows
        np.testing.assert_allclose(
            spoilt.cameras.cam_from_world[partner], ORBIT.cam_from_world[row]
        )
        apart = np.degrees(np.arccos(bearings[row] @ bearings[partner]))
        assert apart >= 10


@pytest.mark.parametrize(
    ("kind", "swapped", "gross", "subtle"),
    [("mixed_30", 6, 6, 6), ("mixed_45", 8, 9, 10)],
)
def test_mixed_faults_are_a_third_of_each(kind, swapped, gross, subtle):
    spoilt = spoil(ORBIT, kind, seed=0)
    counts = [len(rows_with(spoilt, k)) for k in ("swapped", "gross", "subtle")]
    assert counts == [swapped, gross, subtle]  # of 18 and of 27 in all
    turned = angles_deg(turns_in_the_world(spoilt))
    assert (turned[rows_with(spoilt, "gross")] >= 20).all()
    assert (turned[rows_with(spoilt, "subtle")] <= 8).all()


@pytest.mark.parametrize("seed", range(4))
def test_a_block_is_contiguous_and_carried_by_one_rotation_of_five_degrees(seed):
    spoilt = spoil(ORBIT, "block", seed)
    rows = rows_with(spoilt, "block")
    assert rows == list(range(rows[0], rows[0] + 12))  # 20 % of 60
    turns = turns_in_the_world(spoilt)[rows]
    np.testing.assert_allclose(angles_deg(turns), 5.0, atol=1e-6)
    np.testing.assert_allclose(turns, np.broadcast_to(turns[0], turns.shape), atol=1e-12)
    old, new = ORBIT.cam_from_world[rows], spoilt.cameras.cam_from_world[rows]
    np.testing.assert_allclose(
        new[1:] @ np.linalg.inv(new[:-1]), old[1:] @ np.linalg.inv(old[:-1]), atol=1e-9
    )


def test_a_few_are_a_tenth_between_five_and_ten():
    assert [few_of(n) for n in (12, 44, 50, 66, 100, 300)] == [5, 5, 5, 7, 10, 10]


def test_a_rotation_has_its_angle():
    angles = [rotation_by(33.0, np.random.default_rng(seed)) for seed in range(5)]
    np.testing.assert_allclose(angles_deg(np.array(angles)), 33.0)


def test_captures_that_cannot_be_spoilt_say_why():
    with pytest.raises(CaptureError, match="8 frames have a pose"):
        spoil(orbit_cameras(8), "gross", 0)
    together = np.tile([1.0, 0.0, 0.0], (20, 1))
    with pytest.raises(CaptureError, match="0 of 3 pairs"):
        far_pairs(together, 3, 10.0, np.random.default_rng(0))
