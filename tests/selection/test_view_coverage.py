"""Our selector: its objective against brute force, and what must not attract it."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest
from selection_problems import random_problem, reordered, unit

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.selection import SelectOptions, select
from mtcm_pipeline.selection.optimisers import lazy_greedy, naive_greedy
from mtcm_pipeline.selection.plausible_targets import frame_trust, plausible_targets
from mtcm_pipeline.selection.pool import Pool
from mtcm_pipeline.selection.view_coverage import (
    ViewCoverage,
    coverage_of,
    view_worth,
)
from mtcm_pipeline.surrogate.geometry import ViewGeometry
from mtcm_pipeline.surrogate.quality import expected_quality


def random_objective(p: int = 9, seed: int = 0) -> ViewCoverage:
    rng = np.random.default_rng(seed)
    worth = rng.random((p, 6, 4)) * (rng.random((p, 6, 4)) < 0.5)
    weights = rng.random(6)
    return ViewCoverage(worth.astype(np.float32), weights / weights.sum())


def with_geometry(problem, *, points: int = 80, seed: int = 0):
    """Points on a small sphere about the origin, each seen from its outer side."""
    normals = unit(np.random.default_rng(seed).normal(size=(points, 3)))
    rays = problem.centres_xyz[:, None] - 0.3 * normals
    seen = (rays * normals).sum(axis=2) > 0
    geometry = ViewGeometry(
        problem.names,
        problem.centres_xyz,
        np.full(len(problem.names), 100.0),
        0.3 * normals,
        seen,
    )
    return dataclasses.replace(problem, geometry=geometry)


def ring_problem(azimuths_deg, **changes):
    """Cameras on a level circle of radius 1, looking inwards."""
    azimuth = np.radians(np.asarray(azimuths_deg, dtype=float))
    centres = np.column_stack([np.cos(azimuth), np.sin(azimuth), np.zeros(len(azimuth))])
    problem = random_problem(len(azimuth), centres_xyz=centres, directions=-centres)
    parts = {"quality": np.ones(len(azimuth))} | changes
    return dataclasses.replace(problem, **parts)


def pool_of(problem, budget=5) -> Pool:
    return Pool(problem, np.arange(len(problem.names)), (), budget)


def ranking(problem, budget=5, **changes):
    options = SelectOptions(strategy="view_coverage", budget=budget, **changes)
    return select(problem, options)


@pytest.mark.parametrize("seed", range(5))
def test_the_value_is_the_weighted_mean_of_the_best_worths(seed):
    rng = np.random.default_rng(seed)
    worth = rng.random((5, 3, 2)).astype(np.float32)
    weights = np.array([0.5, 0.3, 0.2])
    objective = ViewCoverage(worth, weights)
    by_hand = sum(
        weights[t] * np.mean([max(worth[v, t, q] for v in (0, 3)) for q in range(2)])
        for t in range(3)
    )
    assert objective.value([0, 3]) == pytest.approx(by_hand, abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_greedy_reaches_its_guarantee(seed):
    objective = random_objective(seed=seed)
    best = max(objective.value(s) for s in itertools.combinations(range(9), 3))
    greedy, _ = naive_greedy(objective.fresh(), 3)
    assert objective.value(greedy) >= (1 - 1 / math.e) * best


@pytest.mark.parametrize("seed", range(5))
def test_lazy_and_naive_greedy_choose_the_same(seed):
    objective = random_objective(40, seed)
    lazy, naive = (f(objective.fresh(), 12, (3,)) for f in (lazy_greedy, naive_greedy))
    assert lazy[0] == naive[0]
    np.testing.assert_allclose(lazy[1], naive[1], atol=1e-9)


def test_without_a_band_it_is_greedy_coverage():
    problem = with_geometry(random_problem(30, quality=np.ones(30)))
    options = SelectOptions(budget=8, nearly_farthest=0.0)
    objective = coverage_of(pool_of(problem, 8), options)
    greedy, _ = naive_greedy(objective.fresh(), 8)
    names = tuple(problem.names[i] for i in greedy)
    assert select(problem, options).ranking == names


def test_with_the_narrowest_band_it_is_farthest_view_sampling_from_its_own_start():
    problem = ring_problem(np.arange(0, 360, 7.3))
    chosen = ranking(problem, 8, nearly_farthest=1.0).ranking
    rows = [problem.names.index(name) for name in chosen]
    centres = problem.centres_xyz
    for k in range(1, 8):
        apart = np.linalg.norm(centres[:, None] - centres[rows[:k]], axis=2).min(axis=1)
        assert apart[rows[k]] == pytest.approx(apart.max(), abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_each_choice_gains_most_of_those_nearly_as_far_as_any(seed):
    problem = ring_problem(np.random.default_rng(seed).uniform(0, 360, 30))
    pool, options = pool_of(problem, 7), SelectOptions(nearly_farthest=0.7)
    objective, trust = coverage_of(pool, options), frame_trust(pool)
    chosen = ranking(problem, 7, nearly_farthest=0.7).ranking
    rows = [problem.names.index(name) for name in chosen]
    centres = problem.centres_xyz
    for k in range(1, 7):
        far = np.linalg.norm(centres[:, None] - centres[rows[:k]], axis=2).min(axis=1)
        allowed = [i for i in range(30) if (far * trust)[i] >= 0.7 * (far * trust).max()]
        values = {i: objective.value([*rows[:k], i]) for i in allowed}
        assert rows[k] in values
        assert values[rows[k]] == pytest.approx(max(values.values()), abs=1e-6)


def test_worth_is_that_of_the_surrogate_at_the_frames_own_poses():
    problem = with_geometry(random_problem(10, quality=np.ones(10)))
    options = SelectOptions(
        targets=10,
        target_points=80,
        target_spread=0.0,
        decay_angle_deg=20.0,
        resolution_power=0.0,
    )
    pool = pool_of(problem)
    targets = plausible_targets(pool, options)
    # Targets are the frames themselves, in another order, seeing what neighbours see.
    found = [
        np.flatnonzero((problem.centres_xyz == c).all(axis=1))[0]
        for c in targets.centres_xyz[:1]
    ]
    worth = view_worth(pool, targets, options)
    seen = targets.seen[:, 0]
    rays = problem.centres_xyz[:, None] - targets.points_xyz[0]
    towards = problem.centres_xyz[found[0]] - targets.points_xyz[0]
    cosine = (unit(rays) * unit(towards)).sum(axis=2)
    angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    np.testing.assert_allclose(
        worth[:, 0], np.where(seen, np.exp(-angle / 20), 0), atol=1e-4
    )


@pytest.mark.parametrize("measured", [True, False])
def test_it_serves_views_held_out_better_than_random_choices(measured):
    better = []
    for seed in range(6):
        problem = random_problem(60, seed=seed, quality=np.ones(60))
        problem = with_geometry(problem, points=200)
        geometry = problem.geometry
        hidden = problem.names[::6]
        rows = np.array([i for i in range(60) if i % 6])
        names = [problem.names[i] for i in rows]
        known = geometry.aligned(names) if measured else None
        pool = dataclasses.replace(reordered(problem, rows), geometry=known)
        ours = expected_quality(geometry, ranking(pool, 12).ranking, hidden).mean
        for draw in range(10):
            options = SelectOptions(strategy="random", budget=12, seed=draw)
            drawn = select(pool, options).ranking
            better.append(ours - expected_quality(geometry, drawn, hidden).mean)
    assert np.mean(better) > 0.01


def test_a_place_where_the_camera_lingered_is_not_chosen_more_often():
    azimuths = np.concatenate([np.linspace(0, 30, 60), np.linspace(45, 345, 21)])
    chosen = ranking(ring_problem(azimuths), 6).ranking
    lingering = [name for name in chosen if int(name[6:9]) < 60]
    assert len(lingering) <= 1


def test_a_lone_pose_far_away_does_not_attract():
    azimuths = np.linspace(0, 350, 36)
    problem = ring_problem(azimuths)
    centres = problem.centres_xyz.copy()
    centres[7] = [0.0, 0.0, 4.0]  # farthest view sampling would take it second
    directions = problem.directions.copy()
    directions[7] = [0.0, 0.0, -1.0]
    wrong = dataclasses.replace(problem, centres_xyz=centres, directions=directions)
    fvs = select(wrong, SelectOptions(strategy="fvs", budget=3)).ranking
    assert problem.names[7] in fvs
    assert problem.names[7] not in ranking(wrong, 10).ranking


def test_of_two_frames_in_one_place_the_better_one_is_chosen():
    azimuths = np.repeat(np.arange(0, 360, 30), 2)
    quality = np.where(np.arange(24) % 2, 1.0, 0.4)
    chosen = ranking(ring_problem(azimuths, quality=quality), 12).ranking
    assert all(int(name[6:9]) % 2 for name in chosen)


def test_of_two_frames_in_one_place_the_finer_one_is_chosen():
    problem = with_geometry(ring_problem(np.repeat(np.arange(0, 360, 30), 2)))
    focal = np.where(np.arange(24) % 2, 100.0, 50.0)
    geometry = dataclasses.replace(problem.geometry, focal_px=focal)
    chosen = ranking(dataclasses.replace(problem, geometry=geometry), 8).ranking
    assert all(int(name[6:9]) % 2 for name in chosen)


def test_close_ups_that_see_little_are_not_chosen_for_what_they_do_not_see():
    problem = with_geometry(ring_problem(np.arange(0, 360, 15)), points=200)
    seen = problem.geometry.seen.copy()
    close = np.arange(24) % 2 == 0
    inside = problem.geometry.points_xyz[:, 2] > 0.15
    seen[close] &= inside
    geometry = dataclasses.replace(problem.geometry, seen=seen)
    chosen = ranking(dataclasses.replace(problem, geometry=geometry), 8).ranking
    assert sum(close[int(name[6:9])] for name in chosen) <= 1


def test_gains_sum_to_the_expected_quality_and_the_reasons_say_so():
    selection = ranking(with_geometry(random_problem()), 8)
    assert all(gain >= 0 for gain in selection.gains)
    assert f"to {sum(selection.gains):.3f}" in selection.reasons[-1]
    assert "degrees from the nearest chosen view" in selection.reasons[-1]


def test_gains_are_what_frames_add_to_those_that_are_forced():
    problem = with_geometry(random_problem())
    free = ranking(problem, 4)
    forced = ranking(dataclasses.replace(problem, forced=free.ranking[:2]), 4)
    assert forced.ranking[:2] == free.ranking[:2]
    assert forced.gains[:2] == pytest.approx(free.gains[:2], abs=1e-6)


def test_choices_keep_away_from_frames_that_are_forced():
    """Forced at 0 and 90 degrees: then 225, then the middles of what is left."""
    problem = ring_problem(np.arange(0, 360, 7.5))
    names = [problem.names[i] for i in (0, 12)]
    forced = dataclasses.replace(problem, forced=tuple(names))
    chosen = ranking(forced, 5, nearly_farthest=1.0).ranking
    azimuths = [7.5 * problem.names.index(name) for name in chosen]
    assert azimuths[:3] == [0.0, 90.0, 225.0]
    assert set(azimuths[3:]) == {157.5, 292.5}


def test_more_resolution_than_usual_is_worth_no_more():
    problem = with_geometry(random_problem(10, quality=np.ones(10)))
    focal = np.where(np.arange(10) == 3, 1000.0, 100.0)
    geometry = dataclasses.replace(problem.geometry, focal_px=focal)
    pool = pool_of(dataclasses.replace(problem, geometry=geometry))
    options = SelectOptions(targets=10, target_spread=0.0)
    worth = view_worth(pool, plausible_targets(pool, options), options)
    assert worth[3].max() == pytest.approx(1.0, abs=1e-3)  # where it stands itself


def test_the_first_k_of_a_long_ranking_are_the_short_ranking():
    problem = with_geometry(random_problem(60))
    long = ranking(problem, 45)
    for k in (1, 6, 20, 30):
        assert long.first(k) == ranking(problem, k)


def test_targets_move_with_the_capture_and_their_weights_sum_to_one():
    pool = pool_of(with_geometry(random_problem()))
    targets = plausible_targets(pool, SelectOptions())
    assert targets.seen.shape == (24, *targets.points_xyz.shape[:2])
    assert targets.weights.sum() == pytest.approx(1.0)
    turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    problem = pool.problem
    turned = dataclasses.replace(
        problem,
        centres_xyz=problem.centres_xyz @ turn.T,
        directions=problem.directions @ turn.T,
    )
    moved = plausible_targets(pool_of(turned), SelectOptions())
    np.testing.assert_allclose(moved.centres_xyz, targets.centres_xyz @ turn.T, atol=1e-9)


def test_geometry_of_other_frames_is_refused():
    problem = with_geometry(random_problem())
    with pytest.raises(CaptureError, match="use its `aligned`"):
        dataclasses.replace(problem, geometry=problem.geometry.aligned(["a"] * 24))
