"""Farthest view sampling: always the view that is farthest from all chosen ones.

The published baseline (Xiao et al. 2024, "NeRF Director", section 4). It starts with the
most central camera: the one nearest to the mean of all.
"""

from __future__ import annotations

import numpy as np

from mtcm_pipeline.selection.kernels import Float, pose_features
from mtcm_pipeline.selection.objectives import Dispersion
from mtcm_pipeline.selection.optimisers import Ranked, naive_greedy
from mtcm_pipeline.selection.options import SelectOptions
from mtcm_pipeline.selection.pool import Pick, Pool
from mtcm_pipeline.selection.reasons import angle_parts, picks


def rank_fvs(pool: Pool, options: SelectOptions) -> list[Pick]:
    """Farthest view sampling on camera centres; gains in camera distances.

    The budget plays no part, so the first k are the answer for the budget k.
    """
    return _rank(pool, pool.centres_xyz)


def rank_fvs_directions(pool: Pool, options: SelectOptions) -> list[Pick]:
    """The same on centres and viewing directions together (`direction_weight`)."""
    return _rank(pool, pose_features(pool, options.direction_weight))


def spread_order(features: Float, forced: int = 0) -> Ranked:
    """All rows of (P, F) features, farthest first, the first `forced` rows leading."""
    return naive_greedy(Dispersion(features), len(features), range(forced))


def _rank(pool: Pool, features: Float) -> list[Pick]:
    order, gains = naive_greedy(Dispersion(features), pool.budget, pool.forced)
    travel = [""] + [
        f"{_nearest(pool.centres_xyz, order, k):.2f} camera distances away"
        for k in range(1, len(order))
    ]
    travel[:1] = ["the most central camera"] if order else []
    return picks(order, gains, angle_parts(pool, order), travel)


def _nearest(centres_xyz: Float, order: list[int], k: int) -> float:
    """Distance from the k-th choice to the nearest of those before it."""
    earlier = centres_xyz[order[:k]]
    return float(np.linalg.norm(earlier - centres_xyz[order[k]], axis=1).min())
