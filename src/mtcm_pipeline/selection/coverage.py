"""Coverage: every frame should have a chosen frame that can stand in for it.

Facility location and k-medoids share the objective; the first is optimised greedily, the
second by exchanging medoids.
"""

from __future__ import annotations

import numpy as np

from mtcm_pipeline.selection.kernels import (
    Rows,
    batches,
    cosine_rows,
    distance_rows,
    gaussian_rows,
    pose_features,
)
from mtcm_pipeline.selection.objectives import FacilityLocation
from mtcm_pipeline.selection.optimisers import lazy_greedy, swap_medoids
from mtcm_pipeline.selection.options import SelectOptions
from mtcm_pipeline.selection.pool import Pick, Pool
from mtcm_pipeline.selection.reasons import angle_parts, cover_parts, picks


def rank_facility_location(pool: Pool, options: SelectOptions) -> list[Pick]:
    """Facility location on the embeddings' cosines; gains in frames fully covered.

    The budget plays no part, so the first k are the answer for the budget k.
    """
    return _rank(pool, cosine_rows(pool.embeddings))


def rank_facility_location_poses(pool: Pool, options: SelectOptions) -> list[Pick]:
    """The same on poses: similarity falls with pose distance (`pose_scale`)."""
    features = pose_features(pool, options.direction_weight)
    return _rank(pool, gaussian_rows(features, options.pose_scale))


def rank_k_medoids(pool: Pool, options: SelectOptions) -> list[Pick]:
    """k-medoids on pose distance: no single exchange brings the frames any closer.

    The medoids depend on the budget. They are ranked by what each adds to those before
    it (by how much it brings frames closer), so the first k of a larger answer are a
    sensible short list, but not the k medoids: for those, run with the budget k.
    """
    distances = distance_rows(pose_features(pool, options.direction_weight))
    closeness = _closeness(distances, len(pool))
    start, _ = lazy_greedy(
        FacilityLocation(closeness, len(pool)), pool.budget, pool.forced
    )
    medoids = swap_medoids(
        distances,
        len(pool),
        start,
        fixed=len(pool.forced),
        max_passes=options.max_swap_passes,
    )
    order, gains = _rank_among(closeness, len(pool), medoids, len(pool.forced))
    covered = cover_parts(closeness, len(pool), order)
    return picks(order, gains, covered, angle_parts(pool, order))


def _rank(pool: Pool, rows: Rows) -> list[Pick]:
    objective = FacilityLocation(rows, len(pool))
    order, gains = lazy_greedy(objective, pool.budget, pool.forced)
    covered = cover_parts(rows, len(pool), order)
    return picks(order, gains, covered, angle_parts(pool, order))


def _closeness(distances: Rows, size: int) -> Rows:
    """Distances turned into similarities >= 0: the largest distance less the distance."""
    largest = max(float(distances(block).max()) for block in batches(size))
    return lambda indices: largest - distances(indices)


def _rank_among(
    rows: Rows, size: int, medoids: list[int], fixed: int
) -> tuple[list[int], list[float]]:
    """Order `medoids` by greedy gain over all frames, the first `fixed` ones leading."""
    objective = FacilityLocation(rows, size)
    # Ascending, so that ties go to capture order and not to the order of the exchanges.
    waiting = medoids[:fixed] + sorted(medoids[fixed:])
    order: list[int] = []
    gains: list[float] = []
    while waiting:
        values = objective.gains(np.array(waiting))
        at = 0 if len(order) < fixed else int(values.argmax())
        objective.add(waiting[at])
        gains.append(float(values[at]))
        order.append(waiting.pop(at))
    return order, gains
