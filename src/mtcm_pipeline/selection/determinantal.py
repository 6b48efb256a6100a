"""k-DPP: the set of frames whose joint likeness spans the largest volume."""

from __future__ import annotations

import numpy as np

from mtcm_pipeline.selection.kernels import (
    Float,
    Int,
    Rows,
    decayed_rows,
    gaussian_rows,
    joint_rows,
    pose_features,
    typical_similarity,
)
from mtcm_pipeline.selection.objectives import LogDeterminant
from mtcm_pipeline.selection.optimisers import naive_greedy
from mtcm_pipeline.selection.options import SelectOptions
from mtcm_pipeline.selection.pool import Pick, Pool
from mtcm_pipeline.selection.reasons import angle_parts, picks

# A frame of quality 0 is chosen last, not never: its logarithm must stay finite.
_QUALITY_FLOOR = 0.05


def rank_k_dpp(pool: Pool, options: SelectOptions) -> list[Pick]:
    """Greedy MAP of a k-DPP (Chen, Zhang and Zhou 2018).

    Kernel: q_i q_j times pose likeness times appearance likeness, where the likeness of
    appearance is that of learned similarity and embeddings together. Products of positive
    definite kernels are positive definite (Schur). Gains are logarithms, so they may be
    negative. The budget plays no part: the first k are the answer for the budget k.
    """
    quality = np.maximum(pool.quality, _QUALITY_FLOOR)
    kernel = _weighted(joint_kernel(pool, options), quality)
    objective = LogDeterminant(kernel, quality**2, capacity=pool.budget)
    order, gains = naive_greedy(objective, pool.budget, pool.forced)
    trusted = [f"quality {pool.quality[index]:.2f}" for index in order]
    trusted[:1] = [f"a frame of the highest {text}" for text in trusted[:1]]
    return picks(order, gains, angle_parts(pool, order), trusted)


def joint_kernel(pool: Pool, options: SelectOptions) -> Rows:
    """Rows of the unweighted kernel, 1 on the diagonal; poses count where all exist."""
    similar = joint_rows(pool)
    appearance = decayed_rows(similar, typical_similarity(similar, len(pool)))
    features = pose_features(pool, options.direction_weight)
    if not np.isfinite(features).all():
        return _with_unit_diagonal(appearance)
    pose = gaussian_rows(features, options.pose_scale)
    return _with_unit_diagonal(lambda indices: pose(indices) * appearance(indices))


def _with_unit_diagonal(rows: Rows) -> Rows:
    def unit(indices: Int) -> Float:
        block = rows(indices)
        block[np.arange(len(indices)), indices] = 1.0
        return block

    return unit


def _weighted(rows: Rows, quality: Float) -> Rows:
    return lambda indices: rows(indices) * quality[indices][:, None] * quality
