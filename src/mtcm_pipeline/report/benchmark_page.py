"""The benchmark as a Markdown page: what was compared, what won, what is a tie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, StrictUndefined

from mtcm_pipeline.trials.options import BenchmarkOptions
from mtcm_pipeline.trials.summary import ALL, REFERENCE


@dataclass(frozen=True)
class BenchmarkContent:
    """What the page is made of.

    Attributes:
        options: of the benchmark.
        settings: key of all that rows depend on.
        command: that makes the page anew.
        rows: of `trials.rows.table_of_rows`.
        summary: of `trials.summary.summarise`.
        noise: of `trials.summary.noise_table`.
        surrogate: of `trials.surrogate_check.surrogate_against_fits`.
        figures: file names of pictures beside the page, by title.
    """

    options: BenchmarkOptions
    settings: str
    command: str
    rows: pd.DataFrame
    summary: pd.DataFrame
    noise: pd.DataFrame
    surrogate: pd.DataFrame
    figures: Mapping[str, str]


def benchmark_page(content: BenchmarkContent) -> str:
    """The page as Markdown."""
    text = (
        resources.files("mtcm_pipeline.report")
        .joinpath("benchmark.md.j2")
        .read_text(encoding="utf-8")
    )
    environment = Environment(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    return environment.from_string(text).render(
        content=content,
        options=content.options,
        fits=len(content.rows),
        cpu_hours=float(content.rows["cpu_s"][~content.rows["repeated"]].sum()) / 3600,
        captures=sorted(content.rows["capture"].unique()),
        splits=len(content.rows[["split_rule", "split"]].drop_duplicates()),
        budgets=sorted(content.rows["budget"].unique()),
        arms=arm_table(content.summary),
        by_capture=capture_table(content.summary),
        by_budget=budget_table(content.summary),
        noise=markdown_table(_records(content.noise)),
        surrogate=markdown_table(_records(content.surrogate)),
    )


def arm_table(summary: pd.DataFrame) -> str:
    """Every arm over all captures and budgets."""
    lines = _scope(summary, summary["capture"] == ALL, summary["budget"] == ALL)
    return markdown_table(
        [
            {
                "pool": line["pool"],
                "filter": line["filter"],
                "selector": line["selector"],
                "PSNR": line["score"],
                "worst view": line["worst"],
                "SSIM": line["ssim"],
                "faulty chosen": line["bad_chosen"],
                "to FVS": difference_text(line, "minus_fvs"),
                "worst view to FVS": difference_text(line, "worst_minus_fvs"),
                "to perfect + FVS": difference_text(line, "minus_perfect"),
                "pairs": line["minus_fvs_pairs"],
            }
            for line in _records(lines)
        ]
    )


def capture_table(summary: pd.DataFrame) -> str:
    """Paired differences to FVS by capture, over all budgets."""
    return _across(_scope(summary, summary["budget"] == ALL), "capture", "")


def budget_table(summary: pd.DataFrame) -> str:
    """Paired differences to FVS by number of views, over all captures."""
    return _across(_scope(summary, summary["capture"] == ALL), "budget", "K = ")


def _across(summary: pd.DataFrame, by: str, prefix: str) -> str:
    """A line an arm, a column a value of `by` but the one over all."""
    lines = summary[summary[by] != ALL]
    heads = sorted(lines[by].unique(), key=_counted)
    rows = []
    for arm, of_arm in lines.groupby(["pool", "filter", "selector"], sort=False):
        own = {line[by]: difference_text(line, "minus_fvs") for line in _records(of_arm)}
        pool, filter_, selector = map(str, arm)
        rows.append(
            {"pool": pool, "filter": filter_, "selector": selector}
            | {f"{prefix}{head}": own.get(head, "") for head in heads}
        )
    return markdown_table(rows)


def _counted(head: str) -> tuple[int, str]:
    """Numbers by value, names by letters."""
    return (int(head) if head.isdecimal() else 0, head)


def difference_text(line: Mapping[str, object], name: str) -> str:
    """`+0.31 (0.12 to 0.55)`, with `tie` where it is one."""
    mean, low, high = (float(str(line[f"{name}{end}"])) for end in ("", "_low", "_high"))
    if not np.isfinite(mean):
        return ""
    if line[f"{name}_verdict"] == REFERENCE:
        return REFERENCE
    if not np.isfinite(low):
        return f"{mean:+.2f}"
    tie = ", tie" if line[f"{name}_verdict"] == "tie" else ""
    return f"{mean:+.2f} ({low:+.2f} to {high:+.2f}{tie})"


def markdown_table(rows: Sequence[Mapping[str, object]]) -> str:
    """A table of the rows' values; numbers with two decimals."""
    if not rows:
        return "Nothing yet."
    columns = list(rows[0])
    lines = [columns, ["---"] * len(columns)]
    lines += [[_cell(row[column]) for column in columns] for row in rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        dict(zip(table.columns, line, strict=True))
        for line in table.itertuples(index=False)
    ]


def _scope(summary: pd.DataFrame, *conditions: pd.Series) -> pd.DataFrame:
    return summary[np.logical_and.reduce(conditions)]


def _cell(value: object) -> str:
    if isinstance(value, float | np.floating):
        return f"{value:.2f}" if np.isfinite(value) else ""
    return str(value).replace("|", "\\|")
