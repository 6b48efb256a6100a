"""What the selection is made for: trust, points and views by plain loops."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from selection_problems import random_problem, unit

from mtcm_pipeline.selection import SelectOptions
from mtcm_pipeline.selection.plausible_targets import (
    frame_trust,
    neighbours_of,
    plausible_targets,
)
from mtcm_pipeline.selection.pool import Pool
from mtcm_pipeline.surrogate.geometry import ViewGeometry


def pool_of(problem) -> Pool:
    return Pool(problem, np.arange(len(problem.names)), (), 5)


def own_poses(count: int, **changes) -> SelectOptions:
    """Options with which the targets are the frames themselves."""
    return SelectOptions(targets=count, target_spread=0.0, **changes)


def source_of(pool: Pool, centre) -> int:
    (row,) = np.flatnonzero((pool.centres_xyz == centre).all(axis=1))
    return int(row)


def nearest_by_loop(centres, row: int) -> list[int]:
    apart = np.linalg.norm(centres - centres[row], axis=1)
    return sorted((i for i in range(len(centres)) if i != row), key=lambda i: apart[i])[
        :7
    ]


@pytest.mark.parametrize("seed", range(3))
def test_neighbours_are_the_frame_itself_and_the_seven_nearest(seed):
    centres = random_problem(20, seed=seed).centres_xyz
    for row, near in enumerate(neighbours_of(centres).tolist()):
        assert near == [row, *nearest_by_loop(centres, row)]
    assert neighbours_of(np.zeros((3, 3)))[:, 0].tolist() == [0, 1, 2]


def test_trust_falls_with_the_square_of_how_alone_a_frame_stands():
    """On a line a unit apart; the last frame stands 20 beyond the one before."""
    centres = np.zeros((21, 3))
    centres[:, 0] = [*range(20), 39.0]
    quality = np.linspace(0.5, 1.0, 21)
    pool = pool_of(random_problem(21, centres_xyz=centres, quality=quality))
    reach = [
        np.sqrt(np.mean([(centres[row, 0] - centres[i, 0]) ** 2 for i in near]))
        for row, near in enumerate(nearest_by_loop(centres, r) for r in range(21))
    ]
    usual = np.quantile([reach[i] for i in nearest_by_loop(centres, 20)], 0.75)
    trust = frame_trust(pool)
    assert trust[20] == pytest.approx((2.0 * usual / reach[20]) ** 2)
    assert trust[20] < 0.2
    np.testing.assert_allclose(trust[:20], quality[:20])  # the others have company


def test_targets_weigh_as_much_as_their_frames_are_trusted():
    pool = pool_of(random_problem(12))
    targets = plausible_targets(pool, own_poses(12))
    rows = [source_of(pool, centre) for centre in targets.centres_xyz]
    assert sorted(rows) == list(range(12))
    trust = frame_trust(pool)[rows]
    np.testing.assert_allclose(targets.weights, trust / trust.sum())


def test_a_target_sees_what_three_in_ten_of_the_frames_around_it_see():
    rng = np.random.default_rng(0)
    problem = random_problem(30)
    normals = unit(rng.normal(size=(300, 3)))
    rays = problem.centres_xyz[:, None] - 0.5 * normals
    seen = (rays * normals).sum(axis=2) > 0
    geometry = ViewGeometry(
        problem.names, problem.centres_xyz, np.ones(30), 0.5 * normals, seen
    )
    pool = pool_of(dataclasses.replace(problem, geometry=geometry))
    targets = plausible_targets(pool, own_poses(30, target_points=300))
    for t, centre in enumerate(targets.centres_xyz):
        row = source_of(pool, centre)
        around = [row, *nearest_by_loop(pool.centres_xyz, row)]
        expected = {p for p in range(300) if np.mean([seen[i, p] for i in around]) >= 0.3}
        places = {tuple(xyz) for xyz in targets.points_xyz[t].tolist()}
        assert places == {tuple(xyz) for xyz in geometry.points_xyz[sorted(expected)]}


def test_without_a_scene_a_frame_sees_within_35_degrees_of_its_axis():
    pool = pool_of(random_problem(15))
    targets = plausible_targets(pool, own_poses(15))
    for t, centre in enumerate(targets.centres_xyz):
        row = source_of(pool, centre)
        reach = np.linalg.norm(centre) * np.array([0.7, 1.0, 1.6])
        on_axis = centre + reach[:, None] * pool.directions[row]
        np.testing.assert_allclose(targets.points_xyz[t], on_axis)
        for p in range(15):
            for q, point in enumerate(targets.points_xyz[t]):
                ray = unit(point - pool.centres_xyz[p])
                cosine = np.clip(ray @ pool.directions[p], -1, 1)
                angle = np.degrees(np.arccos(cosine))
                assert targets.seen[p, t, q] == (angle <= 35.0)


def test_where_the_camera_stands_still_and_turns_targets_look_all_around():
    azimuth = np.radians(np.arange(0, 360, 30))
    directions = np.column_stack([np.cos(azimuth), np.sin(azimuth), 0 * azimuth])
    problem = random_problem(12, centres_xyz=np.zeros((12, 3)), directions=directions)
    targets = plausible_targets(pool_of(problem), own_poses(4))
    looks = unit(targets.points_xyz[:, 1] - targets.centres_xyz)
    apart = np.degrees(np.arccos(np.clip(looks @ looks.T, -1, 1)))
    assert apart[np.triu_indices(4, k=1)].min() >= 60.0


def test_targets_about_a_frame_that_stands_alone_stay_near_it():
    """Its neighbours are 30 away: mixed with them at full length, most would not."""
    problem = random_problem(40)
    centres = problem.centres_xyz.copy()
    centres[7] = [0.0, 0.0, 30.0]
    pool = pool_of(dataclasses.replace(problem, centres_xyz=centres))
    targets = plausible_targets(pool, SelectOptions(targets=400, target_spread=1.0))
    beyond = np.linalg.norm(targets.centres_xyz, axis=1) > 10.0
    reach = np.linalg.norm(targets.centres_xyz[beyond] - centres[7], axis=1)
    assert beyond.sum() > 1
    assert reach.max() < 6.0
