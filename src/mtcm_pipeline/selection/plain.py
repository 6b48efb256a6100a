"""Strategies that look at nothing but the sequence: what people do by hand.

Dimension letters: P frames in the pool, K frames to choose.
"""

from __future__ import annotations

import numpy as np

from mtcm_pipeline.selection.farthest import spread_order
from mtcm_pipeline.selection.kernels import Float, Int
from mtcm_pipeline.selection.options import SelectOptions
from mtcm_pipeline.selection.pool import Pick, Pool
from mtcm_pipeline.selection.reasons import picks, sequence_parts


def rank_every_nth(pool: Pool, options: SelectOptions) -> list[Pick]:
    """Every n-th frame, n = P / K, the first frame included; forced frames count to K.

    The frames depend on the budget. They are ranked so that the sequence is halved again
    and again, so the first k of a larger answer are spread, but not every (P/k)-th frame:
    for those, run with the budget k. Gains: frames to the nearest chosen one, as a share
    of the sequence.
    """
    forced, free = _split(pool)
    missing = pool.budget - len(forced)
    chosen = free[every_nth(len(free), missing)]
    step = len(free) / max(missing, 1)
    return _spread(
        pool, chosen, np.linspace(0, 1, len(pool)), f"one of every {step:.3g} frames"
    )


def rank_uniform_time(pool: Pool, options: SelectOptions) -> list[Pick]:
    """Frames evenly spread in time, whatever the frame rate was meanwhile.

    The time from the first to the last frame is cut into K equal parts, and each part
    takes the free frame nearest to its middle. As with `every_nth`, the frames depend on
    the budget and the first k are a spread short list. Where not every frame has a
    timestamp, places in the sequence stand in for times.
    """
    forced, free = _split(pool)
    missing = pool.budget - len(forced)
    times = pool.times if pool.seconds is None else pool.seconds
    times = np.where(np.isfinite(times), times, np.linspace(0, 1, len(pool)))
    edges = np.linspace(times.min(), times.max(), missing + 1)
    chosen: list[int] = []
    for middle in 0.5 * (edges[1:] + edges[:-1]):
        gaps = np.abs(times[free] - middle)
        at = int(np.flatnonzero(gaps <= gaps.min() + 1e-12)[0])
        chosen.append(int(free[at]))
        free = np.delete(free, at)
    return _spread(pool, np.array(chosen, dtype=np.int64), times, "evenly spread in time")


def rank_random(pool: Pool, options: SelectOptions) -> list[Pick]:
    """Frames drawn without replacement; no objective, so all gains are 0.

    The whole pool is shuffled, so the first k are the answer for the budget k.
    """
    forced, free = _split(pool)
    drawn = np.random.default_rng(options.seed).permutation(free)
    order = [*forced, *drawn.tolist()][: pool.budget]
    reason = f"drawn at random with seed {options.seed}"
    return [Pick(index, 0.0, reason) for index in order]


def every_nth(size: int, wanted: int) -> Int:
    """`wanted` of the indices 0..size-1, evenly: floor(i size / wanted)."""
    return np.arange(wanted) * size // max(wanted, 1)


def _split(pool: Pool) -> tuple[list[int], Int]:
    """Forced indices in their order, and all the others ascending."""
    others = np.setdiff1d(np.arange(len(pool)), pool.forced)
    return list(pool.forced), others


def _spread(pool: Pool, chosen: Int, position: Float, why: str) -> list[Pick]:
    """Forced frames, then `chosen`, farthest first by their (P) position."""
    indices = np.concatenate([np.array(pool.forced, dtype=np.int64), chosen])
    order, gains = spread_order(position[indices][:, None], len(pool.forced))
    order = indices[order].tolist()
    return picks(order, gains, [why] * len(order), sequence_parts(pool, order))
