"""Any feature width to 384 numbers, by a projection that never changes.

Dimension letters: N images, B of a batch, D feature width, E = 384 embedding width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

EMBEDDING_WIDTH = 384
PROJECTION_SEED = 20231


@cache
def gaussian_projection(
    width: int, out_width: int = EMBEDDING_WIDTH, seed: int = PROJECTION_SEED
) -> NDArray[np.float32]:
    """Random Gaussian matrix that keeps angles and distances (Johnson, Lindenstrauss).

    Entries are independent N(0, 1 / out_width), so squared lengths are kept in
    expectation, with a relative standard deviation of sqrt(2 / out_width), 7 % at 384
    (Dasgupta and Gupta, "An elementary proof of a theorem of Johnson and Lindenstrauss",
    2003). The legacy generator is used on purpose: it is the one whose stream numpy
    promises never to change, and embeddings on disk must stay comparable.

    Args:
        width: D, numbers a feature vector.
        out_width: E, numbers after the projection.
        seed: of the matrix; another seed is another, incomparable encoder.

    Returns:
        (D, E) float32, read-only.
    """
    generator = np.random.RandomState(seed)
    matrix = generator.standard_normal((width, out_width)) / np.sqrt(out_width)
    matrix = matrix.astype(np.float32)
    matrix.setflags(write=False)
    return matrix


def embeddings_in_batches(
    images: Sequence[NDArray[np.uint8]],
    features_of: Callable[[Sequence[NDArray[np.uint8]]], NDArray[np.float32]],
    batch: int,
) -> NDArray[np.float32]:
    """N images to (N, E) embeddings of unit length, a few images at a time.

    Args:
        images: N of (H, W, 3) uint8 RGB.
        features_of: (B, D) features of a batch.
        batch: B, images held in memory as features at once.
    """
    if not images:
        return np.empty((0, EMBEDDING_WIDTH), dtype=np.float32)
    chunks = [images[i : i + batch] for i in range(0, len(images), batch)]
    return project(np.concatenate([features_of(chunk) for chunk in chunks]))


def project(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, D) features to (N, E) embeddings of unit length."""
    features = np.asarray(features, dtype=np.float32)
    return unit_rows(features @ gaussian_projection(features.shape[1]))


def unit_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, D) rows scaled to length 1 in float64, returned as float32; zeros stay zero."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    return (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
