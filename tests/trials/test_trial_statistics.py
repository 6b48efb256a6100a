"""Differences, intervals, noise and ties against hand arithmetic and brute force."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from mtcm_pipeline.trials.rows import table_of_rows
from mtcm_pipeline.trials.statistics import (
    Estimate,
    arm_means,
    by_capture_and_split,
    interval,
    noise_floor,
    paired,
    scored,
    training_noise,
    verdict_of,
)
from mtcm_pipeline.trials.summary import summarise
from mtcm_pipeline.trials.surrogate_check import surrogate_against_fits
from trial_cases import a_row

NAN = float("nan")


def means_of(*rows) -> pd.DataFrame:
    return arm_means(scored(table_of_rows(rows)))


def test_the_score_is_inside_the_masks_only_where_the_whole_capture_has_them():
    table = scored(
        table_of_rows(
            [
                a_row(capture="cup", psnr=30.0, masked_psnr=20.0),
                a_row(capture="fox", psnr=31.0, masked_psnr=NAN),
                a_row(capture="fox", budget=10, psnr=32.0, masked_psnr=19.0),
            ]
        )
    )
    assert table["score"].tolist() == [20.0, 31.0, 32.0]


def test_draws_are_averaged_and_further_training_seeds_are_not():
    means = means_of(
        a_row(selector="random", draw=0, psnr=20.0),
        a_row(selector="random", draw=1, psnr=23.0),
        a_row(selector="random", draw=1, fit_seed=1, psnr=99.0),
    )
    assert means["score"].tolist() == [21.5]


def test_the_ceiling_is_the_best_of_the_first_20_draws():
    rng = np.random.default_rng(0)
    psnr = rng.normal(20, 1, size=25)
    psnr[22] = 99.0
    rows = [a_row(selector="random", draw=d, psnr=p) for d, p in enumerate(psnr)]
    means = means_of(*rows).set_index("selector")["score"]
    assert means["best_of_20_random"] == psnr[:20].max()
    assert means["random"] == pytest.approx(psnr.mean())
    assert "best_of_20_random" not in set(means_of(*rows[:19])["selector"])


def test_differences_are_paired_by_place_and_only_where_the_reference_is_known():
    means = means_of(
        a_row(psnr=20.0),
        a_row(selector="k_dpp", psnr=20.5),
        a_row(selector="k_dpp", split=1, psnr=50.0),
        a_row(split=2, psnr=10.0),
        a_row(selector="k_dpp", split=2, psnr=9.0),
    )
    table = paired(means, ("none", "fvs")).query("selector == 'k_dpp'")
    assert dict(zip(table["split"], table["difference"], strict=True)) == {
        0: 0.5,
        2: -1.0,
    }


def test_budgets_are_averaged_within_a_split():
    means = means_of(
        *(
            a_row(selector=s, split=k, budget=b, psnr=20 + (s == "k_dpp") * d)
            for s, (k, b, d) in product(
                ("fvs", "k_dpp"), [(0, 6, 1.0), (0, 10, 3.0), (1, 6, -1.0), (1, 10, 0.0)]
            )
        )
    )
    own = paired(means, ("none", "fvs")).query("selector == 'k_dpp'")
    assert by_capture_and_split(own, "difference")["cup"].tolist() == [2.0, -0.5]


def test_the_interval_is_that_of_every_possible_resample():
    """Two captures of two splits: 4 draws of captures times 16 draws of splits."""
    values = {"a": [0.0, 1.0], "b": [4.0, 6.0]}
    every = []
    for captures in product(values.values(), repeat=2):
        for splits in product(*(product(v, repeat=2) for v in captures)):
            every.append(np.mean([np.mean(s) for s in splits]))
    found = interval(values, resamples=40_000, seed=0)
    assert found.mean == pytest.approx(2.75)
    low, high = np.quantile(every, [0.025, 0.975])
    assert found.low == pytest.approx(low, abs=0.13)
    assert found.high == pytest.approx(high, abs=0.13)


def test_the_interval_of_ones_and_zeros_is_that_of_the_binomial_distribution():
    """Splits of one capture, half of them 1: their resampled sum is binomial."""
    found = interval({"a": [0.0, 1.0] * 50}, resamples=20_000, seed=0)
    low, high = binom.ppf([0.025, 0.975], 100, 0.5) / 100
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_the_interval_covers_the_truth_as_often_as_it_says():
    """Splits of one capture: 95 % intervals of the bootstrap over 30 normal numbers."""
    rng = np.random.default_rng(1)
    hits = 0
    for seed in range(300):
        found = interval({"a": rng.normal(0.3, 1, 30)}, resamples=400, seed=seed)
        hits += found.low <= 0.3 <= found.high
    assert 0.88 <= hits / 300 <= 0.98


def test_captures_weigh_the_same_however_many_splits_they_have():
    found = interval({"a": [1.0] * 9, "b": [3.0]}, resamples=200, seed=0)
    assert found.mean == 2.0


def test_too_few_numbers_have_no_interval():
    for values in ({"a": [1.0]}, {"a": [1.0], "b": [2.0]}, {}):
        found = interval(values, resamples=200, seed=0)
        assert np.isnan(found.low)
        assert verdict_of(found, 0.1) == "unknown"


def test_noise_is_the_spread_over_training_seeds_of_one_subset():
    """Variances 0.02 and 0.08 (two values each), so sqrt(0.05)."""
    rows = [
        a_row(fit_seed=0, psnr=20.0),
        a_row(fit_seed=1, psnr=20.2),
        a_row(split=1, fit_seed=0, psnr=25.0, subset="t"),
        a_row(split=1, fit_seed=1, psnr=25.4, subset="t"),
        a_row(split=2, fit_seed=0, psnr=90.0, subset="u"),
    ]
    assert training_noise(scored(table_of_rows(rows))) == pytest.approx(np.sqrt(0.05))
    assert np.isnan(training_noise(scored(table_of_rows(rows[-1:]))))


def test_noise_alone_stays_under_the_floor_95_times_in_100():
    rng = np.random.default_rng(0)
    differences = rng.normal(0, 0.2, (2000, 2, 8))
    means = (differences[:, 0] - differences[:, 1]).mean(axis=1)
    share = (np.abs(means) < noise_floor(0.2, 8)).mean()
    assert share == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize(
    ("estimate", "floor", "verdict"),
    [
        (Estimate(0.5, 0.2, 0.8), 0.1, "better"),
        (Estimate(-0.5, -0.8, -0.2), 0.1, "worse"),
        (Estimate(0.5, -0.1, 0.8), 0.1, "tie"),
        (Estimate(0.05, 0.02, 0.08), 0.1, "tie"),
        (Estimate(0.5, 0.2, 0.8), NAN, "better"),
    ],
)
def test_a_tie_holds_zero_or_lies_under_the_floor(estimate, floor, verdict):
    assert verdict_of(estimate, floor) == verdict


def test_the_surrogate_is_judged_with_split_and_budget_removed():
    """Score = 10 dB a unit within every split, whatever the splits' own levels are."""
    rng = np.random.default_rng(0)
    rows = []
    for split, budget in product(range(4), (6, 10)):
        level, ease = rng.normal(20, 5), rng.normal()
        for n, unit in enumerate(rng.uniform(0, 0.3, 5)):
            rows.append(
                a_row(
                    split=split,
                    budget=budget,
                    selector="random",
                    draw=n,
                    subset=f"{split}{budget}{n}",
                    surrogate=ease + unit,
                    psnr=level + 10 * unit,
                )
            )
    check = surrogate_against_fits(scored(table_of_rows(rows))).set_index("capture")
    assert check.loc["all", "correlation"] == pytest.approx(1.0)
    assert check.loc["cup", "db_per_unit"] == pytest.approx(10.0)
    assert check.loc["cup", "fits"] == 40


