"""Pictures of the benchmark: differences with intervals, budgets, the surrogate."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mtcm_pipeline.figures.style import (
    FAINT,
    GRID,
    INK,
    LABEL_PT,
    TEXT_PT,
    TITLE_PT,
    axes_at,
    new_figure,
    quiet,
    say,
)

# Okabe and Ito (2008), safe for the colour-blind; markers differ too.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a828c")
_MARKERS = ("o", "s", "D", "^", "v", "P", "X")
_VERDICT_COLOURS = {"better": "#009e73", "worse": "#d55e00"}
_ROW = 0.26  # height of a line of the difference figure in inches
_PANEL = 2.5  # side of a panel in inches
_STEP = _PANEL + 2.3  # from one panel to the next, its legend between them
_ROW_STEP = _PANEL + 1.0
_PANELS_ACROSS = 3


def difference_figure(summary: pd.DataFrame, difference: str, title: str) -> Figure:
    """Every arm's paired difference in dB, with its 95 % interval, pool by pool.

    Args:
        summary: of `trials.summary.summarise`; lines over all captures and budgets.
        difference: column, for example `minus_fvs`.
        title: over the picture.
    """
    lines = _overall(summary)
    if len(lines):
        known = np.isfinite(lines[difference])
        lines = lines[known & (lines[f"{difference}_verdict"] != "reference")]
    figure = new_figure(8.2, max(2.0, 1.4 + _ROW * len(lines)))
    height = figure.get_size_inches()[1]
    axes = axes_at(figure, 3.0, 0.6, 4.9, height - 1.1)
    axes.set_title(title, fontsize=TITLE_PT, color=INK, loc="left", x=-0.55)
    if lines.empty:
        say(axes, "no pair of arms is known in the same split yet")
        return figure
    for row, line in enumerate(lines.to_dict("records")):
        _draw_difference(axes, row, line, difference)
    axes.axvline(0.0, color=FAINT, linewidth=1.0)
    _separate_pools(axes, lines)
    axes.set_yticks(
        range(len(lines)),
        [
            f"{p} · {f} · {s}"
            for p, f, s in lines[["pool", "filter", "selector"]].itertuples(index=False)
        ],
    )
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_xlabel("dB, mean and 95 % interval; hollow = tie", fontsize=TEXT_PT)
    quiet(axes)
    return figure


def budget_figure(summary: pd.DataFrame) -> Figure:
    """Test PSNR by number of views, a panel a pool, a line a filter and selector."""
    lines = summary[(summary["capture"] == "all") & (summary["budget"] != "all")]
    pools = list(dict.fromkeys(lines["pool"]))
    across = min(max(len(pools), 1), _PANELS_ACROSS)
    down = max(-(-len(pools) // across), 1)
    figure = new_figure(0.9 + _STEP * across, 0.3 + _ROW_STEP * down)
    if not pools:
        say(figure.add_subplot(), "no fits yet")
        return figure
    for index, pool in enumerate(pools):
        row, column = divmod(index, across)
        axes = axes_at(
            figure,
            0.7 + _STEP * column,
            0.55 + _ROW_STEP * (down - 1 - row),
            _PANEL,
            _PANEL,
        )
        _draw_budgets(axes, lines[lines["pool"] == pool])
        axes.set_title(pool, fontsize=TEXT_PT, color=INK, loc="left")
    return figure


def surrogate_figure(centred: pd.DataFrame, check: pd.DataFrame) -> Figure:
    """Surrogate against test PSNR, both relative to their split and budget.

    Args:
        centred: of `trials.surrogate_check.centred`.
        check: of `trials.surrogate_check.surrogate_against_fits`.
    """
    figure = new_figure(7.4, 4.2)
    axes = axes_at(figure, 0.8, 0.6, 3.9, 3.1)
    axes.set_title(
        "Expected against measured quality, split and K removed",
        fontsize=TITLE_PT,
        color=INK,
        loc="left",
    )
    if centred.empty:
        say(axes, "no two selections are known in the same split yet")
        return figure
    found = check.set_index("capture")["correlation"].to_dict()
    for index, (capture, points) in enumerate(centred.groupby("capture")):
        axes.plot(
            points["surrogate"],
            points["score"],
            linestyle="",
            marker=_MARKERS[index % len(_MARKERS)],
            markersize=3.5,
            alpha=0.7,
            color=_COLOURS[index % len(_COLOURS)],
            label=f"{capture}: r = {found[capture]:.2f}",
        )
    axes.set_xlabel("surrogate, relative", fontsize=TEXT_PT)
    axes.set_ylabel("test PSNR, relative (dB)", fontsize=TEXT_PT)
    quiet(axes)
    _legend(axes)
    return figure


def _overall(summary: pd.DataFrame) -> pd.DataFrame:
    if summary.empty:
        return summary
    return summary[(summary["capture"] == "all") & (summary["budget"] == "all")]


def _draw_difference(axes: Axes, row: int, line: dict, difference: str) -> None:
    verdict = line[f"{difference}_verdict"]
    colour = _VERDICT_COLOURS.get(verdict, FAINT)
    ends = [line[f"{difference}_low"], line[f"{difference}_high"]]
    if np.isfinite(ends).all():
        axes.plot(ends, [row, row], color=colour, linewidth=1.6)
    axes.plot(
        line[difference],
        row,
        marker="o",
        markersize=5,
        color=colour,
        markerfacecolor="white" if verdict in ("tie", "unknown") else colour,
    )


def _separate_pools(axes: Axes, lines: pd.DataFrame) -> None:
    pools = lines["pool"].to_numpy()
    for row in np.flatnonzero(pools[1:] != pools[:-1]):
        axes.axhline(row + 0.5, color=GRID, linewidth=1.0)


def _draw_budgets(axes: Axes, lines: pd.DataFrame) -> None:
    arms = lines.groupby(["filter", "selector"], sort=False)
    for index, ((filter_, selector), arm) in enumerate(arms):
        axes.plot(
            arm["budget"].astype(int),
            arm["score"],
            marker=_MARKERS[index % len(_MARKERS)],
            linestyle="-" if index < len(_COLOURS) else "--",
            markersize=4,
            linewidth=1.2,
            color=_COLOURS[index % len(_COLOURS)],
            label=selector if filter_ == "none" else f"{filter_} + {selector}",
        )
    axes.set_xticks(sorted(lines["budget"].astype(int).unique()))
    axes.set_xlabel("views chosen", fontsize=TEXT_PT)
    axes.set_ylabel("test PSNR (dB)", fontsize=TEXT_PT)
    quiet(axes)
    _legend(axes)


def _legend(axes: Axes) -> None:
    axes.legend(
        loc="upper left", bbox_to_anchor=(1.02, 1.0), fontsize=LABEL_PT, frameon=False
    )
