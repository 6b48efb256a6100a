"""From rows to everything that is shown of a benchmark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from mtcm_pipeline.report.benchmark_page import BenchmarkContent, benchmark_page
from mtcm_pipeline.trials.options import BenchmarkOptions
from mtcm_pipeline.trials.rows import settings_key
from mtcm_pipeline.trials.statistics import scored
from mtcm_pipeline.trials.summary import noise_table, summarise
from mtcm_pipeline.trials.surrogate_check import centred, surrogate_against_fits


@dataclass(frozen=True)
class BenchmarkResults:
    """What is kept of a benchmark beside its rows.

    Attributes:
        summary: of `trials.summary.summarise`.
        figures: matplotlib figures by file name.
        page: Markdown, which shows the figures.
    """

    summary: pd.DataFrame
    figures: Mapping[str, Figure]
    page: str


def benchmark_results(
    rows: pd.DataFrame, options: BenchmarkOptions, command: str, figures_at: str
) -> BenchmarkResults:
    """Summary, figures and page.

    Args:
        rows: one or more, of `trials.rows.table_of_rows`.
        options: of the benchmark.
        command: that measured them, for people.
        figures_at: folder of the figures as seen from the page, with a slash at its end.
    """
    from mtcm_pipeline.figures.benchmark import (
        budget_figure,
        difference_figure,
        surrogate_figure,
    )

    summary = summarise(rows, resamples=options.resamples)
    table = scored(rows)
    surrogate = surrogate_against_fits(table)
    titles = {
        "Paired difference to FVS": "to_fvs.png",
        "Paired difference to a perfect filter + FVS": "to_perfect.png",
        "By number of views": "by_views.png",
        "The surrogate against fits": "surrogate.png",
    }
    figures = {
        "to_fvs.png": difference_figure(
            summary, "minus_fvs", "Paired difference to farthest view sampling"
        ),
        "to_perfect.png": difference_figure(
            summary, "minus_perfect", "Paired difference to a perfect filter + FVS"
        ),
        "by_views.png": budget_figure(summary),
        "surrogate.png": surrogate_figure(centred(table), surrogate),
    }
    content = BenchmarkContent(
        options,
        settings_key(options),
        command,
        rows,
        summary,
        noise_table(rows),
        surrogate,
        {title: figures_at + file for title, file in titles.items()},
    )
    return BenchmarkResults(summary, figures, benchmark_page(content))
