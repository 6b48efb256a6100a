"""Missing views of rigs whose gaps are known."""

from __future__ import annotations

import numpy as np
import pytest
from missing_rigs import (
    bearing,
    cameras_of,
    looking_at_origin,
    missing_of,
    proposed_bearings,
    ring,
    tokens_of,
)
from scipy.spatial.transform import Rotation

from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.missing.find import find_missing, suggested_poses
from mtcm_pipeline.missing.foresight import Foresight, relative_uncertainty
from mtcm_pipeline.missing.options import MissingOptions
from mtcm_pipeline.missing.words import way_from
from mtcm_pipeline.tokens.layout import FIELD_SLICES
from mtcm_pipeline.viewpoints.angles import viewpoints_of
from mtcm_pipeline.viewpoints.options import LabelOptions
from mtcm_pipeline.viewpoints.sphere import angles_between_deg, even_directions

GAP = [a for a in range(0, 360, 10) if not 120 < a < 200]  # nothing from 130 to 190


def test_the_lattice_is_even():
    directions = even_directions(500)
    apart = angles_between_deg(directions, directions) + 360.0 * np.eye(500)
    spacing = np.degrees(np.sqrt(4 * np.pi / 500))
    assert 0.6 * spacing < apart.min(axis=1).min()
    assert apart.min(axis=1).max() < 1.2 * spacing
    np.testing.assert_allclose(directions.mean(axis=0), 0.0, atol=1e-3)


def test_the_first_proposal_lies_in_the_gap_at_the_ring_s_height_and_distance():
    missing = missing_of(ring(GAP), count=1)
    world_from_cam = invert_rigid(missing.cam_from_world)[0]
    centre = world_from_cam[:3, 3]
    azimuth = np.degrees(np.arctan2(centre[1], centre[0])) % 360
    elevation = np.degrees(np.arcsin(centre[2] / np.linalg.norm(centre)))
    assert 130 <= azimuth <= 190
    assert elevation == pytest.approx(10, abs=8)
    assert np.linalg.norm(centre) == pytest.approx(3.0, rel=0.02)
    # It looks at the subject, upright.
    to_subject = -centre / np.linalg.norm(centre)
    assert world_from_cam[:3, 2] @ to_subject > np.cos(np.radians(2))
    assert abs(world_from_cam[2, 0]) < 1e-3
    assert -world_from_cam[2, 1] > 0


def test_a_hidden_arc_of_any_ring_is_found_again():
    for start in range(0, 360, 60):
        shown = [a for a in range(0, 360, 12) if not 0 <= (a - start) % 360 < 72]
        hidden = np.array([bearing(a, 10.0) for a in range(0, 360, 12) if a not in shown])
        proposed = proposed_bearings(missing_of(ring(shown), count=2))
        assert (angles_between_deg(proposed, hidden).min(axis=1) < 15).all()


def test_frames_that_are_not_kept_do_not_cover():
    everywhere = ring(range(0, 360, 10))
    dropped = np.isin(np.arange(36), [13, 14, 15, 16, 17, 18, 19])
    hidden = np.array([bearing(a, 10.0) for a in range(130, 200, 10)])
    proposed = proposed_bearings(missing_of(everywhere, ~dropped, count=1))
    assert angles_between_deg(proposed, hidden).min() < 12


def test_gains_are_positive_and_nothing_is_proposed_twice():
    missing = missing_of(ring(GAP), count=8)
    gains = missing.proposals["gain"].to_numpy()
    assert (gains > 0).all()
    apart = angles_between_deg(*[proposed_bearings(missing)] * 2)
    assert (apart + 360 * np.eye(len(apart))).min() > 4


def test_a_wide_gap_is_closed_from_its_middle_before_anything_else():
    shown = [a for a in range(0, 360, 10) if not 120 < a < 220]
    hidden = np.array([bearing(a, 10.0) for a in range(130, 220, 10)])
    apart = angles_between_deg(proposed_bearings(missing_of(ring(shown))), hidden)
    assert len(apart) == 5
    assert (apart.min(axis=1) < 8).all()
    assert apart[0].argmin() == 4  # the middle one first


