"""What is tried, in an order in which a cut-off still leaves balanced results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import product

from mtcm_pipeline.errors import ParameterError
from mtcm_pipeline.trials.options import BenchmarkOptions
from mtcm_pipeline.trials.splits import SPLIT_RULES

CLEAN = "clean"
UNBALANCED = ("lingering", "close_ups", "thinned_sector")
FAULTY = ("gross_10", "gross_20", "gross_30", "gross_40", "subtle_30", "block_20")
POOLS = (CLEAN, *UNBALANCED, *FAULTY)
# The last but one is the project's own.
FILTERS = ("none", "checks", "residual", "judge", "perfect")
RANDOM = "random"
# Random draws of which the best is an arm of its own.
BEST_OF = 20
BEST_OF_RANDOM = f"best_of_{BEST_OF}_random"
# The first two are the project's own.
SELECTORS = (
    "view_coverage",
    "field_guided",
    "fvs",
    "fvs_directions",
    "every_nth",
    "sharpest_in_time",
    "k_medoids",
    "facility_location",
    "facility_location_poses",
    "k_dpp",
    RANDOM,
    BEST_OF_RANDOM,
)
# In a pattern: each split has one of the unbalanced pools, taking turns.
TAKING_TURNS = "unbalanced"
# The arm whose subsets are trained more than once, for the noise floor.
NOISE_ARM = (CLEAN, "none", "fvs")


@dataclass(frozen=True, order=True)
class Trial:
    """One fit that is asked for.

    Attributes:
        capture: its name.
        pool: of `POOLS`.
        pool_seed: of its faults or its thinning.
        split_rule: of `splits.SPLIT_RULES`.
        split: number of the split.
        budget: views to choose.
        filter: of `FILTERS`.
        selector: of `SELECTORS`, but for the best of 20 random, which is no fit.
        draw: of a selector that draws.
        fit_seed: of the training.
    """

    capture: str
    pool: str
    pool_seed: int
    split_rule: str
    split: int
    budget: int
    filter: str
    selector: str
    draw: int = 0
    fit_seed: int = 0


@dataclass(frozen=True)
class Cell:
    """Trials that share a capture, a split and a pool.

    Attributes:
        trials: one at least; all the same but for budget, filter, selector, draw and
            training seed.
    """

    trials: tuple[Trial, ...]

    @property
    def place(self) -> Trial:
        """Any trial, for what all have in common."""
        return self.trials[0]


@dataclass(frozen=True)
class Preset:
    """The size of an experiment: arms as patterns, numbers of views, splits a rule."""

    arms: tuple[str, ...]
    budgets: tuple[int, ...]
    splits: int


_QUICK_SELECTORS = ("view_coverage", "fvs", "every_nth", "k_medoids")
PRESETS = {
    "quick": Preset(
        arms=(
            *(f"clean/none/{name}" for name in _QUICK_SELECTORS),
            *(f"gross_30/{name}/fvs" for name in ("none", "residual", "perfect")),
        ),
        budgets=(6, 10),
        splits=2,
    ),
    "full": Preset(arms=("*/*/*",), budgets=(6, 10, 15), splits=3),
}


def preset_of(options: BenchmarkOptions) -> Preset:
    """The preset with what the options say otherwise."""
    preset = PRESETS[options.preset]
    return Preset(
        tuple(options.arms) or preset.arms,
        tuple(options.budgets) or preset.budgets,
        options.splits or preset.splits,
    )


def plan_cells(captures: Sequence[str], options: BenchmarkOptions) -> list[Cell]:
    """All trials, splits outermost: every cut-off leaves whole splits but for the last.

    Args:
        captures: names.
        options: the preset, and what is different from it.

    Raises:
        ParameterError: a pattern names no arm.
    """
    preset = preset_of(options)
    arms_of = [chosen_arms(_turns(preset.arms, k)) for k in range(preset.splits)]
    cells = []
    for split, rule, capture, pool in product(
        range(preset.splits), SPLIT_RULES, captures, POOLS
    ):
        arms = [arm for arm in arms_of[split] if arm[0] == pool]
        if not arms:
            continue
        place = (capture, pool, options.seed + split, rule, split)
        trials = (
            Trial(*place, budget, filter_, selector, draw, fit_seed)
            for _, filter_, selector in arms
            for draw in range(_draws(selector, options))
            for budget in preset.budgets
            for fit_seed in range(_fit_seeds((pool, filter_, selector), split, options))
        )
        cells.append(Cell(tuple(dict.fromkeys(map(_as_fitted, trials)))))
    return cells


def chosen_arms(patterns: Sequence[str]) -> list[tuple[str, str, str]]:
    """(pool, filter, selector) that a pattern matches, in the order of this module.

    Raises:
        ParameterError: a pattern matches none.
    """
    everything = list(product(POOLS, FILTERS, SELECTORS))
    wanted = set()
    for pattern in patterns:
        matches = {arm for arm in everything if fnmatchcase("/".join(arm), pattern)}
        if not matches:
            raise ParameterError(
                f"benchmark.arms: {pattern!r} matches no pool/filter/selector; pools: "
                f"{', '.join(POOLS)}; filters: {', '.join(FILTERS)}; selectors: "
                f"{', '.join(SELECTORS)}"
            )
        wanted |= matches
    return [arm for arm in everything if arm in wanted]


def _turns(patterns: Sequence[str], split: int) -> list[str]:
    """The patterns with the unbalanced pool whose turn it is."""
    pool = UNBALANCED[split % len(UNBALANCED)]
    return [
        f"{pool}/{pattern.removeprefix(f'{TAKING_TURNS}/')}"
        if pattern.startswith(f"{TAKING_TURNS}/")
        else pattern
        for pattern in patterns
    ]


def _draws(selector: str, options: BenchmarkOptions) -> int:
    if selector == BEST_OF_RANDOM:
        return max(BEST_OF, options.random_draws)
    return options.random_draws if selector == RANDOM else 1


def _fit_seeds(arm: tuple[str, str, str], split: int, options: BenchmarkOptions) -> int:
    """Subsets of the first split are enough to see how much a training varies."""
    return options.fit_seeds if arm == NOISE_ARM and split == 0 else 1


def _as_fitted(trial: Trial) -> Trial:
    """The best of 20 random is read from 20 fits of random draws."""
    if trial.selector != BEST_OF_RANDOM:
        return trial
    return Trial(**(vars(trial) | {"selector": RANDOM}))
