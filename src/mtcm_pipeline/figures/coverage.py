"""From which sides a set of views sees the subject: polar pictures from above.

Dimension letters: N frames.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from matplotlib.projections.polar import PolarAxes
from numpy.typing import NDArray

from mtcm_pipeline.figures.labels import fitted, literal, wrapped
from mtcm_pipeline.figures.style import (
    FAINT,
    GRID,
    INK,
    STATES,
    TITLE_PT,
    axes_at,
    check_lengths,
    new_figure,
    say,
)
from mtcm_pipeline.selection.viewing_sphere import nearest_view
from mtcm_pipeline.viewpoints.angles import Viewpoints
from mtcm_pipeline.viewpoints.bins import SIDES
from mtcm_pipeline.viewpoints.sphere import azimuths_deg, elevations_deg

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

_LEVELS_DEG = np.array([0.0, 10.0, 20.0, 30.0, 45.0, 60.0, 90.0, 180.0])
_RINGS_DEG = 30.0
# Seven steps from well covered (dark) to far from every view (light), so that dark marks
# of the other picture keep their contrast in print too.
_SHADES = ListedColormap(
    ["#8fb8de", "#abcbe7", "#c5dbef", "#dbe9f6", "#ecf3fa", "#f7f7f5", "#e8e2d6"]
)
_WIDE, _TALL = 4.4, 5.05  # inches of one panel
_AXES_IN = 2.85
_WORDS_PT = 8.0
_AROUND = range(0, 360, 45)
# Room for a word beside the circle, and at its upper and lower ends.
_BESIDE_PT, _SLANTED_PT = 42.0, 66.0
_SIZE = {"chosen": 40, "usable": 16, "faulty": 30}


def coverage_plot(
    viewpoints: Viewpoints,
    kept: Bool,
    chosen: Bool,
    *,
    names: Mapping[str, str] | None = None,
) -> Figure:
    """Captured, kept and chosen views side by side, seen from above.

    The centre is straight above the subject, the rim the lowest elevation that any view
    reaches, azimuth 0 points down the page. The shade says how far a direction is from
    the nearest view of the set; what was dropped is crossed out.

    Args:
        viewpoints: of the N frames.
        kept: (N) bool.
        chosen: (N) bool.
        names: other words for the sides.

    Raises:
        CaptureError: the lengths disagree.
    """
    sets = _sets(viewpoints, kept, chosen)
    figure = new_figure(_WIDE * len(sets), _TALL)
    for place, title in enumerate(sets):
        left = place * _WIDE
        _draw_panel(figure, left, title, sets, viewpoints=viewpoints, names=names or {})
    return figure


def coverage_panels(
    viewpoints: Viewpoints,
    kept: Bool,
    chosen: Bool,
    *,
    names: Mapping[str, str] | None = None,
) -> dict[str, Figure]:
    """The same, a figure each, for pages that are too narrow for all side by side."""
    sets = _sets(viewpoints, kept, chosen)
    panels = {}
    for title in sets:
        panels[title] = new_figure(_WIDE, _TALL)
        _draw_panel(
            panels[title], 0.0, title, sets, viewpoints=viewpoints, names=names or {}
        )
    return panels


def side_words(viewpoints: Viewpoints, names: Mapping[str, str]) -> list[str]:
    """What stands at 0°, 45°, … of the circle: sides where a front is known."""
    signed = np.array([0.0, 45.0, 90.0, 135.0, -180.0, -135.0, -90.0, -45.0])
    if not viewpoints.front_known:
        return [f"{angle:.0f}°".replace("-", "−") for angle in signed]
    return [names.get(word, word) for word in SIDES.words_of(signed)]


def _sets(
    viewpoints: Viewpoints, kept: Bool, chosen: Bool
) -> dict[str, list[tuple[str, Bool]]]:
    """By the word of a set, the marks in it: (state, which frames)."""
    check_lengths(len(viewpoints.names), kept=kept, chosen=chosen)
    posed = np.isfinite(viewpoints.views).all(axis=1)
    return {
        "captured": [("usable", kept & posed), ("faulty", ~kept & posed)],
        "kept": [("usable", kept & posed)],
        "chosen": [("chosen", chosen & posed)],
    }


def _draw_panel(
    figure: Figure,
    left: float,
    title: str,
    sets: Mapping[str, list[tuple[str, Bool]]],
    *,
    viewpoints: Viewpoints,
    names: Mapping[str, str],
) -> None:
    """One set in a column of the figure that begins `left` inches from its edge."""
    every = viewpoints.views[np.any([marks for _, marks in sets["captured"]], axis=0)]
    here = viewpoints.views[np.any([marks for _, marks in sets[title]], axis=0)]
    figure.text(
        (left + _WIDE / 2) / figure.get_figwidth(),
        1.0 - 0.22 / _TALL,
        f"{title}: {len(here)} views",
        ha="center",
        va="center",
        fontsize=TITLE_PT,
        color=INK,
    )
    if not len(here):
        empty = axes_at(figure, left + 0.2, 0.5, _WIDE - 0.4, _TALL - 1.2)
        say(empty, f"no {title} frame has a pose")
        return
    axes = axes_at(
        figure,
        left + (_WIDE - _AXES_IN) / 2,
        1.45,
        _AXES_IN,
        _AXES_IN,
        projection="polar",
    )
    assert isinstance(axes, PolarAxes)
    axes.set_theta_zero_location("S")
    rim = rim_deg(every)
    shade = draw_shade(axes, here, rim, viewpoints.zero_azimuth_deg)
    for state, marks in sets[title]:
        draw_views(axes, viewpoints.views[marks], state, viewpoints.zero_azimuth_deg)
    draw_rings(axes, rim, side_words(viewpoints, names))
    _explain(figure, left, shade, viewpoints, sets[title])


def _explain(
    figure: Figure,
    left: float,
    shade: ContourSet,
    viewpoints: Viewpoints,
    marks: list[tuple[str, Bool]],
) -> None:
    """The shades' scale, what the angles count from, and what a cross is."""
    bar = axes_at(figure, left + 0.5, 0.95, _WIDE - 1.0, 0.13)
    figure.colorbar(shade, cax=bar, ticks=_LEVELS_DEG, orientation="horizontal")
    bar.set_xlabel("degrees to the nearest view", fontsize=_WORDS_PT, labelpad=1)
    bar.tick_params(labelsize=_WORDS_PT)
    zero = fitted(f"0° is {viewpoints.zero}", (_WIDE - 0.3) * 72, _WORDS_PT)
    crossed = sum(int(where.sum()) for state, where in marks if state == "faulty")
    lines = [
        zero if not viewpoints.front_known else "sides as the subject has them",
        "middle: overhead; rings: elevation"
        + (f"; ✕ dropped ({crossed})" if crossed else ""),
    ]
    for row, line in enumerate(lines):
        figure.text(
            (left + _WIDE / 2) / figure.get_figwidth(),
            (0.33 - 0.19 * row) / _TALL,
            line,
            ha="center",
            va="center",
            fontsize=_WORDS_PT,
            color=INK,
            **literal(),
        )