def test_who_has_a_picture_nearby_is_not_sent_there_again():
    full = ring([a for a in range(0, 360, 4) if a not in (96, 100, 104)])
    low = {"elevation_reach_deg": 1.0}  # nobody can stand above or below
    beside = missing_of(full, apart_deg=0, count=3, **low).proposals["nearest_deg"]
    assert (beside < 8).any()
    assert (missing_of(full, count=1, **low).proposals["nearest_deg"] >= 6).all()
    assert (missing_of(full, count=5).proposals["nearest_deg"] >= 8).all()
    # Nothing in the band is so far away: then the farthest will do.
    assert len(missing_of(full, apart_deg=80, count=1).proposals) == 1


def test_proposals_keep_their_distance_from_views_and_each_other():
    missing = missing_of(ring(range(0, 360, 30)), apart_deg=20)
    assert (missing.proposals["nearest_deg"] >= 20).all()  # midway it would be 15
    proposed = proposed_bearings(missing)
    apart = angles_between_deg(proposed, proposed) + 360.0 * np.eye(5)
    # Where a camera stands differs a little from where it was sent.
    assert apart.min() > 19.5


def plausible_by_hand(target, cameras):
    """How plausible it is to stand at a direction, view by view."""
    usual = MissingOptions()
    near, sides = 0.0, {True: 0.0, False: 0.0}
    for view in cameras:
        turn = np.arctan2(target[1], target[0]) - np.arctan2(view[1], view[0])
        turn = (np.degrees(turn) + 180) % 360 - 180
        along = abs(turn) * max(np.hypot(*target[:2]), np.hypot(*view[:2]))
        rise = np.degrees(np.arcsin(target[2]) - np.arcsin(view[2]))
        up = (rise / usual.elevation_reach_deg) ** 2
        near = max(near, np.exp(-0.5 * ((along / usual.azimuth_reach_deg) ** 2 + up)))
        beside = np.exp(-0.5 * ((along / usual.gap_reach_deg) ** 2 + up))
        sides[turn > 0] = max(sides[turn > 0], beside)
    return max(near, np.sqrt(sides[True] * sides[False]))


def test_the_gains_are_what_brute_force_says():
    cameras = ring(GAP)
    missing = missing_of(cameras, count=2)
    tokens, gauge = tokens_of(cameras)
    level = viewpoints_of(tokens, LabelOptions()).level_from_gauge
    seen = gauge.points(cameras.centres_xyz) @ level.T
    seen /= np.linalg.norm(seen, axis=1, keepdims=True)
    new = gauge.points(invert_rigid(missing.cam_from_world)[:, :3, 3]) @ level.T
    new /= np.linalg.norm(new, axis=1, keepdims=True)
    band = [d for d in even_directions(2000) if plausible_by_hand(d, seen) >= 0.01]
    for rank in range(2):
        there = np.vstack([seen, new[:rank]])
        total = gained = 0.0
        for target in band:
            weight = plausible_by_hand(target, there)
            before = max(np.exp(-angles_between_deg(target[None], there)[0] / 20.0))
            after = np.exp(-angles_between_deg(target[None], new[rank, None])[0, 0] / 20)
            total += weight
            gained += weight * max(after - before, 0.0)
        expected = pytest.approx(gained / total, abs=1e-5)
        assert missing.proposals["gain"][rank] == expected


def test_a_similarity_transform_of_the_capture_moves_the_proposals_with_it():
    cameras = ring(GAP)
    turn = Rotation.from_euler("xyz", [40, 20, 70], degrees=True).as_matrix()
    move = Similarity(2.5, turn, np.array([1.0, -2.0, 0.5]))
    moved = PosedCameras(
        cameras.names,
        move.cam_from_world(cameras.cam_from_world),
        cameras.camera_ids,
        cameras.cameras,
    )
    here, there = missing_of(cameras, count=3), missing_of(moved, count=3)
    np.testing.assert_allclose(
        there.cam_from_world, move.cam_from_world(here.cam_from_world), atol=1e-6
    )
    assert list(here.proposals["how"]) == list(there.proposals["how"])


