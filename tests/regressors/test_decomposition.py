"""Singular values, also where LAPACK's faster routine gives up."""

from __future__ import annotations

import numpy as np

from mtcm_pipeline.regressors import decomposition
from mtcm_pipeline.regressors.decomposition import left_singular

MATRIX = np.random.default_rng(2).normal(size=(12, 30))


def test_they_rebuild_the_products_of_the_rows():
    left, spread = left_singular(MATRIX)
    np.testing.assert_allclose((left * spread**2) @ left.T, MATRIX @ MATRIX.T, atol=1e-10)
    assert (np.diff(spread) <= 0).all()


def test_the_slower_routine_steps_in(monkeypatch):
    expected = left_singular(MATRIX)

    def gives_up(*_, **__):
        raise np.linalg.LinAlgError("SVD did not converge")

    monkeypatch.setattr(decomposition.np.linalg, "svd", gives_up)
    left, spread = left_singular(MATRIX)
    np.testing.assert_allclose(spread, expected[1], rtol=1e-12)
    np.testing.assert_allclose(np.abs(left), np.abs(expected[0]), atol=1e-9)
