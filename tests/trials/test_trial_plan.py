"""The plan: what is asked for, and in which order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mtcm_pipeline.errors import ParameterError
from mtcm_pipeline.trials.options import BenchmarkOptions
from mtcm_pipeline.trials.plan import (
    FILTERS,
    POOLS,
    SELECTORS,
    chosen_arms,
    plan_cells,
)


def test_splits_are_outermost_and_every_split_asks_for_the_same():
    options = BenchmarkOptions(
        arms=["clean/none/*", "gross_30/*/fvs"], budgets=[6, 10], splits=3, fit_seeds=1
    )
    cells = plan_cells(["a", "b"], options)
    numbers = [cell.place.split for cell in cells]
    assert numbers == sorted(numbers)
    by_split = [
        {replace(t, split=0, pool_seed=0) for c in cells if c.place.split == k
         for t in c.trials}
        for k in range(3)
    ]  # fmt: skip
    assert by_split[0] == by_split[1] == by_split[2]


def test_no_trial_is_planned_twice():
    options = BenchmarkOptions(preset="full")
    trials = [t for cell in plan_cells(["a"], options) for t in cell.trials]
    assert len(set(trials)) == len(trials)


def test_the_full_preset_is_the_whole_factorial():
    options = BenchmarkOptions(preset="full", fit_seeds=1, splits=1, random_draws=20)
    cells = plan_cells(["a"], options)
    fitted = len(SELECTORS) - 2  # random and its best of 20 are the same 20 fits
    in_all = len(POOLS) * len(FILTERS) * (fitted + 20) * 3 * 2
    assert sum(len(cell.trials) for cell in cells) == in_all


def test_the_best_of_20_random_asks_for_20_draws_and_random_for_as_many_as_it_is_told():
    def draws(selector: str) -> int:
        options = BenchmarkOptions(
            arms=[f"clean/none/{selector}"], budgets=[6], splits=1, random_draws=3
        )
        (cell, _) = plan_cells(["a"], options)
        assert {trial.selector for trial in cell.trials} == {"random"}
        return len(cell.trials)

    assert (draws("random"), draws("best_of_20_random")) == (3, 20)


def test_one_arm_of_the_first_split_is_trained_more_than_once():
    options = BenchmarkOptions(
        arms=["clean/none/fvs", "clean/none/k_dpp"], budgets=[6], splits=2, fit_seeds=3
    )
    trials = [t for cell in plan_cells(["a"], options) for t in cell.trials]
    again = {(t.split, t.selector) for t in trials if t.fit_seed > 0}
    assert again == {(0, "fvs")}
    assert {t.fit_seed for t in trials} == {0, 1, 2}


def test_patterns_choose_arms_and_a_wrong_one_is_named():
    assert chosen_arms(["clean/none/k_d*"]) == [("clean", "none", "k_dpp")]
    assert len(chosen_arms(["clean/*/fvs"])) == len(FILTERS)
    with pytest.raises(ParameterError, match="clean/none/fsv"):
        chosen_arms(["clean/none/fvs", "clean/none/fsv"])


def test_unbalanced_pools_take_turns_over_the_splits():
    options = BenchmarkOptions(arms=["unbalanced/none/fvs"], budgets=[6], splits=4)
    cells = plan_cells(["a"], options)
    assert [cell.place.pool for cell in cells[::2]] == [
        "lingering",
        "close_ups",
        "thinned_sector",
        "lingering",
    ]
