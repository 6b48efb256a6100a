"""Each strategy against a plain implementation of its definition, or by hand."""

from __future__ import annotations

import dataclasses
from itertools import combinations

import numpy as np
import pytest
from selection_problems import random_problem, unit

from mtcm_pipeline.selection import STRATEGIES, SelectionProblem, SelectOptions, select
from mtcm_pipeline.selection.determinantal import joint_kernel
from mtcm_pipeline.selection.optimisers import lazy_greedy, naive_greedy
from mtcm_pipeline.selection.pool import Pool
from mtcm_pipeline.selection.seed import (
    SeedObjective,
    appearance_agreement,
    coverage_rows,
    saturate,
)

OPTIONS = SelectOptions()


def chosen_rows(problem, strategy, budget, **changes):
    selection = select(
        problem, SelectOptions(strategy=strategy, budget=budget, **changes)
    )
    return [problem.names.index(name) for name in selection.ranking]


def whole_pool(problem, budget=10):
    return Pool(problem, np.arange(len(problem.names)), (), budget)


def turntable(n=36, **changes) -> SelectionProblem:
    """Cameras on a circle, one every 360 / n degrees, all alike in appearance."""
    azimuth = 2 * np.pi * np.arange(n) / n
    centres = np.column_stack([np.cos(azimuth), np.sin(azimuth), np.zeros(n)])
    parts = {
        "centres_xyz": centres,
        "directions": -centres,
        "embeddings": np.tile([[1.0, 0.0]], (n, 1)),
        "similarity": np.ones((n, n)),
        "quality": np.ones(n),
    }
    return random_problem(n, **(parts | changes))


def naive_farthest(points, budget, forced=()):
    """Farthest view sampling as one would write it first, in plain loops."""
    chosen = list(forced)
    if not chosen:
        mean = sum(points) / len(points)
        chosen.append(
            min(range(len(points)), key=lambda i: np.linalg.norm(points[i] - mean))
        )
    while len(chosen) < budget:
        best, best_distance = -1, -1.0
        for i in range(len(points)):
            nearest = min(np.linalg.norm(points[i] - points[j]) for j in chosen)
            if i not in chosen and nearest > best_distance:
                best, best_distance = i, nearest
        chosen.append(best)
    return chosen


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("forced", [(), (7, 2)])
def test_fvs_is_the_plain_loop(seed, forced):
    problem = random_problem(30, seed=seed)
    problem = dataclasses.replace(problem, forced=tuple(problem.names[i] for i in forced))
    expected = naive_farthest(problem.centres_xyz, 12, forced)
    assert chosen_rows(problem, "fvs", 12) == expected
    poses = np.hstack([problem.centres_xyz, 2.0 * problem.directions])
    expected = naive_farthest(poses, 12, forced)
    assert chosen_rows(problem, "fvs_directions", 12, direction_weight=2.0) == expected


def test_fvs_on_a_turntable_by_hand():
    selection = select(turntable(), SelectOptions(strategy="fvs", budget=4))
    rows = [turntable().names.index(name) for name in selection.ranking]
    # All cameras are equally central: the first one starts. Then opposite, then between.
    assert rows == [0, 18, 9, 27]
    assert selection.gains[1:] == pytest.approx([2.0, np.sqrt(2), np.sqrt(2)])
    assert selection.reasons[0].startswith("the most central camera")
    assert selection.reasons[1].startswith("180 degrees from the nearest chosen view")
    assert selection.reasons[2] == (
        "90 degrees from the nearest chosen view, 1.41 camera distances away"
    )


def test_facility_location_first_choice_and_gains_by_brute_force():
    problem = random_problem(20)
    cosine = problem.embeddings @ problem.embeddings.T
    covered = lambda s: np.maximum(cosine[list(s)], 0).max(axis=0).sum()  # noqa: E731
    selection = select(problem, SelectOptions(strategy="facility_location", budget=2))
    rows = [problem.names.index(name) for name in selection.ranking]
    assert rows[0] == max(range(20), key=lambda i: covered([i]))
    assert rows[1] == max(set(range(20)) - {rows[0]}, key=lambda i: covered([rows[0], i]))
    assert sum(selection.gains) == pytest.approx(covered(rows))
    best = max(covered(pair) for pair in combinations(range(20), 2))
    assert covered(rows) >= (1 - 1 / np.e) * best


