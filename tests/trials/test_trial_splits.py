"""Test splits: sizes, determinism, and what the two rules promise."""

from __future__ import annotations

import numpy as np
import pytest

from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.errors import CaptureError, ParameterError
from mtcm_pipeline.trials.splits import SPLIT_RULES, equal_regions, hold_out
from synthetic import moved, orbit_cameras


@pytest.mark.parametrize("rule", SPLIT_RULES)
@pytest.mark.parametrize(("frames", "held_out"), [(20, 3), (44, 7), (66, 8), (100, 8)])
def test_a_split_parts_the_capture(rule, frames, held_out):
    cameras = orbit_cameras(frames)
    split = hold_out(cameras, rule, 0, seed=0)
    assert len(split.hidden) == held_out
    assert sorted(split.hidden + split.shown) == sorted(cameras.names)
    order = [name for name in cameras.names if name in split.shown]
    assert list(split.shown) == order


@pytest.mark.parametrize("rule", SPLIT_RULES)
def test_a_number_and_a_seed_decide(rule):
    cameras = orbit_cameras(60)
    first = hold_out(cameras, rule, 0, seed=0)
    assert first == hold_out(cameras, rule, 0, seed=0)
    others = [hold_out(cameras, rule, number, seed=0).hidden for number in (1, 2, 3)]
    others.append(hold_out(cameras, rule, 0, seed=1).hidden)
    assert all(other != first.hidden for other in others)


@pytest.mark.parametrize("rule", SPLIT_RULES)
def test_moving_the_world_moves_no_split(rule):
    cameras = orbit_cameras(40)
    turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    elsewhere = moved(cameras, Similarity(3.0, turn, np.array([5.0, -2.0, 1.0])))
    assert hold_out(elsewhere, rule, 2, seed=5) == hold_out(cameras, rule, 2, seed=5)


def test_farthest_views_are_each_farthest_from_those_before():
    """Brute force: no left-out camera is farther from the chosen ones than any chosen."""
    cameras = orbit_cameras(30)
    hidden = set(hold_out(cameras, "farthest", 0, seed=0).hidden)
    rows = [row for row, name in enumerate(cameras.names) if name in hidden]
    centres = cameras.centres_xyz
    apart = np.linalg.norm(centres[:, None] - centres[None], axis=2)
    spread = min(apart[a, b] for a in rows for b in rows if a != b)
    others = [row for row in range(30) if row not in rows]
    assert max(min(apart[o, r] for r in rows) for o in others) <= spread + 1e-12


@pytest.mark.parametrize("count", [3, 5, 7, 8])
def test_regions_part_the_rows_into_nearly_equal_ones(count):
    features = np.random.default_rng(0).normal(size=(53, 6))
    regions = equal_regions(features, np.arange(53), count)
    assert len(regions) == count
    assert sorted(np.concatenate(regions).tolist()) == list(range(53))
    sizes = [len(region) for region in regions]
    assert max(sizes) - min(sizes) <= 2


def test_regions_lie_apart_where_the_features_do():
    clusters = np.repeat([[0.0, 0], [10, 0], [0, 3], [10, 3]], 5, axis=0)
    noise = 0.01 * np.random.default_rng(0).normal(size=clusters.shape)
    regions = equal_regions(clusters + noise, np.arange(20), 4)
    assert sorted(sorted(region // 5) for region in regions) == [
        [k] * 5 for k in range(4)
    ]


def test_a_tiny_capture_and_an_unknown_rule_are_refused():
    with pytest.raises(CaptureError, match="not 5"):
        hold_out(orbit_cameras(5), "farthest", 0, seed=0)
    with pytest.raises(ParameterError, match="farthest, stratified"):
        hold_out(orbit_cameras(20), "nearest", 0, seed=0)