def test_a_summary_line_by_hand():
    rows = [
        a_row(capture=c, split=k, selector=s, psnr=p, worst=w)
        for c, k, s, p, w in [
            ("cup", 0, "fvs", 20.0, 15.0),
            ("cup", 0, "k_dpp", 21.0, 14.0),
            ("cup", 1, "fvs", 22.0, 15.0),
            ("cup", 1, "k_dpp", 25.0, 15.0),
            ("fox", 0, "fvs", 30.0, 15.0),
            ("fox", 0, "k_dpp", 30.0, 18.0),
        ]
    ]
    lines = summarise(table_of_rows(rows), resamples=200).set_index(
        ["filter", "selector", "capture", "budget"]
    )
    line = lines.loc["none", "k_dpp", "all", "all"]
    assert line["score"] == (23.0 + 30.0) / 2
    assert line["minus_fvs"] == (2.0 + 0.0) / 2
    assert line["worst_minus_fvs"] == (-0.5 + 3.0) / 2
    assert line["minus_fvs_pairs"] == 3
    assert lines.loc["none", "k_dpp", "cup", "6"]["minus_fvs"] == 2.0
    # Nothing is faulty, so that a perfect filter is no filter.
    assert line["minus_perfect"] == line["minus_fvs"]
    assert "perfect" not in lines.index.get_level_values("filter")
    assert lines.loc["none", "fvs", "all", "all"]["minus_fvs_verdict"] == "reference"


def test_unbalanced_pools_are_summed_up_as_one_but_paired_each_with_itself():
    rows = [
        a_row(pool=pool, split=k, selector=s, psnr=p)
        for pool, k, s, p in [
            ("lingering", 0, "fvs", 20.0),
            ("lingering", 0, "k_dpp", 21.0),
            ("close_ups", 1, "fvs", 10.0),
            ("close_ups", 1, "k_dpp", 13.0),
        ]
    ]
    lines = summarise(table_of_rows(rows), resamples=200)
    lines = lines[(lines["capture"] == "all") & (lines["budget"] == "all")]
    line = lines.set_index(["pool", "filter", "selector"])["minus_fvs"]
    assert line["unbalanced", "none", "k_dpp"] == 2.0
    assert line["close_ups", "none", "k_dpp"] == 3.0
