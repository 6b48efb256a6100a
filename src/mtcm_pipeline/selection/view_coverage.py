"""Our selector: views far from each other that show what plausible viewpoints see.

Coverage is the surrogate of `surrogate.quality` over plausible target viewpoints
(`plausible_targets`): each point that a target sees should be seen by a chosen view from
nearly the same direction. A view counts by its quality and by its resolution at the
point. Where the field will be asked for views is only guessed, though, and choices that
are best for a guess can be poor ones. Farthest view sampling guesses nothing. So each
choice is, of the frames nearly as far from those chosen as any, the one that raises
coverage most.

Dimension letters: P frames in the pool, T targets, Q points of a target, B candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.selection.optimisers import TIE
from mtcm_pipeline.selection.options import SelectOptions
from mtcm_pipeline.selection.plausible_targets import (
    Targets,
    frame_trust,
    neighbours_of,
    plausible_targets,
)
from mtcm_pipeline.selection.pool import Pick, Pool
from mtcm_pipeline.selection.reasons import angle_parts, picks

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Worth = NDArray[np.float32]

# Frames whose worth is held in memory at once while it is measured.
_BLOCK = 32
# A frame of no quality is still worth something: it is better than nothing at all.
_LEAST_QUALITY = 0.02


class ViewCoverage:
    """f(S) = sum over targets t of w_t times the mean over its points p of
    max over v in S of worth(v, t, p).

    Monotone and submodular: greedy reaches 1 - 1/e of the optimum.

    Args:
        worth: (P, T, Q) float32 in 0..1.
        weights: (T,) of the targets.
    """

    def __init__(self, worth: Worth, weights: Float) -> None:
        self.size = len(worth)
        # One column a (target, point), weighted beforehand: a gain is a sum.
        share = (weights / worth.shape[2]).astype(np.float32)
        self.worth = (worth * share[None, :, None]).reshape(self.size, -1)
        self.best = np.zeros(self.worth.shape[1], dtype=np.float32)

    def gains(self, candidates: Int) -> Float:
        """(B) by how much each candidate raises the value."""
        return self.gains_over(self.best, candidates)

    def fresh(self) -> ViewCoverage:
        """The same objective with nothing chosen."""
        other = copy(self)
        other.best = np.zeros_like(self.best)
        return other

    def add(self, index: int) -> None:
        """Choose a frame."""
        self.best = np.maximum(self.best, self.worth[index])

    def best_of(self, rows: Sequence[int]) -> Worth:
        """(T Q) the weighted worth of a set at each point of each target."""
        if not len(rows):
            return np.zeros(self.worth.shape[1], dtype=np.float32)
        return np.asarray(self.worth[list(rows)].max(axis=0))

    def value(self, rows: Sequence[int]) -> float:
        """f of a set, in 0..1."""
        return float(self.best_of(rows).sum(dtype=np.float64))

    def gains_over(self, best: Worth, candidates: Int) -> Float:
        """(B) by how much each candidate raises the value of a set of this worth."""
        gains = np.empty(len(candidates))
        for start in range(0, len(candidates), _BLOCK):
            rows = candidates[start : start + _BLOCK]
            rise = self.worth[rows] - best
            np.maximum(rise, 0.0, out=rise)
            gains[start : start + _BLOCK] = rise.sum(axis=1, dtype=np.float64)
        return gains


def rank_view_coverage(pool: Pool, options: SelectOptions) -> list[Pick]:
    """Ranking by distance and coverage; gains in expected quality (0..1).

    The budget plays no part, so the first k are the answer for the budget k. Where
    `problem.geometry` is absent, points on the targets' axes stand in for the scene's.
    """
    objective = coverage_of(pool, options)
    return explained(pool, objective, spread_by_gain(pool, objective, options))


def coverage_of(pool: Pool, options: SelectOptions) -> ViewCoverage:
    """The coverage of plausible viewpoints by the frames of a pool, nothing chosen."""
    targets = plausible_targets(pool, options)
    return ViewCoverage(view_worth(pool, targets, options), targets.weights)


def spread_by_gain(
    pool: Pool, objective: ViewCoverage, options: SelectOptions
) -> list[int]:
    """Always the frame that gains most, of those nearly as far away as any.

    Distance is that from a frame's camera to the nearest chosen one, times how much the
    frame is trusted (poses that stand alone are wrong more often than rare) and times
    how much of the scene it sees where that is less than frames beside it see. The first
    frame is the one of the largest gain.

    Args:
        pool: whose forced frames come first, in their order.
        objective: nothing chosen yet.
        options: `nearly_farthest` is the share of the largest distance that does.
    """
    trust = frame_trust(pool) * _usual_sight(pool)
    order = list(pool.forced)
    best = objective.best_of(order)
    distance = np.full(len(pool), np.inf)
    for index in order:
        distance = np.minimum(distance, _travel(pool, index))
    while len(order) < pool.budget:
        far = distance * trust
        far[order] = -1.0
        candidates = np.flatnonzero(_nearly_farthest(far, options.nearly_farthest))
        gains = objective.gains_over(best, candidates)
        index = int(candidates[np.flatnonzero(gains >= gains.max() - TIE)[0]])
        best = np.maximum(best, objective.worth[index])
        distance = np.minimum(distance, _travel(pool, index))
        order.append(index)
    return order


def _usual_sight(pool: Pool) -> Float:
    """(P) in 0..1, points that a frame sees as a share of what its neighbours see."""
    geometry = pool.problem.geometry
    if geometry is None:
        return np.ones(len(pool))
    sees = geometry.seen[pool.rows].sum(axis=1)
    usual = np.median(sees[neighbours_of(pool.centres_xyz)], axis=1)
    return np.asarray(np.minimum(1.0, np.maximum(sees, 1) / np.maximum(usual, 1)))


def _nearly_farthest(far: Float, share: float) -> NDArray[np.bool_]:
    """(P) whether a distance is at least this share of the largest."""
    most = far.max()
    return np.asarray(far >= (share * most - TIE if np.isfinite(most) else most))


def _travel(pool: Pool, index: int) -> Float:
    """(P) distance from each camera to that of one frame."""
    apart = pool.centres_xyz - pool.centres_xyz[index]
    return np.asarray(np.linalg.norm(apart, axis=1))


def view_worth(pool: Pool, targets: Targets, options: SelectOptions) -> Worth:
    """(P, T, Q) how well each frame shows each target's points, in 0..1.

    exp(-angle / decay angle) between the frame and the target as seen from the point,
    times the frame's quality, times its resolution (focal length over distance) where
    that is below what frames that see the point usually have, to the power
    `resolution_power`; 0 where the point is hidden.
    """
    towards = _unit(targets.centres_xyz[:, None] - targets.points_xyz)  # (T, Q, 3)
    usual = _usual_resolution(pool, targets)
    quality = np.maximum(pool.quality, _LEAST_QUALITY)
    focal = _focal_px(pool)
    worth = np.empty(targets.seen.shape, dtype=np.float32)
    for row in range(len(pool)):
        rays = pool.centres_xyz[row] - targets.points_xyz
        distance = np.maximum(np.linalg.norm(rays, axis=2), 1e-12)
        cosine = np.einsum("tqc,tqc->tq", rays, towards) / distance
        angle = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
        detail = np.minimum(1.0, focal[row] / distance / usual)
        value = (
            np.exp(-angle / options.decay_angle_deg) * detail**options.resolution_power
        )
        worth[row] = np.where(targets.seen[row], quality[row] * value, 0.0)
    return worth


def ranked_by_gain(
    objective: ViewCoverage, chosen: Sequence[int], first: Sequence[int]
) -> list[int]:
    """A set as a ranking: always the frame that adds most, after those of `first`."""
    order, waiting = list(first), sorted(set(chosen) - set(first))
    best = objective.best_of(order)
    while waiting:
        gains = objective.gains_over(best, np.array(waiting))
        at = int(np.flatnonzero(gains >= gains.max() - TIE)[0])
        best = np.maximum(best, objective.worth[waiting[at]])
        order.append(waiting.pop(at))
    return order


def explained(pool: Pool, objective: ViewCoverage, order: Sequence[int]) -> list[Pick]:
    """Picks in the given order, each with what it adds to those before it."""
    best = objective.best_of([])
    gains, parts = [], []
    for index in order:
        gain = float(objective.gains_over(best, np.array([index]))[0])
        raised = float((objective.worth[index] > best).mean())
        best = np.maximum(best, objective.worth[index])
        value = float(best.sum(dtype=np.float64))
        gains.append(gain)
        parts.append(
            f"raises the expected quality by {gain:.3f} to {value:.3f}, the best view so "
            f"far of {raised:.0%} of what plausible viewpoints see"
        )
    return picks(list(order), gains, parts, angle_parts(pool, order))


def _usual_resolution(pool: Pool, targets: Targets) -> Float:
    """(T, Q) median over the frames that see a point of focal length over distance."""
    focal = _focal_px(pool)
    usual = np.empty(targets.points_xyz.shape[:2])
    for t, points in enumerate(targets.points_xyz):
        rays = pool.centres_xyz[:, None] - points  # (P, Q, 3)
        detail = focal[:, None] / np.maximum(np.linalg.norm(rays, axis=2), 1e-12)
        detail = np.where(targets.seen[:, t], detail, np.nan)
        none = ~targets.seen[:, t].any(axis=0)
        detail[:, none] = 1.0
        usual[t] = np.nanmedian(detail, axis=0)
    return usual


def _focal_px(pool: Pool) -> Float:
    """(P) focal lengths; 1 where they are not known, so that only distance counts."""
    geometry = pool.problem.geometry
    if geometry is None:
        return np.ones(len(pool))
    focal = geometry.focal_px[pool.rows]
    return np.where(np.isfinite(focal), focal, np.nanmedian(geometry.focal_px))


def _unit(vectors: Float) -> Float:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-12))
