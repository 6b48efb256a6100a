"""Frames along an axis: their names, and marks on those that are faulty.

Dimension letters: N frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mtcm_pipeline.figures.labels import (
    evenly,
    label_room,
    literal,
    spread,
    thin_out,
    told_apart,
)
from mtcm_pipeline.figures.style import LABEL_PT, STATES, points_per_pixel

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

_LINE_PT = LABEL_PT * 1.5
_FAULTY = STATES["faulty"]
_MARK_PT = 5.5  # from the axes' edge to the middle of a mark
_MARK: dict[str, Any] = {
    "marker": _FAULTY.marker,
    "color": _FAULTY.colour,
    "s": 22,
    "linewidths": 0,
    "clip_on": False,
    "zorder": 5,
}


def name_ticks(
    axes: Axes,
    which: Literal["x", "y"],
    names: Sequence[str],
    faulty: Bool,
    *,
    axis_pt: float,
    room_pt: float,
) -> None:
    """Tick labels at as many frames as can be read, the faulty ones first.

    Args:
        axes: with frame i at i, and N frames along the whole axis.
        which: the axis.
        names: (N) file names.
        faulty: (N) bool.
        axis_pt: length of the axis in points.
        room_pt: room for the longest label in points.
    """
    rows = _rows_to_name(faulty, axis_pt)
    axis = axes.xaxis if which == "x" else axes.yaxis
    signs = [f"{_FAULTY.sign} " if faulty[row] else "" for row in rows]
    room_pt -= 2 * LABEL_PT * any(signs)
    short = told_apart([names[row] for row in rows], room_pt, LABEL_PT)
    texts = [sign + name for sign, name in zip(signs, short, strict=True)]
    axis.set_ticks(rows, texts, fontsize=LABEL_PT, **literal())
    if which == "x":
        axes.tick_params(axis="x", labelrotation=90)
    for row, label in zip(rows, axis.get_ticklabels(), strict=True):
        if faulty[row]:
            label.set_color(_FAULTY.colour)


def _rows_to_name(faulty: Bool, axis_pt: float) -> NDArray[np.int64]:
    """Indices of the frames whose names fit on the axis without touching."""
    n = len(faulty)
    if n == 0:
        return np.empty(0, dtype=np.int64)
    regular = evenly(n, label_room(axis_pt, _LINE_PT))
    candidates = np.union1d(regular, np.flatnonzero(faulty))
    gap = _LINE_PT * n / axis_pt
    priority = faulty[candidates].astype(np.float64)
    return candidates[thin_out(candidates.astype(np.float64), priority, gap)]


def mark_faulty_columns(axes: Axes, faulty: Bool) -> None:
    """A sign just above the axes at every faulty frame, frame i being at x = i."""
    rows = np.flatnonzero(faulty)
    height_pt = axes.get_window_extent().height * points_per_pixel(axes)
    above = np.full(len(rows), 1.0 + _MARK_PT / height_pt)
    axes.scatter(rows, above, transform=axes.get_xaxis_transform(), **_MARK)


def mark_faulty_rows(axes: Axes, faulty: Bool) -> None:
    """A sign just right of the axes at every faulty frame, frame i being at y = i."""
    rows = np.flatnonzero(faulty)
    width_pt = axes.get_window_extent().width * points_per_pixel(axes)
    beside = np.full(len(rows), 1.0 + _MARK_PT / width_pt)
    axes.scatter(beside, rows, transform=axes.get_yaxis_transform(), **_MARK)


def name_faulty_above(
    axes: Axes,
    names: Sequence[str],
    faulty: Bool,
    severity: Float,
    *,
    axis_pt: float,
    axes_pt: float,
    room_pt: float,
) -> int:
    """Names of the faulty frames above the axes, pushed apart, with a line to each.

    Args:
        axes: with frame i at x = i and the limits -0.5..N-0.5.
        names: (N) file names.
        faulty: (N) bool.
        severity: (N) where there is no room for all, the largest are named.
        axis_pt: width of the axes in points.
        axes_pt: height of the axes in points.
        room_pt: height of the band for names in points.

    Returns:
        How many were named.
    """
    rows = np.flatnonzero(faulty)
    worst = np.argsort(-np.nan_to_num(severity[rows], nan=-np.inf), kind="stable")
    rows = np.sort(rows[worst[: label_room(axis_pt, _LINE_PT)]])
    wanted = (rows + 0.5) * axis_pt / max(len(faulty), 1)
    places = spread(wanted, _LINE_PT, _LINE_PT / 2, axis_pt - _LINE_PT / 2)
    line = {"arrowstyle": "-", "color": _FAULTY.colour, "linewidth": 0.6}
    line |= {"relpos": (0.5, 0.0), "shrinkA": 0, "shrinkB": 0}
    short = told_apart([names[row] for row in rows.tolist()], room_pt - 22, LABEL_PT)
    for row, place, text in zip(rows, places, short, strict=True):
        axes.annotate(
            text,
            xy=((row + 0.5) * axis_pt / len(faulty), axes_pt + 2 * _MARK_PT),
            xycoords="axes points",
            xytext=(place, axes_pt + 2 * _MARK_PT + 10),
            textcoords="axes points",
            rotation=90,
            ha="center",
            va="bottom",
            fontsize=LABEL_PT,
            color=_FAULTY.colour,
            arrowprops=line,
            **literal(),
        )
    return len(rows)