def rim_deg(views: Float) -> float:
    """Angle from straight up to the outer ring: a whole ring past the lowest view."""
    elevation = elevations_deg(views)
    rings = np.floor((90.0 - elevation.min()) / _RINGS_DEG + 0.5) + 1
    return float(np.clip(rings * _RINGS_DEG, 90.0, 180.0))


def draw_views(axes: PolarAxes, views: Float, state: str, zero_deg: float) -> None:
    style = STATES[state]
    azimuth = np.nan_to_num(azimuths_deg(views), nan=zero_deg) - zero_deg
    axes.scatter(
        np.radians(azimuth),
        90.0 - elevations_deg(views),
        marker=style.marker,
        color=INK if state == "usable" else style.colour,
        s=_SIZE[state],
        edgecolors="white",
        linewidths=0.6,
        zorder=4,
    )


def draw_rings(axes: PolarAxes, rim: float, words: list[str]) -> None:
    axes.set_rlim(0.0, rim)
    rings = np.arange(_RINGS_DEG, rim + 1.0, _RINGS_DEG)
    marks = [f"{90 - ring:.0f}°".replace("-", "−") for ring in rings]
    axes.set_rgrids(rings, marks, angle=202.5)
    for mark in axes.get_yticklabels():
        mark.set_bbox({"facecolor": "white", "alpha": 0.7, "pad": 0.5, "linewidth": 0})
        mark.set_zorder(5)
    rooms = [_BESIDE_PT if angle in (90, 270) else _SLANTED_PT for angle in _AROUND]
    shown = [
        "\n".join(wrapped(word, room, _WORDS_PT, 2))
        for word, room in zip(words, rooms, strict=True)
    ]
    axes.set_thetagrids(_AROUND, shown, **literal())
    for angle, mark in zip(_AROUND, axes.get_xticklabels(), strict=True):
        mark.set_horizontalalignment(_aligned(angle))
    axes.tick_params(labelsize=_WORDS_PT, colors=INK, pad=1)
    axes.grid(color=GRID, linewidth=0.6)
    axes.spines["polar"].set_color(FAINT)


def _aligned(angle_deg: int) -> Literal["left", "center", "right"]:
    """Words right of the circle (0° is below it, 90° to the right) begin at it."""
    if angle_deg % 180 == 0:
        return "center"
    return "left" if angle_deg < 180 else "right"


def draw_shade(axes: PolarAxes, views: Float, rim: float, zero_deg: float) -> ContourSet:
    azimuth, polar = np.meshgrid(
        np.radians(np.linspace(0.0, 360.0, 181)), np.radians(np.linspace(0.0, rim, 91))
    )
    turned = azimuth + np.radians(zero_deg)
    grid = np.stack(
        [np.sin(polar) * np.cos(turned), np.sin(polar) * np.sin(turned), np.cos(polar)],
        axis=-1,
    )
    gap, _ = nearest_view(grid.reshape(-1, 3), views)
    return axes.contourf(
        azimuth,
        np.degrees(polar),
        gap.reshape(azimuth.shape),
        levels=_LEVELS_DEG,
        cmap=_SHADES,
        norm=BoundaryNorm(_LEVELS_DEG, _SHADES.N),
        zorder=0,
    )
