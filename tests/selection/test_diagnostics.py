"""Pose diversity by hand on a turntable, and its invariances."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from selection_problems import random_problem, reordered

from mtcm_pipeline.selection import SelectOptions, select
from mtcm_pipeline.selection.diagnostics import diversity_table, pose_diversity


def turntable(n=36, **changes):
    azimuth = 2 * np.pi * np.arange(n) / n
    centres = np.column_stack([np.cos(azimuth), np.sin(azimuth), np.zeros(n)])
    return random_problem(n, centres_xyz=centres, directions=-centres, **changes)


def test_four_views_of_a_turntable_by_hand():
    problem = turntable()
    names = [problem.names[i] for i in (0, 9, 18, 27)]
    found = pose_diversity(problem, names, within_deg=25)
    assert found.views == 4
    assert found.spacing_min_deg == pytest.approx(90)
    assert found.spacing_mean_deg == pytest.approx(90)
    assert found.spacing_max_deg == pytest.approx(90)
    # Between two views 90 degrees apart the frames are 10 20 30 40 40 30 20 10 away.
    assert found.uncovered_max_deg == pytest.approx(40)
    assert found.uncovered_mean_deg == pytest.approx(4 * 200 / 36)
    assert found.share_within == pytest.approx(20 / 36)


def test_uneven_views_show_their_gap():
    problem = turntable()
    found = pose_diversity(problem, [problem.names[0], problem.names[1]])
    assert found.spacing_max_deg == pytest.approx(10)
    assert found.uncovered_max_deg == pytest.approx(170)


def test_rotation_scale_and_order_change_nothing():
    problem = random_problem(40)
    names = problem.names[::5]
    turn = Rotation.from_euler("xyz", [1.0, -0.4, 2.5]).as_matrix()
    turned = dataclasses.replace(
        problem,
        centres_xyz=3.7 * problem.centres_xyz @ turn.T,
        directions=problem.directions @ turn.T,
    )
    shuffled = reordered(turned, np.random.default_rng(0).permutation(40))
    expected = dataclasses.astuple(pose_diversity(problem, names))
    assert dataclasses.astuple(pose_diversity(shuffled, names)) == pytest.approx(expected)


def test_frames_without_pose_or_not_eligible_are_left_out():
    problem = turntable(eligible=np.arange(36) < 10)
    problem.centres_xyz[5] = problem.directions[5] = np.nan
    found = pose_diversity(problem, ["frame_000.jpg", "frame_005.jpg"])
    assert found.views == 1
    assert found.uncovered_max_deg == pytest.approx(90)
    assert np.isnan(found.spacing_mean_deg)


def test_no_views_and_no_poses_give_no_number_rather_than_zero():
    assert np.isnan(pose_diversity(turntable(), []).uncovered_max_deg)
    nothing = random_problem(
        4, centres_xyz=np.full((4, 3), np.nan), directions=np.full((4, 3), np.nan)
    )
    found = pose_diversity(nothing, nothing.names)
    assert found.views == 0 and np.isnan(found.share_within)


def test_before_and_after():
    problem = turntable()
    selection = select(problem, SelectOptions(strategy="fvs", budget=8))
    table = diversity_table(problem, selection, 4).set_index("measure")
    assert table.loc["views"].tolist() == [36, 4]
    assert table.loc["spacing_mean_deg"].tolist() == pytest.approx([10, 90])
    assert table.loc["uncovered_max_deg"].tolist() == pytest.approx([0, 40], abs=1e-6)