def test_the_uncovered_sector_is_the_gap():
    missing = missing_of(ring(GAP), uncovered_deg=25.0)
    sector = missing.sectors.iloc[0]
    # Its middle is 160 degrees from the first frame, which is azimuth 0.
    assert sector["azimuth_deg"] == pytest.approx(160, abs=6)
    assert sector["gap_deg"] == pytest.approx(40, abs=6)
    assert len(missing.sectors) == 1


def test_a_full_dome_has_no_uncovered_sector():
    poses = [looking_at_origin(3.0 * d) for d in even_directions(200) if abs(d[2]) < 0.95]
    assert missing_of(cameras_of(poses)).sectors.empty


def test_uncertainty_draws_proposals_to_its_side():
    tokens, gauge = tokens_of(ring(range(0, 360, 30)))
    usable = np.ones(len(tokens), dtype=bool)

    def uncertain_on_one_side(poses):
        places = gauge.inverse().points(poses[:, :3, 3])
        return np.where(places[:, 1] > 0, 10.0, 1.0)

    missing = find_missing(
        tokens,
        usable,
        gauge,
        MissingOptions(count=3),
        LabelOptions(),
        foresight=Foresight(uncertain_on_one_side),
    )
    assert (invert_rigid(missing.cam_from_world)[:, 1, 3] > 0).all()
    assert (missing.proposals["uncertainty"] > 1.0).all()
    assert missing.proposals["suggested_deg"].isna().all()


def test_a_suggested_pose_makes_its_place_plausible():
    arc = ring(range(0, 120, 10))
    tokens, gauge = tokens_of(arc)
    usable = np.ones(len(tokens), dtype=bool)
    level = viewpoints_of(tokens, LabelOptions()).level_from_gauge
    first = tokens.values[0, FIELD_SLICES["pose"]][:3] @ level.T
    # Two steps on from the arc's end, at the arc's height, in the level gauge.
    turn = Rotation.from_euler("z", 135, degrees=True).as_matrix()
    ahead = np.eye(4)
    ahead[:3, 3] = level.T @ turn @ first
    ahead[:3, :3] = level.T @ looking_at_origin(turn @ first)[:3, :3]
    given = (tokens, usable, gauge, MissingOptions(count=3), LabelOptions())
    foresight = Foresight(lambda poses: np.ones(len(poses)), ahead)
    plain, led = find_missing(*given), find_missing(*given, foresight=foresight)
    assert led.proposals["suggested_deg"].min() < 15
    wanted = np.array([bearing(135, 10.0)])
    assert (
        angles_between_deg(proposed_bearings(led), wanted).min()
        < angles_between_deg(proposed_bearings(plain), wanted).min()
    )
    (row, *_) = suggested_poses(plain)
    assert row["uncertainty"] is None and row["suggested_deg"] is None


def test_uncertainty_between_the_places_asked_is_that_of_places_nearby():
    directions = even_directions(400)

    def ask(places):
        return 2.0 + places[:, 0]

    found = relative_uncertainty(directions, ask)
    expected = ask(directions) / np.median(ask(directions))
    np.testing.assert_allclose(found, expected, atol=0.06)


def test_without_poses_nothing_is_proposed():
    tokens, gauge = tokens_of(ring(GAP))
    nothing = np.zeros(len(tokens), dtype=bool)
    missing = find_missing(tokens, nothing, gauge, MissingOptions(), LabelOptions())
    assert missing.proposals.empty
    assert missing.sectors.empty
    assert suggested_poses(missing) == []


@pytest.mark.parametrize(
    ("to", "distance", "words"),
    [
        (bearing(30, 0), 1.0, "30° to the right around the subject"),
        (bearing(-30, 12), 1.0, "30° to the left around the subject, 12° higher"),
        (bearing(2, -20), 1.5, "20° lower, 1.5 × as far"),
        (bearing(1, 1), 1.02, "the same place"),
        (bearing(-170, 0), 1.0, "170° to the left around the subject"),
    ],
)
def test_the_way_in_words(to, distance, words):
    # Who stands at azimuth 0 and faces the subject sees +y on the right.
    assert way_from(to, distance, bearing(0, 0), 1.0) == words
