import numpy as np
import pytest
from fault_captures import content, object_of, orbit_photos, small_orbit

from mtcm_pipeline.errors import CaptureError, ParameterError
from mtcm_pipeline.faults import plans
from mtcm_pipeline.faults.inject import impossible_kinds, inject, inject_poses
from mtcm_pipeline.faults.plan import KINDS, SEVERITIES, STRENGTHS, Fault, FaultPlan

ORBIT = orbit_photos(40)
OTHERS = (orbit_photos(14, seed=7, identity="another"),)
CENTRE = object_of(ORBIT.cameras)
EVERYTHING = FaultPlan(tuple(Fault(kind, 0.05, at_least=2) for kind in KINDS))


def angles_deg(rotations: np.ndarray) -> np.ndarray:
    """By the trace: tr R = 1 + 2 cos(angle)."""
    trace = np.trace(rotations, axis1=-2, axis2=-1)
    return np.degrees(np.arccos(np.clip((trace - 1) / 2, -1, 1)))


def turns_in_the_world(faulty) -> np.ndarray:
    """(N, 3, 3) by which rotation each frame was carried."""
    old = ORBIT.cameras.subset(faulty.photos.names).world_from_cam[:, :3, :3]
    new = faulty.photos.cameras.world_from_cam[:, :3, :3]
    return new @ np.swapaxes(old, 1, 2)


def spoilt(kind, strength="gross", seed=0, **settings):
    plan = FaultPlan((Fault(kind, strength=strength, at_least=4, **settings),))
    return inject(ORBIT, plan, seed, others=OTHERS)


def truth_of(faulty, kind):
    """The frames that a kind was put into, as the truth has them; there are some."""
    rows = list(faulty.truth[faulty.truth["kind"] == kind].itertuples())
    assert rows
    return rows


def rows_with(faulty, kind) -> list[int]:
    return np.flatnonzero(faulty.truth["kind"] == kind).tolist()


@pytest.mark.parametrize("strength", STRENGTHS)
@pytest.mark.parametrize("kind", KINDS)
def test_only_the_frames_in_the_truth_differ_and_nothing_given_is_mutated(kind, strength):
    before, foreign = content(ORBIT), content(OTHERS[0])
    faulty = spoilt(kind, strength)
    assert content(ORBIT) == before and content(OTHERS[0]) == foreign
    assert tuple(faulty.truth["name"]) == faulty.photos.names
    for row in faulty.truth.itertuples():
        assert (row.kind == "") == (row.strength == "") == np.isnan(row.severity)
        if row.name not in ORBIT.names:
            assert row.kind == "duplicate" and row.other in ORBIT.names
            continue
        changed = (
            (
                ORBIT.cameras.pose_of(row.name) != faulty.photos.cameras.pose_of(row.name)
            ).any(),
            (ORBIT.images[row.name] != faulty.photos.images[row.name]).any(),
            (ORBIT.masks[row.name] != faulty.photos.masks[row.name]).any(),
            ORBIT.seconds[row.name] != faulty.photos.seconds[row.name],
        )
        assert any(changed) == bool(row.kind)


@pytest.mark.parametrize("kind", KINDS)
def test_severities_lie_in_the_range_of_the_strength_or_the_given_one(kind):
    given = SEVERITIES["subtle"][kind]
    for strength, limits in (("gross", None), ("subtle", None), ("gross", given)):
        truth = spoilt(kind, strength, 1, severity=limits).truth
        low, high = limits or SEVERITIES[strength][kind]
        found = truth.loc[truth["kind"] == kind, "severity"].abs()
        if kind == "intruder":  # may be cut by the border
            assert (found > low / 2).all() and (found <= high * 1.1).all()
        elif kind == "mask":  # a coarse step may overshoot, an empty one is 1
            assert (found >= low - 1e-9).all()
        elif kind == "timestamp":  # whole places, at least two
            assert (found >= min(low, 2 / 40)).all() and (found <= high + 0.05).all()
        else:
            assert (found >= low - 1e-9).all() and (found <= high + 1e-9).all()


