"""Nodes of the benchmark pipeline."""

from __future__ import annotations

from typing import Any

import pandas as pd

from mtcm_pipeline.capture.content_store import ContentStore
from mtcm_pipeline.datasets.captures import CaptureFolders
from mtcm_pipeline.datasets.row_journal import Journals
from mtcm_pipeline.orchestration.command_line import run_command
from mtcm_pipeline.report.benchmark_results import benchmark_results
from mtcm_pipeline.trials.benchmark import check_excluded, run_benchmark
from mtcm_pipeline.trials.instruments import instruments
from mtcm_pipeline.trials.options import BenchmarkOptions
from mtcm_pipeline.trials.rows import settings_key


def run_all_trials(
    captures: CaptureFolders,
    journals: Journals,
    cache: ContentStore,
    options: BenchmarkOptions,
    parameters: dict[str, Any],
) -> pd.DataFrame:
    """One row a fit; what an earlier run with the same settings did is not done again."""
    check_excluded(options.exclude, list(captures))
    names = options.captures or [str(parameters["identity"])]
    return run_benchmark(
        {name: captures[name] for name in names},
        options,
        journals.of(settings_key(options)),
        instruments(options, cache),
    )


def sum_up_trials(
    rows: pd.DataFrame, options: BenchmarkOptions, parameters: dict[str, Any]
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Summary, and the page with its figures beside it."""
    command = run_command(
        ["benchmark"],
        str(parameters["identity"]),
        params={f"benchmark.{name}": each for name, each in options.changed.items()},
        any_shell=True,
    )
    results = benchmark_results(rows, options, command, "figures/")
    figures = {f"figures/{name}": each for name, each in results.figures.items()}
    return results.summary, {"benchmark.md": results.page, **figures}
