"""The set of frames whose small fields show the other frames best.

Geometry alone does not say what a set reconstructs: two sets that cover the viewpoints
alike differ by a decibel. This strategy tries some dozens of sets: it fits a small field
to each and looks at the frames outside it (`probing`). What a set is expected to be worth
is what its field showed plus what `view_coverage` expects of it at viewpoints where no
frame stands. Sets to begin with come from coverage, from farthest view sampling with
several starts and from k-medoids; then exchanges in the best ones bring in frames that
their fields show badly.

Dimension letters: P frames in the pool, K to choose, M sets tried.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.progress import tracked
from mtcm_pipeline.selection.coverage import rank_k_medoids
from mtcm_pipeline.selection.farthest import rank_fvs, rank_fvs_directions
from mtcm_pipeline.selection.objectives import Dispersion
from mtcm_pipeline.selection.optimisers import naive_greedy
from mtcm_pipeline.selection.options import SelectOptions
from mtcm_pipeline.selection.pool import Pick, Pool
from mtcm_pipeline.selection.probing import (
    FrameSet,
    Probes,
    judging_weights,
    small_field_look,
)
from mtcm_pipeline.selection.view_coverage import (
    ViewCoverage,
    coverage_of,
    explained,
    rank_view_coverage,
    ranked_by_gain,
)

Float = NDArray[np.float64]

log = logging.getLogger(__name__)

# What a unit of coverage is worth in fitted PSNR: 13 to 15 dB on fox. No figure for
# people, for whom `surrogate.quality.DECIBELS_A_UNIT` is rounded over captures.
_DECIBELS_A_UNIT = 13.0
# Where less than half of what the sets differ by is more than noise, fields say nothing.
_LEAST_RELIABILITY = 0.5
# Farthest view sampling from so many frames besides its own start.
_OTHER_STARTS = 3
# Sets tried between two looks at how all sets compare, from how many of the best ones
# they come, and how many exchanges are imagined for each that is tried.
_A_ROUND = 5
_PARENTS = 2
_IMAGINED = 60
# No more than a quarter of a set is exchanged at once.
_EXCHANGED = 0.25
# A frame that its set's field shows so many dB worse than expected is e times as likely
# to come in, and by this share of it the set is expected to gain.
_DEFICIT_DB = 1.5
_DEFICIT_SHARE = 0.3
# With fewer frames outside a set, what its field shows says nothing.
_FEWEST_JUDGES = 4


def rank_field_guided(pool: Pool, options: SelectOptions) -> list[Pick]:
    """The best set that `options.probes` trials find, ranked by what it covers.

    The set depends on the budget: the first k of a larger answer are a sensible short
    list, but not the best k. Where the photographs are not known, or all but a few
    frames are chosen, the ranking is that of `rank_view_coverage`.
    """
    if not _can_look(pool):
        return rank_view_coverage(pool, options)
    coverage = coverage_of(pool, options)
    probes = Probes(small_field_look(pool), judging_weights(pool))
    best = best_set(pool, coverage, probes, options)
    return explained(pool, coverage, ranked_by_gain(coverage, best, pool.forced))


def best_set(
    pool: Pool, coverage: ViewCoverage, probes: Probes, options: SelectOptions
) -> FrameSet:
    """The set of the highest worth after `options.probes` trials.

    That of view coverage where no field can be fitted to any of them.

    Args:
        pool: with its budget and forced frames, which every set holds.
        coverage: expected quality from geometry.
        probes: nothing tried yet.
        options: number of trials, seed.
    """
    rng = np.random.default_rng(options.seed)
    waiting = first_sets(pool, options, rng)
    usual = waiting[0]
    for _ in tracked(range(options.probes), "trying sets of views"):
        if not waiting and len(probes):
            waiting = _next_sets(pool, coverage, probes, rng)
        if not waiting:
            break
        probes.try_set(waiting.pop(0))
    if not len(probes):
        log.warning("no field can be fitted to these photographs: view_coverage decides")
        return usual
    effects = probes.effects()
    if effects.reliability < _LEAST_RELIABILITY:
        log.info(
            "fields fitted to %d sets of views differ by little but noise (%.0f %%): "
            "view_coverage decides",
            len(probes),
            100 * (1 - effects.reliability),
        )
        return usual
    worth = effects.of_sets + _covered(coverage, probes.tried)
    at = int(worth.argmax())
    log.info(
        "the best of %d sets of views: fields expect %+.2f dB over the first",
        len(probes),
        worth[at] - worth[0],
    )
    return probes.tried[at]


def first_sets(
    pool: Pool, options: SelectOptions, rng: np.random.Generator
) -> list[FrameSet]:
    """Different sets that geometry proposes, that of view coverage first."""
    rankings = [
        [pick.index for pick in rank(pool, options)]
        for rank in (rank_view_coverage, rank_fvs, rank_k_medoids, rank_fvs_directions)
    ]
    fixed = len(pool.forced)
    free = np.setdiff1d(np.arange(len(pool)), pool.forced)
    if fixed < pool.budget:
        for start in rng.permutation(free)[:_OTHER_STARTS].tolist():
            objective = Dispersion(pool.centres_xyz)
            forced = (*pool.forced, start)
            rankings.append(naive_greedy(objective, pool.budget, forced)[0])
    return list(dict.fromkeys(tuple(sorted(ranking)) for ranking in rankings))


def _covered(coverage: ViewCoverage, sets: Sequence[FrameSet]) -> Float:
    """(M) what coverage says of sets, in dB."""
    return _DECIBELS_A_UNIT * np.array([coverage.value(rows) for rows in sets])


def _can_look(pool: Pool) -> bool:
    views = pool.problem.views
    known = set() if views is None else set(views.names)
    names = [pool.problem.names[row] for row in pool.rows]
    pictured = sum(name in known for name in names)
    if pictured < len(names):
        log.warning(
            "field_guided looks at photographs, and %d of %d usable frames have none "
            "here: views are chosen by view_coverage",
            len(names) - pictured,
            len(names),
        )
        return False
    if pool.budget < 2 or len(pool) - pool.budget < _FEWEST_JUDGES:
        log.info("nearly all frames are chosen or one is: view_coverage decides")
        return False
    return True


def _next_sets(
    pool: Pool, coverage: ViewCoverage, probes: Probes, rng: np.random.Generator
) -> list[FrameSet]:
    """A round of sets not tried yet: the most promising exchanges in the best ones."""
    effects = probes.effects()
    worth = effects.of_sets + _covered(coverage, probes.tried)
    promise: dict[FrameSet, float] = {}
    for parent in np.argsort(-worth, kind="stable")[:_PARENTS].tolist():
        rows = probes.tried[parent]
        shown = effects.of_sets[parent]
        deficit = np.nan_to_num(shown - effects.relative[parent])
        for _ in range(_IMAGINED * _A_ROUND // _PARENTS):
            child, came = _exchanged(pool, rows, deficit, rng)
            if child in probes or child in promise or not came:
                continue
            gained = _DEFICIT_SHARE * deficit[came].sum() / len(rows)
            promise[child] = shown + _covered(coverage, [child])[0] + gained
    return sorted(promise, key=lambda rows: (-promise[rows], rows))[:_A_ROUND]


def _exchanged(
    pool: Pool, rows: FrameSet, deficit: Float, rng: np.random.Generator
) -> tuple[FrameSet, list[int]]:
    """A set with some of its free frames exchanged, and the frames that came in."""
    free = [row for row in rows if row not in pool.forced]
    likely = np.exp(deficit / _DEFICIT_DB)
    likely[list(rows)] = 0.0
    most = min(max(2, round(_EXCHANGED * len(rows))), len(free), int((likely > 0).sum()))
    if not most:
        return rows, []
    count = int(rng.integers(1, most + 1))
    gone = set(rng.permutation(free)[:count].tolist())
    came = rng.choice(len(pool), count, replace=False, p=likely / likely.sum()).tolist()
    return tuple(sorted([*(set(rows) - gone), *came])), came