def test_facility_location_counts_only_frames_that_may_be_chosen():
    # Two views stand for themselves; 20 faulty frames crowd round the second one.
    centres = np.array([[1.0, 0, 0], [1.0, 0.1, 0], [0, 1, 0]] + [[0, 1, 0.05]] * 20)
    eligible = np.arange(23) < 3
    problem = random_problem(
        23, centres_xyz=centres, directions=-unit(centres), eligible=eligible
    )
    first = chosen_rows(problem, "facility_location_poses", 1)[0]
    assert first in {0, 1}


def test_k_medoids_costs_no_more_than_any_single_exchange():
    problem = random_problem(8)
    poses = np.hstack([problem.centres_xyz, problem.directions])
    distance = np.linalg.norm(poses[:, None] - poses[None], axis=2)
    rows = chosen_rows(problem, "k_medoids", 3)
    cost = distance[rows].min(axis=0).sum()
    for out in rows:
        for other in set(range(8)) - set(rows):
            exchanged = [other if row == out else row for row in rows]
            assert distance[exchanged].min(axis=0).sum() >= cost - 1e-9
    best = min(distance[list(s)].min(axis=0).sum() for s in combinations(range(8), 3))
    assert cost <= 1.2 * best


def test_k_medoids_keeps_forced_frames_that_are_poor_medoids():
    problem = random_problem(30, seed=4)
    far = int(np.linalg.norm(problem.centres_xyz, axis=1).argmax())
    forced = dataclasses.replace(problem, forced=(problem.names[far],))
    assert chosen_rows(forced, "k_medoids", 5)[0] == far


@pytest.mark.parametrize("seed", range(3))
def test_k_dpp_is_brute_force_greedy_on_the_log_determinant(seed):
    problem = random_problem(14, seed=seed)
    kernel = joint_kernel(whole_pool(problem), OPTIONS)(np.arange(14))
    matrix = kernel * np.outer(problem.quality, problem.quality) + 1e-3 * np.eye(14)
    chosen, log_dets = [], [0.0]
    for _ in range(6):
        value = {
            i: np.linalg.slogdet(matrix[np.ix_([*chosen, i], [*chosen, i])])[1]
            for i in set(range(14)) - set(chosen)
        }
        chosen.append(max(value, key=value.get))
        log_dets.append(value[chosen[-1]])
    selection = select(problem, SelectOptions(strategy="k_dpp", budget=6))
    assert [problem.names.index(n) for n in selection.ranking] == chosen
    assert selection.gains == pytest.approx(np.diff(log_dets))


def test_the_joint_kernel_is_positive_definite_with_a_unit_diagonal():
    kernel = joint_kernel(whole_pool(random_problem(60)), OPTIONS)(np.arange(60))
    assert np.diag(kernel) == pytest.approx(np.ones(60))
    assert np.linalg.eigvalsh(kernel).min() > 0
    assert kernel == pytest.approx(kernel.T)


def test_every_nth_by_hand():
    assert sorted(chosen_rows(turntable(12), "every_nth", 4)) == [0, 3, 6, 9]
    eligible = np.arange(12) % 2 == 1
    problem = turntable(12, eligible=eligible)
    assert sorted(chosen_rows(problem, "every_nth", 3)) == [1, 5, 9]


def test_every_nth_ranks_a_spread_short_list_first():
    rows = chosen_rows(turntable(36), "every_nth", 9)
    first = sorted(rows[:3])
    assert min(np.diff(first)) >= 12


def test_uniform_time_ignores_that_the_camera_lingered():
    # 20 frames in the first tenth of the time, 10 in the rest.
    times = np.concatenate([np.linspace(0, 0.1, 20), np.linspace(0.19, 1.0, 10)])
    problem = turntable(30, times=times)
    taken = np.sort(times[chosen_rows(problem, "uniform_time", 5)])
    assert np.abs(taken - [0.1, 0.3, 0.5, 0.7, 0.9]).max() <= 0.05
    assert (times[chosen_rows(problem, "every_nth", 5)] <= 0.1).sum() >= 3


def test_random_draws_differ_by_seed_and_are_uniform():
    problem = turntable(10)
    counts = np.zeros(10)
    for seed in range(400):
        counts[chosen_rows(problem, "random", 3, seed=seed)] += 1
    # Binomial with p = 0.3: mean 120, standard deviation 9.2.
    assert np.abs(counts - 120).max() < 4 * 9.2


