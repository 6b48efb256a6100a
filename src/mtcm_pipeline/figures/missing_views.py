"""Where to stand for the next pictures, or where to look: a drawing to take along.

Dimension letters: N frames, P proposals.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.projections.polar import PolarAxes
from numpy.typing import NDArray

from mtcm_pipeline.figures.coverage import (
    draw_rings,
    draw_shade,
    draw_views,
    rim_deg,
    side_words,
)
from mtcm_pipeline.figures.labels import fitted, literal, wrapped
from mtcm_pipeline.figures.style import (
    FAINT,
    INK,
    STATES,
    TEXT_PT,
    TITLE_PT,
    axes_at,
    check_lengths,
    new_figure,
    say,
)
from mtcm_pipeline.viewpoints.angles import Viewpoints

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
Picture = NDArray[np.uint8]

_MAP_IN = 4.3
_MAP_WIDE = 6.0
_ROW_IN = 1.25
_TEXT_IN = 4.6
_PICTURE_IN = 1.4
# More steps than this do not fit a page that one takes along; the table has them all.
_MOST_STEPS = 8


def missing_views_plot(
    viewpoints: Viewpoints,
    kept: Bool,
    proposals: pd.DataFrame,
    thumbnails: Mapping[str, Picture],
    *,
    names: Mapping[str, str] | None = None,
) -> Figure:
    """The kept views from above with numbered places to stand, and how to get there.

    Where cameras look outwards, as in a room, a mark lies opposite to where its camera
    looks, as the azimuths of `viewpoints` do, and the way is a turn of the camera.

    Args:
        viewpoints: of the N frames.
        kept: (N,) bool.
        proposals: P rows of `missing.find.MissingViews.proposals`.
        thumbnails: (h, w, 3) by frame name; the pictures from which the ways start.
        names: other words for the sides.

    Raises:
        CaptureError: the lengths disagree.
    """
    check_lengths(len(viewpoints.names), kept=kept)
    steps = proposals.head(_MOST_STEPS)
    height = max(_MAP_IN + 1.6, _ROW_IN * max(len(steps), 1) + 0.9)
    figure = new_figure(_MAP_WIDE + _PICTURE_IN + _TEXT_IN, height)
    here = viewpoints.views[kept & np.isfinite(viewpoints.views).all(axis=1)]
    if not len(here):
        say(axes_at(figure, 0.3, 0.3, 6.0, height - 0.6), "no kept frame has a pose")
        return figure
    _draw_map(figure, viewpoints, here, steps, names or {})
    _write_steps(figure, steps, thumbnails, "go" if viewpoints.inward else "turn")
    return figure


def _draw_map(
    figure: Figure,
    viewpoints: Viewpoints,
    here: Float,
    steps: pd.DataFrame,
    names: Mapping[str, str],
) -> None:
    """Kept views seen from above, shaded by how far the nearest is; numbered places."""
    bottom = (figure.get_figheight() - _MAP_IN) / 2
    left = (_MAP_WIDE - _MAP_IN) / 2
    axes = axes_at(figure, left, bottom, _MAP_IN, _MAP_IN, projection="polar")
    assert isinstance(axes, PolarAxes)
    axes.set_theta_zero_location("S")
    rim = _rim(here, steps)
    draw_shade(axes, here, rim, viewpoints.zero_azimuth_deg)
    draw_views(axes, here, "usable", viewpoints.zero_azimuth_deg)
    _draw_places(axes, steps)
    draw_rings(axes, rim, side_words(viewpoints, names))
    middle = _MAP_WIDE / 2 / figure.get_figwidth()
    height = figure.get_figheight()
    title = "where to stand" if viewpoints.inward else "where to look"
    _centred(figure, middle, 1 - 0.35 / height, title, TITLE_PT)
    notes = _notes(viewpoints)
    for line, note in enumerate(notes):
        shown = fitted(note, (_MAP_WIDE - 0.4) * 72, 8.0)
        _centred(figure, middle, (0.75 - 0.2 * line) / height, shown, 8.0)


def _notes(viewpoints: Viewpoints) -> tuple[str, ...]:
    """What the map's angles, marks and shades are."""
    zero = "sides as the subject has them"
    if not viewpoints.front_known:
        zero = f"0° is {viewpoints.zero}"
    shade = "the lighter, the farther from every view; beige: over 90° away"
    if viewpoints.inward:
        return (
            zero,
            "middle: overhead; rings: elevation; ● kept views",
            shade,
            "degrees are walked around the subject: 90° is a quarter of the way round",
        )
    return (
        zero,
        "● kept views: each opposite to where its camera looks; middle: straight down",
        shade,
        "degrees are turns of the camera, near where its picture was taken",
    )


