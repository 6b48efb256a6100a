"""Picture of how hidden tokens are predicted: every method's error, field by field."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mtcm_pipeline.figures.style import (
    INK,
    LABEL_PT,
    TEXT_PT,
    TITLE_PT,
    axes_at,
    new_figure,
    quiet,
    say,
)

# What is hidden and how its prediction is measured, with the axis' words.
_PANELS = {
    ("embedding", "embedding R2"): "embedding hidden\nR², more is better",
    ("pose", "position"): "pose hidden\nposition, camera distances",
    ("pose", "rotation"): "pose hidden\nrotation, degrees",
    ("frame", "embedding R2"): "whole frame hidden\nR², more is better",
    ("frame", "position"): "whole frame hidden\nposition, camera distances",
}
_ORDERS = {True: "in order", False: "order unknown"}
# Okabe and Ito (2008), safe for the colour-blind; markers differ too.
_MASKS = {"random": ("#0072b2", "o", -0.12), "sector": ("#d55e00", "D", 0.12)}
_WIDTH, _ROW = 1.75, 0.2  # of a panel and of a method's line in inches
_LEFT, _TOP, _BOTTOM, _BETWEEN = 2.1, 0.8, 0.45, 0.25


def hidden_token_figure(rows: pd.DataFrame) -> Figure:
    """Means over captures, with their standard error, of every method.

    Args:
        rows: of `mtcm.hidden_token_evaluation`; several seeds are averaged first.
    """
    methods = list(dict.fromkeys(rows["method"])) if len(rows) else []
    height = _ROW * max(len(methods), 4)
    row_step = height + _TOP
    figure = new_figure(
        _LEFT + len(_PANELS) * (_WIDTH + _BETWEEN) + 0.3, 2 * row_step + _BOTTOM + 0.3
    )
    if not methods:
        say(figure.add_subplot(), "nothing was hidden")
        return figure
    for line, (ordered, order) in enumerate(_ORDERS.items()):
        for column, (key, title) in enumerate(_PANELS.items()):
            axes = axes_at(
                figure,
                _LEFT + column * (_WIDTH + _BETWEEN),
                _BOTTOM + (1 - line) * row_step,
                _WIDTH,
                height,
            )
            known = (rows["ordered"] == ordered) & (rows["hidden"] == key[0])
            _draw_panel(axes, rows[known & (rows["measure"] == key[1])], methods)
            axes.set_title(f"{order}, {title}", fontsize=LABEL_PT, color=INK, loc="left")
            axes.set_yticks(range(len(methods)), methods if column == 0 else [])
    _legend(figure)
    return figure


def _draw_panel(axes: Axes, rows: pd.DataFrame, methods: list[str]) -> None:
    if rows.empty:
        say(axes, "not present")
        return
    for mask, (colour, marker, shift) in _MASKS.items():
        of_mask = rows[rows["mask"] == mask]
        if of_mask.empty:
            continue
        table = of_mask.pivot_table(values="value", index="capture", columns="method")
        table = table.reindex(columns=methods)
        places = np.arange(len(methods)) + shift
        error = table.std(ddof=1) / np.sqrt(len(table)) if len(table) > 1 else None
        axes.errorbar(
            table.mean(),
            places,
            xerr=error,
            linestyle="",
            marker=marker,
            markersize=4,
            linewidth=1.0,
            color=colour,
        )
    axes.set_ylim(len(methods) - 0.5, -0.5)
    quiet(axes)


def _legend(figure: Figure) -> None:
    across, up = figure.get_size_inches()
    words = {"random": "● frames hidden at random", "sector": "◆ a viewing sector hidden"}
    figure.text(
        0.1 / across,
        1.0 - 0.25 / up,
        "Hidden fields, predicted from the other frames",
        fontsize=TITLE_PT,
        color=INK,
        va="center",
    )
    for index, (mask, word) in enumerate(words.items()):
        figure.text(
            (5.2 + 2.4 * index) / across,
            1.0 - 0.25 / up,
            word,
            fontsize=TEXT_PT,
            color=_MASKS[mask][0],
            va="center",
        )
