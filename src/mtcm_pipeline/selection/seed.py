"""The seed method: coverage, pose diversity, appearance consistency, spread in time.

Each frame's gain is its quality times a weighted mean of four parts in 0..1:

- coverage: how many frames it newly covers, by learned similarity and embeddings
  together (facility location above the similarity of a typical pair);
- pose: its angle to the nearest chosen view, as seen from the subject;
- appearance: whether its embedding agrees with those of its neighbours in pose;
- time: its distance in the sequence from the nearest chosen frame.

The first, second and fourth saturate, x / (x + half), and none of them grows while frames
are chosen, so the lazy optimiser finds exactly what the naive one does.
Dimension letters: P frames in the pool, B candidates.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from mtcm_pipeline.selection.kernels import (
    Float,
    Int,
    Rows,
    above_typical_rows,
    joint_rows,
    typical_similarity,
)
from mtcm_pipeline.selection.objectives import FacilityLocation
from mtcm_pipeline.selection.optimisers import lazy_greedy
from mtcm_pipeline.selection.options import SelectOptions
from mtcm_pipeline.selection.pool import Pick, Pool
from mtcm_pipeline.selection.reasons import (
    angle_parts,
    cover_parts,
    picks,
    sequence_parts,
)
from mtcm_pipeline.selection.viewing_sphere import angles_deg

# Disagreement beyond 3 robust standard deviations counts as none at all.
_MAD_TO_SIGMA = 1.4826
_SIGMAS = 3.0
# Cosines of frames from one side differ by this much anyway.
_SIGMA_FLOOR = 0.01
_UNKNOWN_AGREEMENT = 0.5


def rank_seed(pool: Pool, options: SelectOptions) -> list[Pick]:
    """The seed method; the first k are the answer for the budget k.

    Where the whole capture lacks poses or embeddings, their parts count alike for all.
    """
    rows = coverage_rows(pool)
    objective = SeedObjective(pool, rows, options)
    order, gains = lazy_greedy(objective, pool.budget, pool.forced)
    trusted = [f"quality {pool.quality[index]:.2f}" for index in order]
    return picks(
        order,
        gains,
        angle_parts(pool, order),
        cover_parts(rows, len(pool), order),
        sequence_parts(pool, order),
        trusted,
    )


def coverage_rows(pool: Pool) -> Rows:
    """Similarity rows in 0..1: 0 for a typical pair of this pool, 1 for identical."""
    similar = joint_rows(pool)
    return above_typical_rows(similar, typical_similarity(similar, len(pool)))


class SeedObjective:
    """Gains of the seed method; see the module's docstring."""

    def __init__(self, pool: Pool, rows: Rows, options: SelectOptions) -> None:
        self.size = len(pool)
        self.pool = pool
        self.options = options
        self.coverage = FacilityLocation(rows, self.size)
        self.agreement = appearance_agreement(
            pool.views, pool.embeddings, options.appearance_neighbours
        )
        self.angle_deg = np.full(self.size, np.inf)
        self.apart = np.full(self.size, np.inf)

    def gains(self, candidates: Int) -> Float:
        """(B) quality times the weighted mean of the four parts."""
        o = self.options
        weights = np.array(
            [o.weight_coverage, o.weight_pose, o.weight_appearance, o.weight_time]
        )
        mean = self.parts(candidates) @ weights / max(weights.sum(), 1e-12)
        return self.pool.quality[candidates] * mean

    def parts(self, candidates: Int) -> Float:
        """(B, 4) coverage, pose, appearance and time, each in 0..1."""
        covered = self.coverage.gains(candidates) / self.size
        o = self.options
        return np.column_stack(
            [
                saturate(covered, o.half_coverage),
                saturate(self.angle_deg[candidates], o.half_angle_deg),
                self.agreement[candidates],
                saturate(self.apart[candidates], o.half_time),
            ]
        )

    def add(self, index: int) -> None:
        """Choose a frame."""
        self.coverage.add(index)
        angle = angles_deg(self.pool.views[index], self.pool.views)
        self.angle_deg = np.fmin(self.angle_deg, angle)
        apart = np.abs(self.pool.times - self.pool.times[index])
        self.apart = np.fmin(self.apart, apart)


def saturate(amount: Float, half: float) -> Float:
    """amount / (amount + half): 0 for nothing, 0.5 at `half`, 1 without bound."""
    return 1.0 - half / (amount + half)


def appearance_agreement(views: Float, embeddings: Float, neighbours: int) -> Float:
    """How well each frame looks like the frames that see the subject from nearby.

    Args:
        views: (P, 3) unit vectors from the subject to the cameras; NaN without a pose.
        embeddings: (P, D) unit appearance vectors; NaN where absent.
        neighbours: how many nearest views each frame is compared with.

    Returns:
        (P) in 0..1: 1 for the median frame and better, falling to 0 at three robust
        standard deviations below; 0.5 where a frame cannot be compared.
    """
    agreement = np.full(len(views), _UNKNOWN_AGREEMENT)
    both = np.isfinite(views).all(axis=1) & np.isfinite(embeddings).all(axis=1)
    known = np.flatnonzero(both)
    k = min(neighbours, len(known) - 1)
    if k < 1 or not embeddings.shape[1]:
        return agreement
    cosine = _neighbour_cosine(views[known], embeddings[known], k)
    below = np.median(cosine) - cosine
    sigma = max(_MAD_TO_SIGMA * np.median(np.abs(below)), _SIGMA_FLOOR)
    agreement[known] = np.clip(1.0 - below / (_SIGMAS * sigma), 0.0, 1.0)
    return agreement


def _neighbour_cosine(views: Float, embeddings: Float, k: int) -> Float:
    """(P) median cosine with the k nearest views, the frame itself left out.

    The median, because one foreign frame must not discredit its good neighbours.
    """
    _, near = cKDTree(views).query(views, k=k + 1)  # (P, k + 1)
    own = near == np.arange(len(views))[:, None]
    # Among duplicates the frame itself may not be in its own list: drop the last then.
    own[~own.any(axis=1), -1] = True
    near = near[~own].reshape(len(views), k)
    cosines = [np.einsum("pd,pd->p", embeddings, embeddings[c]) for c in near.T]
    return np.median(cosines, axis=0)
