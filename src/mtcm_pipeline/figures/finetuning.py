"""How weights and poses were learned: losses, weights over time, corrections.

Dimension letters: V views.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mtcm_pipeline.figures.style import (
    FAINT,
    INK,
    LABEL_PT,
    TEXT_PT,
    TITLE_PT,
    axes_at,
    new_figure,
    quiet,
    say,
    state_style,
)

_WIDTH, _HEIGHT = 4.2, 2.5
_LEFT, _BOTTOM, _ACROSS, _UP, _TOP = 0.7, 0.6, 0.8, 0.85, 0.75
# Losses of single steps jump from view to view: a mean over so many of them is drawn.
_WINDOW = 25
_LINES = {"trusted": "usable", "suspicious": "proposed", "doubtful": "faulty"}


def finetuning_figure(
    views: pd.DataFrame, curve: pd.DataFrame, periods: pd.DataFrame, quality: pd.DataFrame
) -> Figure:
    """Four pictures: losses, weights, corrections, held-out frames.

    Args:
        views: one row a view, columns as in `tuning.frames.Tuned`.
        curve: columns `step`, `loss`.
        periods: columns `step`, `validation_loss`, `weight/<name>`.
        quality: columns `frame`, `psnr_before`, `psnr_after`; may be empty.
    """
    figure = new_figure(
        _LEFT + 2 * _WIDTH + _ACROSS + 0.25, _BOTTOM + 2 * _HEIGHT + _UP + _TOP
    )
    places = [
        axes_at(
            figure,
            _LEFT + column * (_WIDTH + _ACROSS),
            _BOTTOM + row * (_HEIGHT + _UP),
            _WIDTH,
            _HEIGHT,
        )
        for row in (1, 0)
        for column in (0, 1)
    ]
    _losses(places[0], curve, periods)
    _weights(places[1], views, periods)
    _corrections(places[2], views)
    _held_out(places[3], quality)
    figure.suptitle("Fine-tuning with the field in the loop", fontsize=TITLE_PT, x=0.5)
    return figure


def _titled(axes: Axes, title: str, across: str, up: str) -> None:
    quiet(axes)
    axes.set_title(title, fontsize=TEXT_PT, color=INK, loc="left")
    axes.set_xlabel(across, fontsize=LABEL_PT, color=INK)
    axes.set_ylabel(up, fontsize=LABEL_PT, color=INK)


def _losses(axes: Axes, curve: pd.DataFrame, periods: pd.DataFrame) -> None:
    _titled(axes, "Loss", "step", "loss of a view")
    mean = curve["loss"].rolling(_WINDOW, min_periods=1).mean()
    axes.plot(curve["step"], mean, color=FAINT, lw=1.2, label="training, mean of 25")
    if len(periods):
        axes.plot(
            periods["step"],
            periods["validation_loss"],
            color=state_style("chosen").colour,
            marker="o",
            ms=3,
            lw=1.0,
            label="views held out for a while",
        )
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=LABEL_PT, frameon=False)


def _weights(axes: Axes, views: pd.DataFrame, periods: pd.DataFrame) -> None:
    if not len(periods):
        _weights_that_stayed(axes, views)
        return
    _titled(axes, "Weight of each view", "step", "weight")
    drawn: set[str] = set()
    for name, state in zip(views["name"], views["state"], strict=True):
        if (column := f"weight/{name}") not in periods:
            continue
        axes.plot(
            periods["step"],
            periods[column],
            color=state_style(_LINES[state]).colour,
            lw=0.8,
            alpha=0.7,
            label=None if state in drawn else f"{state} at first",
        )
        drawn.add(state)
    axes.set_ylim(-0.03, 1.03)
    if drawn:
        axes.legend(fontsize=LABEL_PT, frameon=False, loc="center right")


def _weights_that_stayed(axes: Axes, views: pd.DataFrame) -> None:
    """Where nothing was to be learned: the weights of the filter, least first."""
    title = "Weight of each view: nothing to be learned"
    _titled(axes, title, "views, least weight first", "weight")
    weights = np.sort(views["weight"].to_numpy(float))
    colour = state_style("usable").colour
    axes.scatter(np.arange(1, len(weights) + 1), weights, c=colour, s=10)
    axes.set_ylim(-0.03, 1.03)


def _corrections(axes: Axes, views: pd.DataFrame) -> None:
    moved = views[views["admitted"].astype(bool)]
    if not len(moved):
        say(axes, "no pose was corrected")
        return
    _titled(axes, "Corrected poses", "turn in degrees", "shift in camera distances")
    for state in dict.fromkeys(moved["state"]):
        part = moved[moved["state"] == state]
        style = state_style(_LINES[state])
        axes.scatter(
            part["turn_deg"],
            part["shift"],
            c=style.colour,
            marker=style.marker,
            s=18,
            label=f"{state} at first",
        )
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=LABEL_PT, frameon=False)


def _held_out(axes: Axes, quality: pd.DataFrame) -> None:
    if not len(quality):
        say(axes, "no frame was held out")
        return
    _titled(axes, "Frames held out", "filter alone, PSNR in dB", "tuned, PSNR in dB")
    before, after = quality["psnr_before"], quality["psnr_after"]
    low = float(np.floor(min(before.min(), after.min())))
    high = float(np.ceil(max(before.max(), after.max())))
    axes.plot([low, high], [low, high], color=FAINT, lw=0.8)
    axes.scatter(before, after, c=state_style("chosen").colour, s=18)
