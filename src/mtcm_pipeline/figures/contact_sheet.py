"""A contact sheet: frames with a mark, a name and a caption each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy import uint8
from numpy.typing import NDArray

from mtcm_pipeline.figures.labels import literal, told_apart, wrapped
from mtcm_pipeline.figures.style import (
    ABSENT,
    FAINT,
    INK,
    LABEL_PT,
    axes_at,
    check_lengths,
    new_figure,
    say,
    state_style,
    states_in_order,
)

_TILE, _GAP, _TEXT, _MARGIN = 1.55, 0.16, 0.5, 0.22
_LEGEND = 0.34
_CAPTION_LINES = 2
MOST_TILES = 120
_FRAME_PT = {"chosen": 2.4, "faulty": 2.4}


def contact_sheet(
    thumbnails: Mapping[str, NDArray[uint8]],
    names: Sequence[str],
    captions: Sequence[str],
    marks: Sequence[str],
    *,
    columns: int = 6,
    most: int = MOST_TILES,
    totals: Mapping[str, int] | None = None,
) -> Figure:
    """Tiles in the given order, row by row.

    Args:
        thumbnails: (h, w) or (h, w, 3) uint8 by name; a frame without one gets an empty
            tile.
        names: (M) file names.
        captions: (M) a few words each: the rank of a chosen frame, the fault of a faulty
            one.
        marks: (M) state of each frame: 'chosen', 'faulty', 'usable' or another word.
        columns: tiles in a row.
        most: tiles in all; how many were left out is said.
        totals: how many frames of a state there are, where these are only some.

    Raises:
        CaptureError: the lengths disagree.
    """
    check_lengths(len(names), captions=captions, marks=marks)
    shown = min(len(names), most)
    columns = max(1, min(columns, shown))
    rows = max(1, -(-shown // columns))
    width = max(2 * _MARGIN + columns * (_TILE + _GAP) - _GAP, 4.2)
    height = 2 * _MARGIN + _LEGEND + rows * (_TILE + _TEXT + _GAP)
    figure = new_figure(width, height)
    if not shown:
        say(axes_at(figure, 0, 0, width, height), "there are no frames to show")
        return figure
    short = told_apart(names[:shown], _TILE * 72, LABEL_PT)
    for place in range(shown):
        row, column = divmod(place, columns)
        left = _MARGIN + column * (_TILE + _GAP)
        bottom = height - _MARGIN - _LEGEND - row * (_TILE + _TEXT + _GAP) - _TILE
        axes = axes_at(figure, left, bottom, _TILE, _TILE, xticks=[], yticks=[])
        _draw_tile(axes, thumbnails.get(names[place]), marks[place])
        _write_caption(axes, short[place], captions[place], marks[place])
    every = {state: marks.count(state) for state in marks} | dict(totals or {})
    _write_legend(figure, list(marks[:shown]), every)
    return figure


def _draw_tile(axes: Axes, picture: NDArray[uint8] | None, mark: str) -> None:
    style = state_style(mark)
    axes.set_facecolor(ABSENT)
    if picture is None:
        say_so: dict[str, Any] = {
            "ha": "center",
            "va": "center",
            "color": INK,
            "fontsize": LABEL_PT,
        }
        axes.text(0.5, 0.5, "no image", transform=axes.transAxes, **say_so)
    else:
        gray: dict[str, Any] = (
            {"cmap": "gray", "vmin": 0, "vmax": 255} if picture.ndim == 2 else {}
        )
        axes.imshow(picture, interpolation="antialiased", aspect="equal", **gray)
        tall, wide = picture.shape[:2]
        side = max(tall, wide) / 2  # a square about the picture, so that no tile is cut
        axes.set_xlim(wide / 2 - 0.5 - side, wide / 2 - 0.5 + side)
        axes.set_ylim(tall / 2 - 0.5 + side, tall / 2 - 0.5 - side)
    for spine in axes.spines.values():
        spine.set_color(style.colour)
        spine.set_linewidth(_FRAME_PT.get(mark, 1.0))
    axes.scatter(
        0.91,
        0.91,
        transform=axes.transAxes,
        marker=style.marker,
        s=74,
        color=style.colour,
        edgecolors="white",
        linewidths=1.2,
        zorder=5,
    )


def _write_caption(axes: Axes, name: str, caption: str, mark: str) -> None:
    room = _TILE * 72
    lines = wrapped(caption, room, LABEL_PT, _CAPTION_LINES)
    colour = state_style(mark).colour
    for line, text in enumerate([name, *lines]):
        axes.text(
            0.0,
            -0.035 - 0.098 * line,
            text,
            transform=axes.transAxes,
            va="top",
            fontsize=LABEL_PT,
            color=INK if line == 0 else colour,
            **literal(),
        )


def _write_legend(figure: Figure, marks: list[str], every: Mapping[str, int]) -> None:
    """The states that are shown, how many frames have each, and how many are left out."""
    left_out = sum(every.values()) - len(marks)
    handles = [
        Line2D(
            [],
            [],
            linestyle="",
            marker=state_style(state).marker,
            color=state_style(state).colour,
            markersize=7,
            label=f"{state} ({_some_of(marks.count(state), every[state])})",
        )
        for state in states_in_order(marks)
    ]
    if left_out:
        more = Line2D([], [], linestyle="", label=f"… {left_out} more frames")
        handles.append(more)
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=len(handles),
        fontsize=9,
        frameon=False,
        labelcolor=INK if not left_out else [INK] * (len(handles) - 1) + [FAINT],
    )


def _some_of(shown: int, every: int) -> str:
    return str(shown) if shown == every else f"{shown} of {every}"