def test_the_same_seed_gives_the_same_bytes_and_another_does_not():
    first, again, other = (inject(ORBIT, EVERYTHING, s, others=OTHERS) for s in (4, 4, 5))
    assert content(first.photos) == content(again.photos)
    assert first.truth.equals(again.truth)
    assert content(first.photos) != content(other.photos)


def test_what_a_fault_does_to_a_frame_does_not_depend_on_the_rest_of_the_plan():
    together = inject(ORBIT, EVERYTHING, 3, others=OTHERS)
    known = together.truth.set_index("name")
    compared = 0
    for fault in EVERYTHING.faults:
        alone = inject(ORBIT, FaultPlan((fault,)), 3, others=OTHERS)
        for row in alone.truth.itertuples():
            if not row.kind or row.name not in known.index:
                continue
            if known.loc[row.name, "kind"] != row.kind:
                continue  # another fault has taken this frame
            assert known.loc[row.name, "severity"] == row.severity
            for pictures in ("images", "masks"):
                one, two = (
                    getattr(f.photos, pictures)[row.name] for f in (alone, together)
                )
                assert (one == two).all()
            poses = [f.photos.cameras.pose_of(row.name) for f in (alone, together)]
            assert (poses[0] == poses[1]).all()
            compared += 1
    assert compared >= len(KINDS)


def test_truth_counts_match_the_plan():
    truth = inject(ORBIT, EVERYTHING, 0, others=OTHERS).truth
    counts = truth["kind"].value_counts()
    assert all(counts[kind] == 2 for kind in KINDS)
    assert len(truth) == len(ORBIT) + 2  # two copies


@pytest.mark.parametrize("strength", STRENGTHS)
@pytest.mark.parametrize("seed", range(3))
def test_a_carried_camera_turns_by_its_severity_and_sees_the_object_at_its_place(
    strength, seed
):
    faulty = spoilt("rotation", strength, seed)
    rows = rows_with(faulty, "rotation")
    angles = angles_deg(turns_in_the_world(faulty))
    np.testing.assert_allclose(angles[rows], faulty.truth["severity"][rows], atol=1e-6)
    assert len(set(angles[rows].round(3))) == len(rows) == 4
    point = np.append(CENTRE, 1.0)
    np.testing.assert_allclose(
        faulty.photos.cameras.cam_from_world @ point,
        ORBIT.cameras.cam_from_world @ point,
        atol=1e-9,
    )


def test_a_shifted_camera_keeps_its_rotation_and_moves_by_its_severity():
    faulty = spoilt("translation")
    rows = rows_with(faulty, "translation")
    np.testing.assert_allclose(
        faulty.photos.cameras.cam_from_world[:, :3, :3],
        ORBIT.cameras.cam_from_world[:, :3, :3],
        atol=1e-12,
    )
    moved = np.linalg.norm(
        faulty.photos.cameras.centres_xyz - ORBIT.cameras.centres_xyz, axis=1
    )
    distance = np.median(np.linalg.norm(ORBIT.cameras.centres_xyz - CENTRE, axis=1))
    np.testing.assert_allclose(
        moved[rows], faulty.truth["severity"][rows] * distance, rtol=1e-9
    )


@pytest.mark.parametrize("seed", range(4))
def test_swapped_frames_have_exactly_each_others_pose_and_are_far_apart(seed):
    faulty = spoilt("swapped", seed=seed)
    bearings = ORBIT.cameras.centres_xyz - CENTRE
    bearings /= np.linalg.norm(bearings, axis=1, keepdims=True)
    row_of = {name: row for row, name in enumerate(ORBIT.names)}
    found = faulty.truth[faulty.truth["kind"] == "swapped"]
    assert len(found) == 4
    partners = dict(zip(found["name"], found["other"], strict=True))
    for row in found.itertuples():
        assert partners[row.other] == row.name
        new = faulty.photos.cameras.pose_of(row.name)
        assert (new == ORBIT.cameras.pose_of(row.other)).all()
        cosine = bearings[row_of[row.name]] @ bearings[row_of[row.other]]
        assert np.degrees(np.arccos(cosine)) == pytest.approx(row.severity)
        assert row.severity >= 10


