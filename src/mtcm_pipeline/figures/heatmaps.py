"""A square matrix of frames against frames, with names, marks and thumbnails.

Dimension letters: S frames shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from mtcm_pipeline.figures.frame_axis import (
    mark_faulty_columns,
    mark_faulty_rows,
    name_ticks,
)
from mtcm_pipeline.figures.labels import spaced
from mtcm_pipeline.figures.style import (
    ABSENT,
    FAINT,
    INK,
    LABEL_PT,
    STATES,
    TEXT_PT,
    TITLE_PT,
    axes_at,
    new_figure,
    say,
)

Bool = NDArray[np.bool_]

_WIDTH, _HEIGHT = 10.2, 9.6
_LEFT, _BOTTOM, _SIDE = 1.45, 1.35, 6.6
_STRIP = 0.8  # side of a thumbnail
_STRIP_GAP = 0.28
_THUMBNAILS = 7


@dataclass(frozen=True)
class MatrixLook:
    """How a matrix is drawn.

    Attributes:
        title: over the picture.
        rows: what a row is; columns: what a column is.
        unit: label of the colour bar.
        colours: matplotlib's colour map.
        low: value of its lower end; high: of its upper end.
        extend: ends of the bar beyond which values lie.
    """

    title: str
    rows: str
    columns: str
    unit: str
    colours: str
    low: float
    high: float
    extend: str = "neither"


def square_heatmap(
    matrix: NDArray,
    names: Sequence[str],
    faulty: Bool,
    thumbnails: Mapping[str, NDArray[np.uint8]],
    look: MatrixLook,
) -> Figure:
    """Draw a matrix (S, S); absent entries are grey.

    Args:
        matrix: (S, S) in units of the look.
        names: (S) file names.
        faulty: (S) bool.
        thumbnails: uint8 pictures by name; a few of them are put along the axes.
        look: words and colours.
    """
    figure = new_figure(_WIDTH, _HEIGHT)
    figure.text(_LEFT / _WIDTH, 9.28 / _HEIGHT, look.title, fontsize=TITLE_PT, color=INK)
    axes = axes_at(figure, _LEFT, _BOTTOM, _SIDE, _SIDE)
    if not len(names) or not np.isfinite(matrix).any():
        say(axes, "there is nothing to compare")
        return figure
    image = axes.imshow(
        matrix,
        cmap=look.colours,
        norm=Normalize(look.low, look.high),
        interpolation="nearest",
    )
    axes.set_facecolor(ABSENT)
    axes.tick_params(color=FAINT, length=2)
    for which in ("x", "y"):
        name_ticks(axes, which, names, faulty, axis_pt=_SIDE * 72, room_pt=78.0)
    axes.set_xlabel(look.columns, fontsize=TEXT_PT)
    axes.set_ylabel(look.rows, fontsize=TEXT_PT)
    mark_faulty_columns(axes, faulty)
    mark_faulty_rows(axes, faulty)
    _add_thumbnails(figure, names, faulty, thumbnails)
    bar_left = _LEFT + _SIDE + _STRIP_GAP + _STRIP + 0.15
    bar = axes_at(figure, bar_left, _BOTTOM, 0.17, _SIDE)
    colourbar = figure.colorbar(image, cax=bar, extend=look.extend)
    colourbar.set_label(look.unit, fontsize=TEXT_PT)
    bar.tick_params(labelsize=LABEL_PT)
    if faulty.any():
        _explain_mark(axes)
    return figure


def _explain_mark(axes: Axes) -> None:
    style = STATES["faulty"]
    axes.text(
        0.0,
        -0.185,
        f"{style.sign} faulty frame",
        transform=axes.transAxes,
        fontsize=TEXT_PT,
        color=style.colour,
        ha="right",
    )


def _add_thumbnails(
    figure: Figure,
    names: Sequence[str],
    faulty: Bool,
    thumbnails: Mapping[str, NDArray[np.uint8]],
) -> None:
    """A few pictures over the columns and beside the rows that they belong to."""
    having = np.array(
        [i for i, name in enumerate(names) if name in thumbnails], dtype=int
    )
    if not len(having):
        return
    rows = having[spaced(len(having), _THUMBNAILS)]
    step = _SIDE / len(rows)
    for place, row in enumerate(rows):
        at = (row + 0.5) / len(names) * _SIDE  # from the axes' corner, inches
        slot = (place + 0.5) * step
        picture, bad = thumbnails[names[row]], bool(faulty[row])
        above = _BOTTOM + _SIDE + _STRIP_GAP
        beside = _LEFT + _SIDE + _STRIP_GAP
        over = axes_at(figure, _LEFT + slot - _STRIP / 2, above, _STRIP, _STRIP)
        _draw_thumbnail(over, picture, bad, "S")
        top = _BOTTOM + _SIDE
        right = axes_at(figure, beside, top - slot - _STRIP / 2, _STRIP, _STRIP)
        _draw_thumbnail(right, picture, bad, "W")
        _leader(figure, (_LEFT + at, top + 0.12), (_LEFT + slot, above))
        _leader(figure, (_LEFT + _SIDE + 0.12, top - at), (beside, top - slot))


def _draw_thumbnail(
    axes: Axes, picture: NDArray[np.uint8], bad: bool, anchor: Literal["S", "W"]
) -> None:
    axes.imshow(picture, cmap="gray" if picture.ndim == 2 else None)
    axes.set_anchor(anchor)  # the side on which the line to its frame ends
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(STATES["faulty"].colour if bad else FAINT)
        spine.set_linewidth(2.0 if bad else 0.6)


def _leader(figure: Figure, start: tuple[float, float], end: tuple[float, float]) -> None:
    """A thin line between two points in inches."""
    x = [start[0] / _WIDTH, end[0] / _WIDTH]
    y = [start[1] / _HEIGHT, end[1] / _HEIGHT]
    figure.add_artist(Line2D(x, y, color=FAINT, linewidth=0.6))
