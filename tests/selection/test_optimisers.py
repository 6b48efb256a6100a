"""Lazy against naive, naive against brute force, exchanges against all exchanges."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from mtcm_pipeline.selection.kernels import distance_rows
from mtcm_pipeline.selection.objectives import Dispersion, FacilityLocation
from mtcm_pipeline.selection.optimisers import lazy_greedy, naive_greedy, swap_medoids


def random_similarity(n, seed):
    points = np.random.default_rng(seed).normal(size=(n, 2))
    return np.exp(-np.linalg.norm(points[:, None] - points[None], axis=2))


def facility(similarity):
    return FacilityLocation(lambda indices: similarity[indices], len(similarity))


def covered(similarity, subset):
    return similarity[list(subset)].max(axis=0).sum()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("forced", [(), (3,), (40, 7)])
def test_lazy_greedy_is_naive_greedy(seed, forced):
    similarity = random_similarity(150, seed)
    lazy = lazy_greedy(facility(similarity), 30, forced)
    naive = naive_greedy(facility(similarity), 30, forced)
    assert lazy[0] == naive[0]
    assert lazy[1] == pytest.approx(naive[1])
    assert lazy[0][: len(forced)] == list(forced)


def test_lazy_greedy_is_naive_greedy_when_everything_ties():
    similarity = np.ones((100, 100))
    assert lazy_greedy(facility(similarity), 100)[0] == list(range(100))
    assert naive_greedy(facility(similarity), 100)[0] == list(range(100))


def test_lazy_greedy_asks_for_fewer_gains():
    asked = {"lazy": 0, "naive": 0}
    similarity = random_similarity(1000, 0)
    for name, optimiser in (("lazy", lazy_greedy), ("naive", naive_greedy)):
        objective = facility(similarity)
        plain = objective.gains

        def counted(candidates, plain=plain, name=name):
            asked[name] += len(candidates)
            return plain(candidates)

        objective.gains = counted
        optimiser(objective, 20)
    assert asked["lazy"] < asked["naive"] / 3


@pytest.mark.parametrize("seed", range(5))
def test_greedy_is_optimal_for_one_and_within_the_bound_for_more(seed):
    similarity = random_similarity(11, seed)
    order, gains = naive_greedy(facility(similarity), 4)
    for k in range(1, 5):
        best = max(covered(similarity, s) for s in combinations(range(11), k))
        reached = covered(similarity, order[:k])
        assert sum(gains[:k]) == pytest.approx(reached)
        assert reached >= (1 - 1 / np.e) * best
        if k == 1:
            assert reached == pytest.approx(best)


def test_gains_never_grow():
    _, gains = naive_greedy(facility(random_similarity(60, 1)), 60)
    assert (np.diff(gains) <= 1e-12).all()


def test_farthest_point_traversal_is_within_twice_the_smallest_largest_gap():
    points = np.random.default_rng(2).normal(size=(12, 3))
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    order, _ = naive_greedy(Dispersion(points), 3)
    best = min(distance[list(s)].min(axis=0).max() for s in combinations(range(12), 3))
    assert distance[order].min(axis=0).max() <= 2 * best


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("fixed", [0, 1])
def test_no_single_exchange_improves_the_medoids(seed, fixed):
    points = np.random.default_rng(seed).normal(size=(8, 2))
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    medoids = swap_medoids(distance_rows(points), 8, [0, 1, 2], fixed=fixed)
    cost = distance[medoids].min(axis=0).sum()
    assert medoids[:fixed] == [0, 1, 2][:fixed]
    assert len(set(medoids)) == 3
    for place in range(fixed, 3):
        for other in set(range(8)) - set(medoids):
            exchanged = [*medoids[:place], other, *medoids[place + 1 :]]
            assert distance[exchanged].min(axis=0).sum() >= cost - 1e-9
    optimum = min(
        distance[[*medoids[:fixed], *s]].min(axis=0).sum()
        for s in combinations(range(8), 3 - fixed)
    )
    assert optimum - 1e-9 <= cost <= 1.5 * optimum


def test_one_medoid_is_the_frame_of_the_smallest_total_distance():
    points = np.random.default_rng(3).normal(size=(40, 2))
    total = np.linalg.norm(points[:, None] - points[None], axis=2).sum(axis=1)
    assert swap_medoids(distance_rows(points), 40, [0]) == [int(total.argmin())]


def test_medoids_find_separate_clusters():
    corners = np.array([[0.0, 0], [10, 0], [0, 10], [10, 10]])
    points = np.repeat(corners, 5, axis=0) + np.tile([[0.1, 0.0]], (20, 1)) * np.arange(
        20
    ).reshape(-1, 1)
    medoids = swap_medoids(distance_rows(points), 20, [0, 1, 2, 3])
    assert sorted(m // 5 for m in medoids) == [0, 1, 2, 3]


def test_too_few_passes_are_reported(caplog):
    points = np.random.default_rng(0).normal(size=(60, 2))
    swap_medoids(distance_rows(points), 60, [0, 1, 2, 3], max_passes=1)
    assert "max_swap_passes" in caplog.text
