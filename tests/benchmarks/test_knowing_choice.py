"""The ceiling of the selection benchmark, against an exhaustive search."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from mtcm_pipeline.benchmarks.knowing_choice import knowing_choice
from mtcm_pipeline.surrogate.geometry import ViewGeometry
from mtcm_pipeline.surrogate.quality import expected_quality

TARGETS = ("t0", "t1", "t2")


def random_geometry(seed: int, frames: int) -> tuple[ViewGeometry, tuple[str, ...]]:
    """Cameras on a sphere about points that they see or not, by chance."""
    rng = np.random.default_rng(seed)
    names = tuple(f"f{i}" for i in range(frames))
    centres = rng.normal(size=(frames + len(TARGETS), 3))
    centres *= 3.0 / np.linalg.norm(centres, axis=1, keepdims=True)
    points = rng.normal(size=(40, 3)) * 0.3
    seen = rng.random((len(centres), 40)) < 0.6
    focal = np.full(len(centres), 100.0)
    return ViewGeometry((*names, *TARGETS), centres, focal, points, seen), names


@pytest.mark.parametrize("seed", range(6))
def test_no_exchange_raises_the_expected_quality_of_the_test_views(seed):
    geometry, names = random_geometry(seed, 12)
    chosen = knowing_choice(geometry, names, TARGETS, 4)
    assert len(set(chosen)) == 4
    value = expected_quality(geometry, chosen, TARGETS).mean
    for gone, came in itertools.product(chosen, set(names) - set(chosen)):
        other = [came if name == gone else name for name in chosen]
        assert expected_quality(geometry, other, TARGETS).mean <= value + 1e-6


def test_it_comes_within_a_hundredth_of_the_best_of_all_sets():
    short = []
    for seed in range(10):
        geometry, names = random_geometry(seed, 9)
        chosen = knowing_choice(geometry, names, TARGETS, 3)
        best = max(
            expected_quality(geometry, rows, TARGETS).mean
            for rows in itertools.combinations(names, 3)
        )
        value = expected_quality(geometry, chosen, TARGETS).mean
        short.append(best - value)
    assert min(short) > -1e-6
    assert max(short) < 0.01


def test_a_target_that_sees_nothing_is_left_out_and_all_frames_may_be_chosen():
    geometry, names = random_geometry(3, 5)
    geometry.seen[-1] = False
    assert set(knowing_choice(geometry, names, TARGETS, 5)) == set(names)


def test_exchanges_undo_what_greedy_took_first():
    angle = np.radians([0.0, 10.0, -10.0, 10.0, -10.0])
    centres = np.column_stack([np.sin(angle), np.zeros(5), np.cos(angle)])
    points = np.zeros((4, 3))
    first, second = [True, True, False, False], [False, False, True, True]
    # Between the targets one frame sees all points; in their places two see half each.
    seen = np.array([[True] * 4, first, second, first, second])
    names = ("between", "left", "right", "t0", "t1")
    geometry = ViewGeometry(names, centres, np.full(5, 100.0), points, seen)
    assert knowing_choice(geometry, names[:3], names[3:], 1) == ("between",)
    assert set(knowing_choice(geometry, names[:3], names[3:], 2)) == {"left", "right"}
