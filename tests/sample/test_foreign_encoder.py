import numpy as np

from mtcm_pipeline.sample.foreign_encoder import as_from_elsewhere


def test_angles_are_kept_but_no_vector_is_its_own():
    rng = np.random.default_rng(0)
    centre = rng.normal(size=384)
    vectors = centre + 0.7 * rng.normal(size=(30, 384))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = vectors.astype(np.float32)
    turned = as_from_elsewhere(lambda pictures: vectors)([])
    assert np.allclose(np.linalg.norm(turned, axis=1), 1, atol=1e-6)
    assert np.abs(turned @ turned.T - vectors @ vectors.T).max() < 0.15
    assert np.abs((turned * vectors).sum(axis=1)).max() < 0.3
