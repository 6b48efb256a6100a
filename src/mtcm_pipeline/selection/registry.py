"""All strategies by name, behind one interface.

`select(problem, options)` sees to everything that the strategies share: what the user
forces or forbids, frames that lack what a strategy needs, budgets larger than the
capture. A strategy then ranks a pool of frames that it can judge.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.selection.coverage import (
    rank_facility_location,
    rank_facility_location_poses,
    rank_k_medoids,
)
from mtcm_pipeline.selection.determinantal import rank_k_dpp
from mtcm_pipeline.selection.farthest import rank_fvs, rank_fvs_directions
from mtcm_pipeline.selection.field_guided import rank_field_guided
from mtcm_pipeline.selection.options import SelectOptions
from mtcm_pipeline.selection.plain import (
    every_nth,
    rank_every_nth,
    rank_random,
    rank_uniform_time,
)
from mtcm_pipeline.selection.pool import (
    Pick,
    Pool,
    apply_user_choices,
    has_embedding,
    has_pose,
)
from mtcm_pipeline.selection.problem import Selection, SelectionProblem
from mtcm_pipeline.selection.seed import rank_seed
from mtcm_pipeline.selection.user_word import check_budget
from mtcm_pipeline.selection.view_coverage import rank_view_coverage

Int = NDArray[np.int64]
Bool = NDArray[np.bool_]
RankedFrames = list[tuple[int, float, str]]  # row of the problem, gain, reason

logger = logging.getLogger(__name__)

_HAS: Mapping[str, Callable[[SelectionProblem], Bool]] = MappingProxyType(
    {"pose": has_pose, "embedding": has_embedding}
)


@dataclass(frozen=True)
class Strategy:
    """One way to choose views; call it with a problem and options.

    Attributes:
        name: what `SelectOptions.strategy` says.
        rank: (pool, options) -> picks, best first, as many as the pool's budget.
        needs: "pose", "embedding": a frame without is chosen only when none is left
            that has it.
        waives: whether a need is waived where no frame of the capture meets it.
        fits_fields: whether it looks at `problem.views`.
    """

    name: str
    rank: Callable[[Pool, SelectOptions], list[Pick]]
    needs: tuple[str, ...] = ()
    waives: bool = False
    fits_fields: bool = False

    def __call__(self, problem: SelectionProblem, options: SelectOptions) -> Selection:
        """Rank up to `options.budget` frames; see `select`."""
        problem = apply_user_choices(problem, options)
        forced = np.array([problem.names.index(n) for n in problem.forced], dtype=int)
        allowed = problem.eligible.copy()
        allowed[forced] = True
        budget = _checked_budget(problem, options.budget, int(allowed.sum()))
        usable = allowed & self._meets_needs(problem, allowed)
        ranked = self._rank_usable(problem, options, forced, usable, budget=budget)
        missing = budget - len(ranked) - int((~usable[forced]).sum())
        ranked += self._fill_up(problem, allowed & ~usable, forced, missing)
        ranked = _forced_first(problem, ranked, forced)
        logger.debug(
            "%s chose %d of %d eligible frames", self.name, len(ranked), allowed.sum()
        )
        return _as_selection(self.name, problem, ranked)

    def _meets_needs(self, problem: SelectionProblem, allowed: Bool) -> Bool:
        """(N) whether each frame has what this strategy looks at."""
        meets = np.ones(len(problem.names), dtype=bool)
        if not allowed.any():
            return meets
        for need in self.needs:
            has = _HAS[need](problem)
            if has[allowed].any():
                meets &= has
            elif self.waives:
                logger.warning("no eligible frame has a known %s: goes without", need)
            else:
                logger.warning(
                    "strategy %r looks at each frame's %s, and no eligible frame has "
                    "one: frames are taken evenly from the sequence instead",
                    self.name,
                    need,
                )
                meets &= has
        return meets

    def _rank_usable(
        self,
        problem: SelectionProblem,
        options: SelectOptions,
        forced: Int,
        usable: Bool,
        *,
        budget: int,
    ) -> RankedFrames:
        """What the strategy itself says of the frames that it can judge."""
        rows = np.flatnonzero(usable)
        usable_forced = forced[usable[forced]]
        room = min(budget - (len(forced) - len(usable_forced)), len(rows))
        if room <= 0:
            return []
        first = tuple(np.searchsorted(rows, usable_forced).tolist())
        picks = self.rank(Pool(problem, rows, first, room), options)
        return [(int(rows[p.index]), p.gain, p.reason) for p in picks]

    def _fill_up(
        self, problem: SelectionProblem, rest: Bool, forced: Int, missing: int
    ) -> RankedFrames:
        """Frames that the strategy cannot judge, evenly from the sequence."""
        rows = np.setdiff1d(np.flatnonzero(rest), forced)
        rows = rows[every_nth(len(rows), min(missing, len(rows)))]
        lacking = {need: ~_HAS[need](problem) for need in self.needs}
        ranked = []
        for row in rows.tolist():
            absent = " and no ".join(need for need in self.needs if lacking[need][row])
            reason = f"has no {absent}: taken only because no better frame is left"
            ranked.append((row, 0.0, reason))
        return ranked


_POSE = ("pose",)
_EMBEDDING = ("embedding",)
_ALL = (
    Strategy("view_coverage", rank_view_coverage, _POSE),
    Strategy("field_guided", rank_field_guided, _POSE, fits_fields=True),
    Strategy("seed", rank_seed, (*_POSE, *_EMBEDDING), waives=True),
    Strategy("fvs", rank_fvs, _POSE),
    Strategy("fvs_directions", rank_fvs_directions, _POSE),
    Strategy("facility_location", rank_facility_location, _EMBEDDING),
    Strategy("facility_location_poses", rank_facility_location_poses, _POSE),
    Strategy("k_medoids", rank_k_medoids, _POSE),
    Strategy("k_dpp", rank_k_dpp, (*_POSE, *_EMBEDDING), waives=True),
    Strategy("every_nth", rank_every_nth),
    Strategy("uniform_time", rank_uniform_time),
    Strategy("random", rank_random),
)
STRATEGIES: Mapping[str, Strategy] = MappingProxyType({s.name: s for s in _ALL})


def select(problem: SelectionProblem, options: SelectOptions) -> Selection:
    """Choose up to `options.budget` views.

    Args:
        problem: the capture. Forced frames (its own, then `options.keep`) are ranked
            first, in their order, whether they are eligible or not, and all other gains
            are what frames add to them. No other frame is chosen unless it is eligible
            and not in `options.drop`.
        options: the strategy and its settings.

    Returns:
        The ranking, as long as the budget or as the number of eligible frames. The order
        in which the frames of the capture stand matters only where gains are equal
        (the earlier frame wins), except to strategies that count frames.

    Raises:
        ParameterError: a frame's name is unknown, a frame is to be kept and dropped, or
            more frames are forced than the budget allows.
    """
    return STRATEGIES[options.strategy](problem, options)


def _checked_budget(problem: SelectionProblem, budget: int, available: int) -> int:
    """The budget, lowered to what there is."""
    check_budget(problem.forced, budget)
    if not available:
        logger.warning("no frame is eligible: none is chosen")
    elif available < budget:
        logger.warning(
            "select.budget is %d but only %d frames are eligible: all are ranked",
            budget,
            available,
        )
    return min(budget, available)


def _forced_first(
    problem: SelectionProblem, ranked: RankedFrames, forced: Int
) -> RankedFrames:
    """Forced frames in the user's order, with the reason that they are forced."""
    gains = {row: gain for row, gain, _ in ranked}
    first = []
    for row in forced.tolist():
        reason = "forced by the user"
        unsaid = "" if problem.eligible[row] else "no reason given"
        if out := problem.reasons_out.get(problem.names[row], unsaid):
            reason += f" although not eligible ({out})"
        first.append((row, gains.get(row, 0.0), reason))
    taken = set(forced.tolist())
    return first + [entry for entry in ranked if entry[0] not in taken]


def _as_selection(
    name: str, problem: SelectionProblem, ranked: RankedFrames
) -> Selection:
    return Selection(
        strategy=name,
        ranking=tuple(problem.names[row] for row, _, _ in ranked),
        gains=tuple(gain for _, gain, _ in ranked),
        reasons=tuple(reason for _, _, reason in ranked),
    )
