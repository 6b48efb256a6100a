from dataclasses import replace

import numpy as np
import pytest

from mtcm_pipeline.selection import STRATEGIES, SelectOptions, select
from mtcm_pipeline.selection.from_cameras import problem_from_cameras
from synthetic import moved, orbit_cameras, random_similarity


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
def test_every_strategy_answers_from_poses_alone_in_any_world(strategy):
    cameras = orbit_cameras(30)
    options = SelectOptions(strategy=strategy, budget=8)
    here = select(problem_from_cameras(cameras), options)
    there = select(problem_from_cameras(moved(cameras, random_similarity(2))), options)
    assert here.ranking == there.ranking and len(here.ranking) == 8


def test_two_views_by_farthest_sampling_are_far_apart():
    cameras = orbit_cameras(30, share=0.5)
    problem = problem_from_cameras(cameras)
    chosen = select(problem, SelectOptions(strategy="fvs", budget=3)).ranking
    rows = [cameras.names.index(name) for name in chosen]
    ends = {0, 1, 2, 27, 28, 29}
    assert len(ends & set(rows[1:])) == 2  # both ends of the half circle
    assert np.isclose(np.median(np.linalg.norm(problem.centres_xyz, axis=1)), 1.0)


def test_uniform_time_follows_the_clock_where_there_is_one():
    problem = problem_from_cameras(orbit_cameras(60))
    burst_then_slow = np.concatenate([np.linspace(0, 0.5, 50), np.linspace(10, 100, 10)])
    timed = replace(problem, seconds=burst_then_slow)
    options = SelectOptions(strategy="uniform_time", budget=10)
    chosen = [problem.names.index(n) for n in select(timed, options).ranking]
    assert sum(row >= 50 for row in chosen) >= 9  # 9 of 10 equal parts lie there
    by_place = [problem.names.index(n) for n in select(problem, options).ranking]
    assert sum(row >= 50 for row in by_place) == 2
