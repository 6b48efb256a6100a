"""Multicut and trust against planted parts and exhaustive search."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from mtcm_pipeline.judge.consensus import (
    SignedGraph,
    leading_vector,
    multicut,
    part_columns,
    signed_graph,
    trust_of,
)


def graph_of(matrix) -> SignedGraph:
    first, second = np.nonzero(np.triu(matrix, 1))
    return SignedGraph(first, second, matrix[first, second], len(matrix))


def planted(sizes, rng, noise=0.1, density=0.7):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    same = labels[:, None] == labels[None]
    matrix = np.where(same, 1.0, -1.0) + noise * rng.normal(size=same.shape)
    matrix *= rng.random(same.shape) < density
    matrix = np.triu(matrix, 1)
    return matrix + matrix.T, labels


def cost(matrix, labels):
    """Sum of what is cut: the multicut is the labelling with the least."""
    return np.triu(matrix * (labels[:, None] != labels[None]), 1).sum()


@pytest.mark.parametrize("seed", range(4))
def test_planted_parts_are_found(seed):
    matrix, labels = planted([9, 5, 4], np.random.default_rng(seed), 0.3, 1.0)
    found = multicut(graph_of(matrix))
    together = found[:, None] == found[None]
    assert (together == (labels[:, None] == labels[None])).all()


@pytest.mark.parametrize("seed", range(6))
def test_no_single_move_and_hardly_any_partition_is_better(seed):
    rng = np.random.default_rng(seed)
    matrix = np.triu(rng.normal(size=(6, 6)), 1)
    matrix = matrix + matrix.T
    found = cost(matrix, multicut(graph_of(matrix)))
    best = min(cost(matrix, np.array(labels)) for labels in product(range(6), repeat=6))
    assert best <= found + 1e-9
    assert found <= best + 0.35 * abs(best)


def test_a_frame_without_pairs_is_a_part_of_its_own_and_says_nothing():
    matrix = np.zeros((5, 5))
    matrix[:4, :4] = 1.0 - np.eye(4)
    columns = part_columns(graph_of(matrix))
    assert np.isnan(columns["part_small"][4]) and np.isnan(columns["trust"][4])
    assert (columns["part_apart"][:4] == 0).all()


def test_a_block_is_told_from_a_weakly_linked_part():
    """Both lie outside the largest part; only the block disagrees with it."""
    matrix = np.zeros((12, 12))
    for rows in (slice(0, 6), slice(6, 9), slice(9, 12)):
        matrix[rows, rows] = 1.0
    matrix[0, 6] = matrix[6, 0] = matrix[1, 7] = matrix[7, 1] = -1.0
    np.fill_diagonal(matrix, 0.0)
    columns = part_columns(graph_of(matrix))
    # two pairs that disagree, beside the one that is put there and says nothing
    assert columns["part_against"][6:9] == pytest.approx(2 / 3)
    assert np.isnan(columns["part_against"][9:]).all()
    assert (columns["part_against"][:6] == -1.0).all()


@pytest.mark.parametrize("pairs", [1, 3, 6])
def test_the_more_pairs_disagree_the_surer_it_is(pairs):
    matrix = np.ones((7, 7)) - np.eye(7)
    matrix[6] = matrix[:, 6] = 0.0
    matrix[6, :pairs] = matrix[:pairs, 6] = -1.0
    majority = part_columns(graph_of(matrix))["majority"]
    assert majority[6] == pytest.approx(pairs / (pairs + 1))
    assert majority[5] == pytest.approx(-5 / 6)  # its five pairs in the largest part


def test_trust_follows_the_majority():
    matrix = np.where(np.eye(8), 0.0, 1.0)
    matrix[7, :7] = matrix[:7, 7] = -1.0
    trust = trust_of(graph_of(matrix))
    assert trust[7] < 0.1 and trust[:7].min() > 0.9
    vector = leading_vector(graph_of(matrix))
    assert vector[7] == pytest.approx(-1.0) and vector[:7].min() == pytest.approx(1.0)


def test_pairs_that_say_neither_yes_nor_no_blame_nobody():
    first, second = np.array([0, 1, 3]), np.array([1, 2, 4])
    graph = signed_graph(first, second, np.zeros(3), np.full(3, 40.0), 6)
    assert leading_vector(graph).tolist() == [0.0] * 6
    assert not np.isfinite(part_columns(graph)["spectral"]).any()  # nobody is linked


def test_pairs_count_by_their_matches_and_unknown_ones_not_at_all():
    agreement, inliers = np.array([1.0, -1.0, np.nan]), np.array([15.0, 600.0, 50.0])
    graph = signed_graph(np.array([0, 1, 2]), np.array([1, 2, 3]), agreement, inliers, 4)
    assert graph.signed.tolist() == [0.5, -1.0]