def _rim(here: Float, steps: pd.DataFrame) -> float:
    """Outer ring that holds the views and the places."""
    elevation = np.radians(steps["elevation_deg"].to_numpy(np.float64))
    places = np.stack([np.cos(elevation), 0 * elevation, np.sin(elevation)], axis=1)
    return rim_deg(np.vstack([here, places]))


def _draw_places(axes: PolarAxes, steps: pd.DataFrame) -> None:
    style = STATES["proposed"]
    azimuth = np.radians(np.nan_to_num(steps["azimuth_deg"].to_numpy(np.float64)))
    polar = 90.0 - steps["elevation_deg"].to_numpy(np.float64)
    for rank, angle, radius in zip(steps["rank"], azimuth, polar, strict=True):
        axes.scatter(
            angle,
            radius,
            s=210,
            color=style.colour,
            edgecolors="white",
            linewidths=1.2,
            zorder=6,
        )
        axes.text(
            angle,
            radius,
            f"{rank}",
            ha="center",
            va="center",
            color="white",
            fontsize=TEXT_PT,
            fontweight="bold",
            zorder=7,
        )


def _write_steps(
    figure: Figure, steps: pd.DataFrame, thumbnails: Mapping[str, Picture], verb: str
) -> None:
    """A row a place: the picture to start from, the way, what it gains."""
    top = figure.get_figheight() - 0.35
    _at(figure, (_MAP_WIDE, top), f"start from the picture, then {verb}", TITLE_PT, INK)
    if not len(steps):
        _at(figure, (_MAP_WIDE, top - 0.5), "no further view is proposed", TEXT_PT, INK)
    for k, row in enumerate(steps.itertuples()):
        upper = top - 0.3 - k * _ROW_IN
        _show_start(figure, upper, thumbnails.get(str(row.from_frame)))
        across = _MAP_WIDE + _PICTURE_IN
        room = (_TEXT_IN - 0.25) * 72
        _at(figure, (across, upper - 0.18), f"{row.rank}. {row.label}", TEXT_PT + 1, INK)
        how = "\n".join(wrapped(str(row.how), room, TEXT_PT, 2))
        _at(figure, (across, upper - 0.5), how, TEXT_PT, INK)
        start = fitted(f"from {row.from_frame}", room, 8.0)
        _at(figure, (across, upper - 0.8), start, 8.0, FAINT)
        near = f"nearest view {row.nearest_deg:.0f}° away"
        gain = f"{near}, expected gain {row.gain_db:.2f} dB"
        _at(figure, (across, upper - 0.98), gain, 8.0, FAINT)


def _show_start(figure: Figure, upper: float, picture: Picture | None) -> None:
    side = _ROW_IN - 0.15
    axes = axes_at(figure, _MAP_WIDE, upper - side, _PICTURE_IN - 0.15, side)
    if picture is None:
        say(axes, "no picture")
        return
    axes.imshow(picture)
    axes.set_axis_off()


def _centred(figure: Figure, x: float, y: float, text: str, size: float) -> None:
    figure.text(
        x, y, text, ha="center", va="center", fontsize=size, color=INK, **literal()
    )


def _at(
    figure: Figure, place: tuple[float, float], text: str, size: float, colour: str
) -> None:
    """Text whose middle line begins at a place in inches."""
    (x_in, y_in), (across, up) = place, figure.get_size_inches()
    figure.text(
        x_in / across,
        y_in / up,
        text,
        va="center",
        fontsize=size,
        color=colour,
        **literal(),
    )
