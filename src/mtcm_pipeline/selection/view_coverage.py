"""Our selector: the views from which every plausible viewpoint can be rendered.

It maximises the surrogate of `surrogate.quality` over plausible target viewpoints
(`plausible_targets`): each point that a target sees should be seen by a chosen view from
nearly the same direction. A view counts by its quality and by its resolution at the
point. Views of one ranking serve every budget: greedy choice, then exchanges that raise
the mean over several lengths of the ranking at once.

Dimension letters: P frames in the pool, T targets, Q points of a target, B candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.selection.optimisers import TIE, lazy_greedy
from mtcm_pipeline.selection.options import SelectOptions
from mtcm_pipeline.selection.plausible_targets import Targets, plausible_targets
from mtcm_pipeline.selection.pool import Pick, Pool
from mtcm_pipeline.selection.reasons import angle_parts, picks

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Worth = NDArray[np.float32]

# Frames whose worth is held in memory at once while it is measured.
_BLOCK = 32
# A frame of no quality is still worth something: it is better than nothing at all.
_LEAST_QUALITY = 0.02
# A ranking is good at these lengths, half as many again each: up to about the last, it
# matters which views one has, beyond it nearly any serves.
_LENGTHS = (3, 5, 8, 12, 18, 27)


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
    """Ranking by coverage of plausible viewpoints; gains in expected quality (0..1).

    The budget plays no part, so the first k are the answer for the budget k. Where
    `problem.geometry` is absent, points on the targets' axes stand in for the scene's.
    """
    targets = plausible_targets(pool, options)
    objective = ViewCoverage(view_worth(pool, targets, options), targets.weights)
    order = balanced_ranking(objective, pool.forced, max_passes=options.max_swap_passes)
    if len(order) < pool.budget:
        order, _ = lazy_greedy(objective.fresh(), pool.budget, order)
    return _explained(pool, objective, order[: pool.budget])


def view_worth(pool: Pool, targets: Targets, options: SelectOptions) -> Worth:
    """(P, T, Q) how well each frame shows each target's points, in 0..1.

    exp(-angle / half angle) between the frame and the target as seen from the point,
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
        value = np.exp(-angle / options.half_view_deg) * detail**options.resolution_power
        worth[row] = np.where(targets.seen[row], quality[row] * value, 0.0)
    return worth


def balanced_ranking(
    objective: ViewCoverage, forced: Sequence[int], *, max_passes: int
) -> list[int]:
    """A ranking whose first k frames are good for several k at once.

    The best sets of k and of k + 1 frames need not share a frame. From the best set that
    exchanges find for one length, ranked and continued greedily, exchanges go on to raise
    the mean over all lengths; of the rankings that start from each length the best stays.

    Args:
        objective: whose value counts; what it holds as chosen plays no part.
        forced: frames that come first, in this order.
        max_passes: of exchanges over a ranking.

    Returns:
        As many as the longest length, or as are forced, or all frames.
    """
    room = range(len(forced) + 1, objective.size)
    lengths = [k for k in _LENGTHS if k in room] or [min(len(forced) + 1, objective.size)]
    greedy, _ = lazy_greedy(objective.fresh(), lengths[-1], forced)
    if len(greedy) <= len(forced):
        return greedy
    rankings = [
        exchange_for_all(
            objective,
            _ranked_and_continued(objective, greedy, (len(forced), k, max_passes)),
            lengths,
            fixed=len(forced),
            max_passes=max_passes,
        )
        for k in lengths
    ]
    values = [sum(objective.value(r[:k]) for k in lengths) for r in rankings]
    return rankings[int(np.flatnonzero(np.array(values) >= max(values) - 1e-6)[0])]


def exchange_for_all(
    objective: ViewCoverage,
    order: Sequence[int],
    lengths: Sequence[int],
    *,
    fixed: int,
    max_passes: int,
) -> list[int]:
    """Exchange frames of a ranking until no exchange raises its mean value.

    The mean is over the values of its first k frames, k among `lengths`, so that one
    ranking serves every budget. Frames outside the ranking come in for others.

    Args:
        objective: whose value is raised; what it holds as chosen plays no part.
        order: ranking to start from.
        lengths: the k that count; those beyond the ranking are left away.
        fixed: the first so many frames stay where they are.
        max_passes: over the ranking.
    """
    order = list(order)
    lengths = [k for k in lengths if k <= len(order)]
    for _ in range(max_passes):
        before = list(order)
        for at in range(fixed, max(lengths, default=0)):
            _exchange_at(objective, order, at, lengths)
        if order == before:
            break
    return order


def _ranked_and_continued(
    objective: ViewCoverage, greedy: Sequence[int], how: tuple[int, int, int]
) -> list[int]:
    """The best set of one length, ranked by gain, and greedy choice from there on."""
    fixed, k, max_passes = how
    chosen = exchange_for_all(
        objective, greedy[:k], [k], fixed=fixed, max_passes=max_passes
    )
    best = objective.best_of(chosen[:fixed])
    order, waiting = chosen[:fixed], sorted(chosen[fixed:])
    while waiting:
        gains = objective.gains_over(best, np.array(waiting))
        at = int(np.flatnonzero(gains >= gains.max() - TIE)[0])
        best = np.maximum(best, objective.worth[waiting[at]])
        order.append(waiting.pop(at))
    return lazy_greedy(objective.fresh(), len(greedy), order)[0]


def _exchange_at(
    objective: ViewCoverage, order: list[int], at: int, lengths: Sequence[int]
) -> None:
    """Put the frame at one place that raises the sum over the lengths most."""
    taken = set(order)
    free = [i for i in range(objective.size) if i == order[at] or i not in taken]
    candidates = np.array(free)
    total = np.zeros(len(candidates))
    for k in lengths:
        if k > at:
            best = objective.best_of(order[:at] + order[at + 1 : k])
            total += objective.gains_over(best, candidates)
    now = total[free.index(order[at])]
    # Rounding decides nothing: the earliest frame of those that are best.
    winner = int(np.flatnonzero(total >= total.max() - TIE)[0])
    if total[winner] > now + 1e-6:
        order[at] = free[winner]


def _explained(pool: Pool, objective: ViewCoverage, order: Sequence[int]) -> list[Pick]:
    """Each choice with what it adds to those before it."""
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
