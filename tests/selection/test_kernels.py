"""Rows of similarity matrices against the whole matrices."""

from __future__ import annotations

import numpy as np
import pytest
from selection_problems import random_problem

from mtcm_pipeline.selection.kernels import (
    above_typical_rows,
    batches,
    decayed_rows,
    gaussian_rows,
    joint_rows,
    pose_features,
    typical_similarity,
)
from mtcm_pipeline.selection.pool import Pool


@pytest.mark.parametrize("size", [1, 2, 3, 8, 9, 300])
def test_typical_similarity_is_the_median_of_each_frames_median(size):
    matrix = np.random.default_rng(size).uniform(size=(size, size))
    typical = typical_similarity(lambda indices: matrix[indices], size)
    others = [np.delete(matrix[i], i) for i in range(size)]
    expected = np.median([np.median(o) for o in others]) if size > 1 else 0.0
    assert typical == pytest.approx(expected)


def test_batches_cover_every_index_once():
    assert np.concatenate(batches(300)).tolist() == list(range(300))


def test_gaussian_of_pose_distance_by_hand():
    features = np.array([[0.0, 0.0], [3.0, 4.0]])
    row = gaussian_rows(features, 5.0)(np.array([0]))[0]
    assert row == pytest.approx([1.0, np.exp(-0.5)])


def test_pose_features_are_centre_and_weighted_direction():
    problem = random_problem(5)
    pool = Pool(problem, np.arange(1, 4), (), 3)
    features = pose_features(pool, 0.5)
    assert features[:, :3] == pytest.approx(problem.centres_xyz[1:4])
    assert features[:, 3:] == pytest.approx(0.5 * problem.directions[1:4])


def test_quality_lies_in_0_to_1_and_counts_half_where_it_is_unknown():
    problem = random_problem(4, quality=np.array([-0.2, 0.7, np.nan, 1.5]))
    pool = Pool(problem, np.arange(4), (), 4)
    assert pool.quality.tolist() == [0.0, 0.7, 0.5, 1.0]


def test_joint_rows_average_what_is_known():
    similarity = np.full((4, 4), 0.2)
    similarity[0] = similarity[:, 0] = np.nan
    embeddings = np.array([[1.0, 0], [0, 1], [1, 0], [np.nan, np.nan]])
    problem = random_problem(4, similarity=similarity, embeddings=embeddings)
    rows = joint_rows(Pool(problem, np.arange(4), (), 4))(np.arange(4))
    assert rows[1, 2] == pytest.approx(0.5 * (0.2 + 0.0))  # both known
    assert rows[0, 2] == pytest.approx(1.0)  # cosine only
    assert rows[1, 3] == pytest.approx(0.2)  # learned only
    assert rows[0, 3] == 0.0  # neither


def test_rescaled_similarities_by_hand():
    matrix = np.array([[1.0, 0.5, 0.75]])
    fixed = lambda indices: matrix[indices]  # noqa: E731
    at = np.array([0])
    assert above_typical_rows(fixed, 0.5)(at)[0] == pytest.approx([1.0, 0.0, 0.5])
    expected = np.exp([0.0, -1.0, -0.5])
    assert decayed_rows(fixed, 0.5)(at)[0] == pytest.approx(expected)