@pytest.mark.parametrize("offset", [0.0, 0.25])
@pytest.mark.parametrize("seed", range(3))
def test_a_block_is_contiguous_and_moved_as_one_rigid_body(seed, offset):
    faulty = inject(ORBIT, plans.block(0.3, 7.0, offset), seed)
    rows = rows_with(faulty, "block")
    assert rows == list(range(rows[0], rows[0] + 12))
    np.testing.assert_allclose(angles_deg(turns_in_the_world(faulty))[rows], 7.0)
    new = faulty.photos.cameras.cam_from_world[rows]
    old = ORBIT.cameras.cam_from_world[rows]
    np.testing.assert_allclose(
        new[1:] @ np.linalg.inv(new[:-1]), old[1:] @ np.linalg.inv(old[:-1]), atol=1e-9
    )
    # Where a point that moves along with the block would be: off by the shift alone.
    common = np.linalg.inv(new[0]) @ old[0]
    distance = np.median(np.linalg.norm(ORBIT.cameras.centres_xyz - CENTRE, axis=1))
    shift = (common @ np.append(CENTRE, 1.0))[:3] - CENTRE
    assert np.linalg.norm(shift) == pytest.approx(offset * distance, abs=1e-9)


def test_times_that_are_wrong_change_the_order():
    faulty = spoilt("timestamp")
    moved = set(faulty.truth.loc[faulty.truth["kind"] == "timestamp", "name"])
    assert len(moved) == 4
    rest = [name for name in faulty.photos.names if name not in moved]
    assert rest == [name for name in ORBIT.names if name not in moved]
    seconds = [faulty.photos.seconds[name] for name in faulty.photos.names]
    assert seconds == sorted(seconds)
    for row in truth_of(faulty, "timestamp"):
        # A frame a second, so that seconds are places.
        off = abs(faulty.photos.seconds[row.name] - ORBIT.seconds[row.name])
        assert off == pytest.approx(row.severity * len(ORBIT))
        assert off >= 2


def test_without_times_the_order_alone_is_wrong():
    timeless = type(ORBIT)("timeless", ORBIT.cameras, ORBIT.images)
    faulty = inject(timeless, plans.only("timestamp"), 0)
    assert not faulty.photos.seconds
    assert faulty.photos.names != ORBIT.names
    assert sorted(faulty.photos.names) == sorted(ORBIT.names)


def test_a_copy_lies_beside_its_source_with_nearly_its_pose_and_picture():
    faulty = spoilt("duplicate", "subtle")
    names = faulty.photos.names
    assert len(names) == len(ORBIT) + 4
    for row in truth_of(faulty, "duplicate"):
        place = names.index(row.name)
        assert names[place - 1] == row.other
        later = faulty.photos.seconds[row.name] - faulty.photos.seconds[row.other]
        assert 0 < later < 1  # a frame a second
        pose = faulty.photos.cameras.pose_of(row.name)
        source = ORBIT.cameras.pose_of(row.other)
        assert angles_deg(pose[:3, :3] @ source[:3, :3].T) < 0.5
        copy = faulty.photos.images[row.name].astype(float)
        own = np.abs(copy - ORBIT.images[row.other]).mean()
        rival = np.abs(copy - ORBIT.images[names[place - 2]]).mean()
        assert 0 < own < rival / 2
        assert row.name in faulty.photos.masks


def test_a_copy_that_was_cropped_has_the_camera_of_the_crop():
    plan = FaultPlan((Fault("duplicate", at_least=3, severity=(0.03, 0.03)),))
    faulty = inject(ORBIT, plan, 0)
    for row in truth_of(faulty, "duplicate"):
        fx, fy, cx, cy = faulty.photos.cameras.camera_of(row.name).params
        assert fx == pytest.approx(140 / 0.97) and fy == pytest.approx(140 / 0.97)
        # The crop begins 0 to 3 % of a side from the corner.
        assert (80 - 4.8) / 0.97 <= cx <= 80 / 0.97
        assert (60 - 3.6) / 0.97 <= cy <= 60 / 0.97


