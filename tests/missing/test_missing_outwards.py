"""Proposals where cameras look outwards, or where too little is known of the capture."""

from __future__ import annotations

import re

import numpy as np
import pytest
from missing_rigs import (
    bearing,
    cameras_of,
    looking_at_origin,
    missing_of,
    ring,
    tokens_of,
)
from scipy.spatial.transform import Rotation

from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.figures.missing_views import missing_views_plot
from mtcm_pipeline.missing.find import suggested_poses
from mtcm_pipeline.missing.words import turn_from, way_from
from mtcm_pipeline.viewpoints.angles import viewpoints_of

UP = np.array([0.0, 0.0, 1.0])


def outwards(azimuths, elevation=0.0, distance=3.0):
    """Cameras on a ring that look away from its middle, or up or down from it."""
    poses = []
    for azimuth in azimuths:
        pose = looking_at_origin(-bearing(azimuth, elevation))  # forward: the bearing
        pose[:3, 3] = distance * bearing(azimuth, 0.0)
        poses.append(pose)
    return cameras_of(poses)


def turned(forward, words):
    """The direction after a turn in words, by rotations about the vertical and across."""
    for number, side in re.findall(r"(\d+)° (?:to the )?(right|left|up|down)", words):
        angle = np.radians(float(number))
        axis = np.cross(forward, UP) if side in ("up", "down") else UP
        sign = 1.0 if side in ("up", "left") else -1.0
        axis = axis / np.linalg.norm(axis)
        forward = Rotation.from_rotvec(sign * angle * axis).apply(forward)
    return forward


@pytest.mark.parametrize("distance", [3.0, 0.0])
@pytest.mark.parametrize("elevation", [0.0, 25.0, -40.0])
def test_who_turns_the_camera_as_told_looks_where_the_proposal_does(elevation, distance):
    """Half a ring looking out, as in a room; without a distance it is a panorama."""
    cameras = outwards(np.linspace(0, 180, 10), elevation, distance)
    missing = missing_of(cameras)
    assert len(missing.proposals) == 5
    starts = dict(zip(cameras.names, cameras.viewing_directions, strict=True))
    wanted = invert_rigid(missing.cam_from_world)[:, :3, 2]
    for row, forward in zip(missing.proposals.itertuples(), wanted, strict=True):
        assert "subject" not in row.how
        told = turned(starts[row.from_frame], row.how)
        # Turns of under 4° are not told, and degrees are rounded.
        assert np.degrees(np.arccos(told @ forward)) < 5.0
        start = np.degrees(np.arccos(starts[row.from_frame] @ forward))
        assert start == pytest.approx(row.nearest_deg, abs=0.01)
    assert missing.proposals["distance"].isna().all()
    assert suggested_poses(missing)[0]["distance"] is None


@pytest.mark.parametrize(
    ("view", "words"),
    [
        # A camera that looks along -x has the view +x; counter-clockwise is to its left.
        (bearing(30, 0), "turn the camera 30° to the left"),
        (bearing(-170, 0), "turn the camera 170° to the right"),
        (bearing(-30, 12), "turn the camera 30° to the right, 12° down"),
        (bearing(0, -20), "turn the camera 20° up"),
        (bearing(2, 2), "the same direction"),
        (bearing(120, 89), "turn the camera 89° down"),
    ],
)
def test_a_turn_in_words(view, words):
    assert turn_from(view, bearing(0, 0)) == words


def test_straight_above_no_way_around_the_subject_is_told():
    assert way_from(bearing(170, 89), 1.0, bearing(0, 80), 1.0) == "9° higher"


def test_one_posed_frame_tells_nothing_and_two_tell_where_the_subject_is():
    one = missing_of(ring([0]))
    assert one.proposals.empty and one.sectors.empty and not len(one.cam_from_world)
    two = missing_of(ring([0, 40]), count=3)
    assert two.proposals["how"].str.contains("around the subject|higher|lower").all()
    centres = invert_rigid(two.cam_from_world)[:, :3, 3]
    distances = np.linalg.norm(centres, axis=1)
    np.testing.assert_allclose(distances, 3.0, rtol=0.15)


def test_one_kept_frame_of_a_ring_still_has_its_subject():
    cameras = ring(range(0, 360, 20))
    missing = missing_of(cameras, np.arange(18) == 4, count=2)
    assert set(missing.proposals["from_frame"]) == {"f004.jpg"}
    centres = invert_rigid(missing.cam_from_world)[:, :3, 3]
    np.testing.assert_allclose(np.linalg.norm(centres, axis=1), 3.0, rtol=0.02)


@pytest.mark.parametrize("way", ["around the subject", "turn the camera"])
def test_the_drawing_speaks_of_walking_only_where_there_is_a_subject(way):
    rig = ring if way == "around the subject" else outwards
    cameras = rig(np.linspace(0, 180, 10))
    tokens, _ = tokens_of(cameras)
    missing = missing_of(cameras, count=2)
    kept = np.ones(len(cameras), dtype=bool)
    figure = missing_views_plot(viewpoints_of(tokens), kept, missing.proposals, {})
    written = " ".join(text.get_text() for text in figure.texts)
    assert way in written
    assert ("walked around" in written) == (way == "around the subject")
    assert ("turns of the camera" in written) == (way == "turn the camera")
