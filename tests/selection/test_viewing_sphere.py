"""Angles by hand, and what must not change under rotation and scale."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from selection_problems import random_problem, unit

from mtcm_pipeline.selection.viewing_sphere import (
    angles_deg,
    angles_to_earlier,
    faces_the_subject,
    nearest_view,
    view_vectors,
)


def test_angles_by_hand():
    views = np.array([[1.0, 0, 0], [0, 1, 0], [-1, 0, 0], [np.nan] * 3])
    angles = angles_deg(views[0], views)
    assert angles[:3] == pytest.approx([0.0, 90.0, 180.0])
    assert angles[0] == 0.0
    assert np.isnan(angles[3])


def test_angles_agree_with_the_arc_cosine():
    views = unit(np.random.default_rng(0).normal(size=(50, 3)))
    expected = np.degrees(np.arccos(np.clip(views @ views[0], -1, 1)))
    assert angles_deg(views[0], views) == pytest.approx(expected, abs=1e-5)


def test_cameras_that_look_at_the_subject_are_placed_by_where_they_stand():
    problem = random_problem(20)
    views = view_vectors(problem.centres_xyz, problem.directions)
    assert views == pytest.approx(unit(problem.centres_xyz))


def test_cameras_that_look_outwards_are_placed_by_where_they_look():
    directions = unit(np.random.default_rng(0).normal(size=(20, 3)))
    views = view_vectors(0.1 * directions, directions)
    assert views == pytest.approx(-directions)


@pytest.mark.parametrize(("beside_deg", "faces"), [(0, True), (58, True), (62, False)])
def test_a_capture_faces_the_subject_within_60_degrees(beside_deg, faces):
    azimuth = np.radians(np.arange(0, 360, 20))
    centres = np.column_stack([np.cos(azimuth), np.sin(azimuth), 0 * azimuth])
    turn = Rotation.from_euler("z", beside_deg, degrees=True).as_matrix()
    assert faces_the_subject(centres, -centres @ turn.T) == faces
    some = np.where(np.arange(18)[:, None] % 3, centres, np.nan)  # without a pose
    assert faces_the_subject(some, -centres @ turn.T) == faces
    assert not faces_the_subject(np.full((3, 3), np.nan), centres[:3])


def test_a_camera_at_the_very_origin_is_placed_by_where_it_looks():
    problem = random_problem(20)
    problem.centres_xyz[4] = 0.0
    views = view_vectors(problem.centres_xyz, problem.directions)
    assert views[4] == pytest.approx(-problem.directions[4])


def test_rotation_turns_the_views_and_scale_leaves_them():
    problem = random_problem(20)
    turn = Rotation.from_euler("xyz", [0.3, 1.2, -2.0]).as_matrix()
    views = view_vectors(problem.centres_xyz, problem.directions)
    turned = view_vectors(7 * problem.centres_xyz @ turn.T, problem.directions @ turn.T)
    assert turned == pytest.approx(views @ turn.T)


def test_nearest_view_by_brute_force_with_frames_without_pose():
    views = unit(np.random.default_rng(1).normal(size=(30, 3)))
    views[5] = np.nan
    chosen = views[[3, 5, 9]]
    angle, index = nearest_view(views, chosen)
    table = np.array([angles_deg(view, views) for view in chosen])
    for i in set(range(30)) - {5}:
        assert index[i] == np.nanargmin(table[:, i])
        assert angle[i] == np.nanmin(table[:, i])
    assert index[5] == -1 and np.isnan(angle[5])


def test_angles_to_earlier_by_brute_force():
    views = unit(np.random.default_rng(2).normal(size=(10, 3)))
    order = np.array([4, 1, 7, 2])
    angles = angles_to_earlier(views, order)
    assert np.isnan(angles[0])
    for k in range(1, 4):
        expected = min(angles_deg(views[order[k]], views[order[:k]]))
        assert angles[k] == pytest.approx(expected)
