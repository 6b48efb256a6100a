"""The projection keeps geometry (Johnson-Lindenstrauss) and never changes."""

import numpy as np

from mtcm_pipeline.encoders.fixed_projection import (
    EMBEDDING_WIDTH,
    gaussian_projection,
    project,
    unit_rows,
)
from mtcm_pipeline.tokens.layout import EMBEDDING_WIDTH as TOKEN_EMBEDDING_WIDTH


def test_its_width_is_that_of_the_token():
    assert EMBEDDING_WIDTH == TOKEN_EMBEDDING_WIDTH


def test_distances_are_kept_up_to_what_the_theorem_allows():
    points = np.random.default_rng(3).normal(size=(60, 1280))
    mapped = points @ gaussian_projection(1280)
    i, j = np.triu_indices(60, 1)
    before = ((points[i] - points[j]) ** 2).sum(axis=1)
    after = ((mapped[i] - mapped[j]) ** 2).sum(axis=1)
    ratio = after / before  # chi-squared with 384 degrees of freedom, over 384
    expected_deviation = np.sqrt(2 / 384)
    assert abs(ratio.mean() - 1) < 0.02
    assert abs(ratio.std() - expected_deviation) < 0.3 * expected_deviation
    assert np.abs(ratio - 1).max() < 5 * expected_deviation


def test_cosines_are_kept():
    rng = np.random.default_rng(4)
    base = rng.normal(size=1280)
    other = 0.6 * base / np.linalg.norm(base)
    noise = rng.normal(size=1280)
    noise -= base * (noise @ base) / (base @ base)
    other = other + 0.8 * noise / np.linalg.norm(noise)  # cosine 0.6 by construction
    a, b = project(np.stack([base, other]))
    assert abs(float(a @ b) - 0.6) < 0.15


def test_same_seed_same_matrix_other_seed_another():
    gaussian_projection.cache_clear()
    first = gaussian_projection(7).copy()
    np.random.seed(1)  # noqa: NPY002  (the global generator must not matter)
    gaussian_projection.cache_clear()
    assert np.array_equal(first, gaussian_projection(7))
    assert not np.allclose(first, gaussian_projection(7, seed=1))


def test_unit_rows_keep_direction_and_leave_zero_alone():
    rows = unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]], dtype=np.float32))
    assert np.allclose(rows, [[0.6, 0.8], [0.0, 0.0]])