def test_seed_method_is_the_same_with_either_optimiser():
    problem = random_problem(120)
    pool = whole_pool(problem, 25)
    rows = coverage_rows(pool)
    lazy = lazy_greedy(SeedObjective(pool, rows, OPTIONS), 25)
    naive = naive_greedy(SeedObjective(pool, rows, OPTIONS), 25)
    assert lazy[0] == naive[0]
    assert lazy[1] == pytest.approx(naive[1])


def test_seed_gains_lie_in_0_to_1_and_never_grow_for_a_frame():
    pool = whole_pool(random_problem(50))
    objective = SeedObjective(pool, coverage_rows(pool), OPTIONS)
    everyone = np.arange(50)
    before = objective.gains(everyone)
    assert before.min() >= 0 and before.max() <= 1
    for index in (3, 30, 12):
        objective.add(index)
        after = objective.gains(everyone)
        assert (after <= before + 1e-12).all()
        before = after


def test_seed_parts_by_hand():
    problem = turntable(36)
    pool = whole_pool(problem)
    objective = SeedObjective(pool, coverage_rows(pool), OPTIONS)
    objective.add(0)
    _, pose, appearance, time = objective.parts(np.array([2]))[0]
    assert pose == pytest.approx(20 / (20 + 20))  # two steps of 10 degrees
    assert appearance == 1.0  # all frames look alike
    assert time == pytest.approx((2 / 35) / (2 / 35 + 0.02))
    assert saturate(np.array([0.0, np.inf]), 3.0) == pytest.approx([0.0, 1.0])


def test_seed_by_pose_alone_spreads_round_the_turntable():
    options = {"weight_coverage": 0, "weight_appearance": 0, "weight_time": 0}
    rows = chosen_rows(turntable(), "seed", 4, **options)
    assert sorted(rows) == [0, 9, 18, 27]


def test_seed_prefers_the_better_of_two_equal_views():
    quality = np.ones(36)
    quality[::2] = 0.2
    rows = chosen_rows(turntable(quality=quality), "seed", 12)
    assert all(row % 2 == 1 for row in rows)


def test_seed_does_not_start_with_a_frame_that_looks_like_none_of_its_neighbours():
    n = 36
    embeddings = np.tile([[1.0, 0.0]], (n, 1))
    embeddings += 0.05 * np.random.default_rng(0).normal(size=(n, 2))
    embeddings[10] = [-1.0, 0.2]
    embeddings = unit(embeddings)
    problem = turntable(n, embeddings=embeddings, similarity=embeddings @ embeddings.T)
    agreement = appearance_agreement(problem.centres_xyz, embeddings, 5)
    assert agreement[10] == 0.0 and agreement[[8, 9, 11, 12]].min() > 0.2
    assert 10 not in chosen_rows(problem, "seed", 10)


def test_agreement_by_brute_force_and_unknown_where_it_cannot_be_judged():
    problem = random_problem(40)
    views, embeddings = unit(problem.centres_xyz), problem.embeddings
    cosine = embeddings @ embeddings.T
    expected = []
    for i in range(40):
        order = np.argsort(np.linalg.norm(views - views[i], axis=1))
        expected.append(np.median(cosine[i, order[1:6]]))
    below = np.median(expected) - np.array(expected)
    scale = 3 * 1.4826 * np.median(np.abs(below))
    agreement = appearance_agreement(views, embeddings, 5)
    assert agreement == pytest.approx(np.clip(1 - below / scale, 0, 1))
    views = views.copy()
    views[7] = np.nan
    assert appearance_agreement(views, embeddings, 5)[7] == 0.5
    assert (appearance_agreement(views[:1], embeddings[:1], 5) == 0.5).all()


def test_every_strategy_beats_the_worst_case_on_a_lingering_capture():
    """All but counting strategies leave a smaller gap than taking the first frames."""
    azimuth = np.concatenate([np.linspace(0, 0.3, 60), np.linspace(0.3, 6.0, 40)])
    centres = np.column_stack([np.cos(azimuth), np.sin(azimuth), 0 * azimuth])
    rng = np.random.default_rng(0)
    embeddings = unit(centres @ rng.normal(size=(3, 8)))
    problem = random_problem(
        100,
        centres_xyz=centres,
        directions=-centres,
        embeddings=embeddings,
        similarity=centres @ centres.T,
        quality=np.ones(100),
    )
    for strategy in sorted(set(STRATEGIES) - {"random", "every_nth", "uniform_time"}):
        rows = chosen_rows(problem, strategy, 8)
        chords = np.linalg.norm(centres[:, None] - centres[rows][None], axis=2)
        assert chords.min(axis=1).max() < 2 * np.sin(np.radians(60) / 2), strategy
