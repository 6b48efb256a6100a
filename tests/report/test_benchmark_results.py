"""The benchmark's page, summary and figures, from rows whose answer is known."""

from __future__ import annotations

from itertools import product

import numpy as np

from mtcm_pipeline.figures.style import png_bytes
from mtcm_pipeline.report.benchmark_page import difference_text, markdown_table
from mtcm_pipeline.report.benchmark_results import benchmark_results
from mtcm_pipeline.trials.options import BenchmarkOptions
from mtcm_pipeline.trials.rows import table_of_rows
from trial_cases import a_row

OPTIONS = BenchmarkOptions(resamples=200)


def better_by_one():
    """Two captures, four splits: k_dpp is 0.9 to 1.1 dB over FVS, n-th about equal."""
    rng = np.random.default_rng(0)
    gain = {"fvs": 0.0, "k_dpp": 1.0, "every_nth": 0.0}
    rows = []
    for capture, split, budget, selector in product(
        ("cup", "fox"), range(4), (6, 10), gain
    ):
        noise = rng.uniform(-0.1, 0.1)
        rows.append(
            a_row(
                capture=capture,
                split=split,
                budget=budget,
                selector=selector,
                psnr=20 + split + gain[selector] + noise,
                surrogate=0.5 + gain[selector] / 10,
                subset=f"{capture}{split}{budget}{selector}",
            )
        )
    rows += [
        a_row(capture=c, fit_seed=1, psnr=20.1, subset=f"{c}06fvs")
        for c in ("cup", "fox")
    ]
    return table_of_rows(rows)


def test_the_page_says_what_is_better_and_what_is_a_tie():
    results = benchmark_results(better_by_one(), OPTIONS, "the command", "figures/")
    lines = results.page.splitlines()
    (better,) = [
        x for x in lines if x.startswith("| clean | none | k_dpp |") and "+1" in x
    ][:1]
    assert "tie" not in better.split("|")[8]
    nth = next(x for x in lines if x.startswith("| clean | none | every_nth |"))
    assert "tie" in nth.split("|")[8]
    assert "the command" in results.page
    for file in results.figures:
        assert f"](figures/{file})" in results.page


def test_every_figure_can_be_drawn_also_from_a_single_row():
    for rows in (better_by_one(), table_of_rows([a_row()])):
        results = benchmark_results(rows, OPTIONS, "", "")
        assert len(results.figures) == 4
        for figure in results.figures.values():
            assert png_bytes(figure, dpi=40).startswith(b"\x89PNG")


def test_the_summary_is_a_table_that_survives_a_csv(tmp_path):
    summary = benchmark_results(better_by_one(), OPTIONS, "", "").summary
    whole = summary.query("capture == 'all' and budget == 'all'").set_index("selector")
    assert 0.85 < whole.loc["k_dpp", "minus_fvs"].max() < 1.15
    assert not summary.duplicated(
        ["pool", "filter", "selector", "capture", "budget"]
    ).any()


def test_differences_and_tables_in_words():
    line = {"d": 0.314, "d_low": 0.1, "d_high": 0.5, "d_verdict": "better"}
    assert difference_text(line, "d") == "+0.31 (+0.10 to +0.50)"
    tied = line | {"d_low": -0.1, "d_verdict": "tie"}
    assert difference_text(tied, "d") == "+0.31 (-0.10 to +0.50, tie)"
    assert difference_text(line | {"d_low": float("nan")}, "d") == "+0.31"
    assert difference_text(line | {"d": float("nan")}, "d") == ""
    assert (
        markdown_table([{"a|b": "x|y", "n": 1.0}]).splitlines()[2] == "| x\\|y | 1.00 |"
    )
    assert markdown_table([]) == "Nothing yet."
