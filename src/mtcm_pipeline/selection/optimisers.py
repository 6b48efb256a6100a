"""Optimisers know order; objectives know gains.

Ties are broken by capture order: of the frames whose gain equals the largest one up to
rounding, the earliest is taken. Dimension letters: P frames in the pool, K medoids.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.progress import tracked
from mtcm_pipeline.selection.kernels import Rows, batches
from mtcm_pipeline.selection.objectives import Objective

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Ranked = tuple[list[int], list[float]]

logger = logging.getLogger(__name__)

# Gains closer than this are the same: another batch size may round differently.
TIE = 1e-9
LAZY_BATCH = 64
_SHOW_PROGRESS_FROM = 3000


def naive_greedy(objective: Objective, budget: int, forced: Sequence[int] = ()) -> Ranked:
    """Choose the frame of the largest gain again and again, asking for all gains.

    Args:
        objective: nothing chosen yet.
        budget: how many to choose, forced ones included; at most the objective's size.
        forced: chosen first, in this order.

    Returns:
        Indices in the order of choice, and their gains when they were chosen.
    """
    order, gains = _choose_forced(objective, forced)
    free = np.ones(objective.size, dtype=bool)
    free[order] = False
    while len(order) < budget:
        candidates = np.flatnonzero(free)
        values = objective.gains(candidates)
        at = int(np.flatnonzero(values >= values.max() - _tie(values.max()))[0])
        _choose(objective, int(candidates[at]), float(values[at]), (order, gains))
        free[order[-1]] = False
    return order, gains


def lazy_greedy(objective: Objective, budget: int, forced: Sequence[int] = ()) -> Ranked:
    """The same as `naive_greedy`, asking for few gains.

    Gains never grow, so an old gain bounds the present one from above, and a frame whose
    old gain is below another's present one need not be asked (Minoux 1978). Frames are
    asked in batches, largest bound first.
    """
    order, gains = _choose_forced(objective, forced)
    bounds = np.full(objective.size, np.inf)
    bounds[order] = -np.inf
    steps: Iterable[int] = range(len(order), budget)
    if objective.size >= _SHOW_PROGRESS_FROM:
        steps = tracked(steps, "choosing views")
    for _ in steps:
        index = _refresh_until_sure(objective, bounds)
        _choose(objective, index, float(bounds[index]), (order, gains))
        bounds[index] = -np.inf
    return order, gains


def swap_medoids(
    distances: Rows,
    size: int,
    medoids: Sequence[int],
    *,
    fixed: int = 0,
    max_passes: int = 20,
) -> list[int]:
    """Exchange medoids for other frames until no single exchange lowers the cost.

    The cost is the sum over all frames of the distance to the nearest medoid. Candidates
    are tried in capture order and an improving exchange is made at once (FasterPAM,
    Schubert and Rousseeuw 2021, algorithm 4): O(P^2) a pass, no P x P matrix.

    Args:
        distances: indices (B) -> (B, P) distances, non-negative.
        size: P.
        medoids: where to start.
        fixed: the first so many medoids are not exchanged.
        max_passes: give up after so many passes over the frames, with a warning.

    Returns:
        The medoids; the fixed ones still first.
    """
    state = _Medoids(distances, list(medoids), fixed)
    if fixed == len(state.indices):
        return state.indices
    unchanged = 0
    for _ in range(max_passes):
        for block in batches(size):
            for candidate, row in zip(block.tolist(), distances(block), strict=True):
                unchanged = 0 if state.try_swap(candidate, row) else unchanged + 1
                if unchanged >= size:
                    return state.indices
    logger.warning(
        "k-medoids stopped after %d passes before settling: raise "
        "select.max_swap_passes for the exact local optimum",
        max_passes,
    )
    return state.indices


class _Medoids:
    """Medoids with each frame's nearest and second nearest one."""

    def __init__(self, distances: Rows, medoids: list[int], fixed: int) -> None:
        self.indices = medoids
        self.fixed = fixed
        self.to_medoids = distances(np.array(medoids))  # (K, P)
        self._update()

    def _update(self) -> None:
        columns = np.arange(self.to_medoids.shape[1])
        self.nearest = self.to_medoids.argmin(axis=0)  # (P)
        self.first = self.to_medoids[self.nearest, columns]
        others = self.to_medoids.copy()
        # With one medoid the second is nowhere; any finite distance beyond all does.
        others[self.nearest, columns] = np.inf
        beyond = 2.0 * self.to_medoids.max() + 1.0
        self.second = others.min(axis=0)
        self.second[np.isinf(self.second)] = beyond
        self.taken = set(self.indices)

    def try_swap(self, candidate: int, row: Float) -> bool:
        """Exchange the medoid whose loss is smallest, if that lowers the cost."""
        if candidate in self.taken:
            return False
        closer = row < self.first
        own = np.where(closer, self.first, np.minimum(row, self.second)) - self.first
        loss = np.bincount(self.nearest, weights=own, minlength=len(self.indices))
        loss[: self.fixed] = np.inf
        out = int(loss.argmin())
        change = loss[out] + (row - self.first)[closer].sum()
        if change >= -TIE * max(1.0, self.first.sum()):
            return False
        self.indices[out] = candidate
        self.to_medoids[out] = row
        self._update()
        return True


def _refresh_until_sure(objective: Objective, bounds: Float) -> int:
    """Renew bounds in place until the earliest frame of the largest gain is known."""
    fresh = np.zeros(len(bounds), dtype=bool)
    while True:
        best = bounds[fresh].max(initial=-np.inf)
        doubtful = ~fresh & (bounds >= best - _tie(best)) & (bounds > -np.inf)
        stale = np.flatnonzero(doubtful)
        if not stale.size:
            winners = fresh & (bounds >= best - _tie(best))
            return int(np.flatnonzero(winners)[0])
        top = stale[np.argsort(-bounds[stale], kind="stable")[:LAZY_BATCH]]
        bounds[top] = objective.gains(top)
        fresh[top] = True


def _choose_forced(objective: Objective, forced: Sequence[int]) -> Ranked:
    ranked: Ranked = ([], [])
    for index in forced:
        gain = objective.gains(np.array([index]))[0]
        _choose(objective, index, float(gain), ranked)
    return ranked


def _choose(objective: Objective, index: int, gain: float, ranked: Ranked) -> None:
    objective.add(index)
    ranked[0].append(index)
    ranked[1].append(gain)


def _tie(best: float) -> float:
    return TIE * max(1.0, abs(best)) if np.isfinite(best) else 0.0