def test_a_foreign_frame_has_the_other_captures_pixels_at_this_cameras_size():
    faulty = spoilt("foreign")
    (other,) = OTHERS
    for row in truth_of(faulty, "foreign"):
        capture, name = row.other.split("/")
        assert capture == "another"
        # The same size, so nothing is resampled.
        assert (faulty.photos.images[row.name] == other.images[name]).all()
        assert (faulty.photos.masks[row.name] == other.masks[name]).all()


def test_a_foreign_frame_without_a_mask_leaves_none():
    maskless = orbit_photos(14, seed=7, identity="another", masks=False)
    faulty = inject(ORBIT, plans.only("foreign"), 0, others=[maskless])
    named = faulty.truth.loc[faulty.truth["kind"] == "foreign", "name"]
    assert len(named) and not set(named) & set(faulty.photos.masks)


def test_intruders_leave_subject_and_background_and_are_what_the_truth_says():
    faulty = spoilt("intruder")
    for row in truth_of(faulty, "intruder"):
        before, after = ORBIT.images[row.name], faulty.photos.images[row.name]
        changed = (before != after).any(axis=2).mean()
        assert row.severity <= changed < 0.5
        added = faulty.photos.masks[row.name] & ~ORBIT.masks[row.name]
        assert (
            added.any() and (faulty.photos.masks[row.name] | ~ORBIT.masks[row.name]).all()
        )
        assert row.other.startswith("another/")


def test_an_intruder_walks_through_consecutive_frames_from_one_side_to_the_other():
    faulty = inject(ORBIT, plans.walking_intruder(run=5), 2, others=OTHERS)
    rows = rows_with(faulty, "intruder")
    assert rows == list(range(rows[0], rows[0] + 5))
    middles = []
    for row in rows:
        name = ORBIT.names[row]
        changed = (ORBIT.images[name] != faulty.photos.images[name]).any(axis=2)
        middles.append(np.nonzero(changed)[1].mean())
    steps = np.diff(middles)
    assert (steps > 0).all() or (steps < 0).all()
    assert len(set(faulty.truth["other"][rows])) == 5  # turned as its own capture goes


def test_kinds_that_lack_their_material_say_what_to_give():
    bare = orbit_photos(20, masks=False)
    assert impossible_kinds(bare, []) == {"mask", "foreign", "intruder"}
    assert impossible_kinds(bare, [bare]) == {"mask", "foreign", "intruder"}
    assert impossible_kinds(ORBIT, OTHERS) == set()
    for kind in ("mask", "foreign", "intruder"):
        with pytest.raises(CaptureError, match=f"plan without '{kind}'"):
            inject(bare, plans.only(kind), 0)
    kept = plans.possible(plans.mixed(), bare, [])
    assert not {"mask", "foreign", "intruder"} & set(kept.kinds)
    assert (inject(bare, kept, 0).truth["kind"] != "").sum() >= 6


def test_poses_alone_are_spoilt_as_with_their_photographs():
    cameras = small_orbit(40)
    for plan in plans.POSE_PLANS.values():
        wrong, truth = inject_poses(cameras, plan, 1)
        whole = inject(ORBIT, plan, 1)
        assert (wrong.cam_from_world == whole.photos.cameras.cam_from_world).all()
        assert truth.equals(whole.truth)
        assert wrong.names == cameras.names
    with pytest.raises(ParameterError, match="defocus cannot be put into poses"):
        inject_poses(cameras, plans.only("defocus"), 0)


@pytest.mark.parametrize(("name", "least", "most"), [("gross", 20, 40), ("subtle", 3, 8)])
def test_pose_plans_spoil_as_few_and_as_much_as_they_say(name, least, most):
    for n, count in ((12, 5), (66, 7), (300, 10)):
        _, truth = inject_poses(small_orbit(n), plans.POSE_PLANS[name], 0)
        bad = truth[truth["kind"] != ""]
        assert len(bad) == count
        assert bad["severity"].between(least, most).all()
