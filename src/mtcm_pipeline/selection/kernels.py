"""How alike two frames are: rows of matrices that are never held as a whole.

Every function returns another one, indices (B) -> rows (B, P), so that 10,000 frames
need no P x P matrix. Dimension letters: P frames in the pool, D embedding width,
F pose features, B frames of a batch.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from mtcm_pipeline.selection.pool import Pool

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Rows = Callable[[Int], Float]

BATCH = 128


def batches(size: int) -> list[Int]:
    """The indices 0..size-1, ascending, in (B,) blocks of at most `BATCH`."""
    return [np.arange(i, min(i + BATCH, size)) for i in range(0, size, BATCH)]


def pose_features(pool: Pool, direction_weight: float) -> Float:
    """(P, 6) camera centre, then viewing direction times `direction_weight`.

    Euclidean distance between them is the pose distance, in camera distances.
    """
    return np.hstack([pool.centres_xyz, direction_weight * pool.directions])


def distance_rows(features: Float) -> Rows:
    """Euclidean distances between rows of (P, F) features."""
    return lambda indices: cdist(features[indices], features)


def gaussian_rows(features: Float, scale: float) -> Rows:
    """exp(-d^2 / (2 scale^2)) of the distances d between rows of (P, F) features."""
    distances = distance_rows(features)
    return lambda indices: np.exp(-0.5 * (distances(indices) / scale) ** 2)


def cosine_rows(vectors: Float) -> Rows:
    """Scalar products of (P, D) unit vectors."""
    return lambda indices: vectors[indices] @ vectors.T


def joint_rows(pool: Pool) -> Rows:
    """(B, P) mean of the learned similarity and the embeddings' cosine, in -1..1.

    Where one of the two is absent the other one counts, where both are, 0.
    """
    width = pool.embeddings.shape[1]
    nothing = np.full((len(pool), 1), np.nan)
    cosines = cosine_rows(pool.embeddings if width else nothing)

    def rows(indices: Int) -> Float:
        learned, cosine = pool.similarity_rows(indices), cosines(indices)
        mean = 0.5 * (learned + cosine)
        if np.isfinite(mean).all():
            return mean
        one = np.where(np.isfinite(learned), learned, np.nan_to_num(cosine))
        return np.where(np.isfinite(mean), mean, one)

    return rows


def typical_similarity(rows: Rows, size: int) -> float:
    """Median over the frames of each frame's median similarity to the others.

    It needs a batch of rows at a time, and the order of the frames does not matter.

    Args:
        rows: indices (B) -> (B, P) similarities.
        size: P.
    """
    if size < 2:
        return 0.0
    medians = []
    for indices in batches(size):
        block = np.array(rows(indices))
        block[np.arange(len(indices)), indices] = np.nan
        low, high = (size - 2) // 2, (size - 1) // 2
        ordered = np.partition(block, (low, high), axis=1)  # NaN goes last
        medians.append(0.5 * (ordered[:, low] + ordered[:, high]))
    return float(np.median(np.concatenate(medians)))


def above_typical_rows(rows: Rows, typical: float) -> Rows:
    """(B, P) similarity rescaled: 0 up to a typical pair, 1 for identical frames."""
    span = max(1.0 - typical, 1e-9)
    return lambda indices: np.clip((rows(indices) - typical) / span, 0.0, 1.0)


def decayed_rows(rows: Rows, typical: float) -> Rows:
    """exp(-(1 - s) / (1 - typical)): 1 for identical frames, 1/e for a typical pair.

    Positive definite whenever the similarities s are (a power series with positive
    coefficients, Schur's product theorem).
    """
    span = max(1.0 - typical, 1e-9)
    return lambda indices: np.exp((rows(indices) - 1.0) / span)
