"""From which sides a set of views sees the subject: a polar picture from above.

Dimension letters: N frames.
"""

from __future__ import annotations

import numpy as np
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from matplotlib.projections.polar import PolarAxes
from numpy.typing import NDArray

from mtcm_pipeline.figures.style import (
    FAINT,
    GRID,
    INK,
    LABEL_PT,
    STATES,
    TEXT_PT,
    TITLE_PT,
    axes_at,
    check_lengths,
    new_figure,
    say,
)
from mtcm_pipeline.selection.viewing_sphere import nearest_view, view_vectors

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

_LEVELS_DEG = np.array([0.0, 10.0, 20.0, 30.0, 45.0, 60.0, 90.0, 180.0])
_RINGS_DEG = 30.0
# Seven steps from well covered (dark) to far from every view (light), so that dark marks
# of the other picture keep their contrast in print too.
_SHADES = ListedColormap(
    ["#8fb8de", "#abcbe7", "#c5dbef", "#dbe9f6", "#ecf3fa", "#f7f7f5", "#e8e2d6"]
)


def coverage_plot(
    centres_xyz: Float, directions: Float, usable: Bool, chosen: Bool
) -> Figure:
    """Azimuth and elevation of all usable views and of the chosen ones, side by side.

    The centre is straight above the subject, the rim the lowest elevation that any view
    reaches, azimuth 0 is where the sequence begins. The shade says how far a direction is
    from the nearest view of the set.

    Args:
        centres_xyz: (N, 3) camera centres in the canonical gauge; NaN without a pose.
        directions: (N, 3) unit viewing directions; NaN likewise.
        usable: (N) bool.
        chosen: (N) bool.

    Raises:
        CaptureError: the lengths disagree.
    """
    check_lengths(len(usable), centres=centres_xyz, directions=directions, chosen=chosen)
    figure = new_figure(12.6, 6.4)
    views = view_vectors(centres_xyz, directions) if len(usable) else np.empty((0, 3))
    posed = np.isfinite(views).all(axis=1)
    if not (posed & (usable | chosen)).any():
        say(axes_at(figure, 0.5, 0.5, 11.6, 5.4), "no usable frame has a pose")
        return figure
    rim = _rim_deg(views[posed & (usable | chosen)])
    shade = None
    for left, where, state in (
        (0.5, usable & posed, "usable"),
        (6.1, chosen & posed, "chosen"),
    ):
        axes = axes_at(figure, left, 0.55, 4.9, 4.9, projection="polar")
        assert isinstance(axes, PolarAxes)
        shade = _draw_views(axes, views[where], state, rim) or shade
        title = f"{where.sum()} {state} views"
        axes.set_title(title, fontsize=TITLE_PT, color=INK, pad=14)
    figure.text(
        0.5,
        0.03,
        "seen from above: the middle is straight overhead, rings are elevations, "
        "the angle is the azimuth, 0° where the sequence begins",
        ha="center",
        fontsize=TEXT_PT,
        color=INK,
    )
    bar = axes_at(figure, 11.45, 0.8, 0.17, 4.4)
    assert shade is not None  # one of the two sets has a view
    colourbar = figure.colorbar(shade, cax=bar, ticks=_LEVELS_DEG)
    colourbar.set_label("angle to the nearest view of the set (°)", fontsize=TEXT_PT)
    bar.tick_params(labelsize=LABEL_PT)
    return figure


def spherical_deg(views: Float) -> tuple[Float, Float]:
    """Azimuth (from +x towards +y, -180..180) and elevation of (N, 3) unit vectors."""
    azimuth = np.degrees(np.arctan2(views[:, 1], views[:, 0]))
    elevation = np.degrees(np.arcsin(np.clip(views[:, 2], -1.0, 1.0)))
    return azimuth, elevation


def _rim_deg(views: Float) -> float:
    """Angle from straight up to the outer ring: a whole ring past the lowest view."""
    _, elevation = spherical_deg(views)
    rings = np.floor((90.0 - elevation.min()) / _RINGS_DEG + 0.5) + 1
    return float(np.clip(rings * _RINGS_DEG, 90.0, 180.0))


def _draw_views(
    axes: PolarAxes, views: Float, state: str, rim: float
) -> ContourSet | None:
    """Shade and points of one set; returns what the colour bar explains."""
    shade = _draw_shade(axes, views, rim) if len(views) else None
    azimuth, elevation = spherical_deg(views)
    style = STATES[state]
    axes.scatter(
        np.radians(azimuth),
        90.0 - elevation,
        marker=style.marker,
        color=style.colour if state == "chosen" else INK,
        s=34 if state == "chosen" else 14,
        edgecolors="white",
        linewidths=0.6,
        zorder=4,
    )
    axes.set_rlim(0.0, rim)
    rings = np.arange(_RINGS_DEG, rim + 1.0, _RINGS_DEG)
    axes.set_rgrids(
        rings, [f"{90 - ring:.0f}°".replace("-", "−") for ring in rings], angle=112.5
    )
    axes.set_thetagrids(range(0, 360, 45))
    axes.tick_params(labelsize=LABEL_PT, colors=INK)
    axes.grid(color=GRID, linewidth=0.6)
    axes.spines["polar"].set_color(FAINT)
    return shade


def _draw_shade(axes: PolarAxes, views: Float, rim: float) -> ContourSet:
    azimuth, polar = np.meshgrid(
        np.radians(np.linspace(0.0, 360.0, 181)), np.radians(np.linspace(0.0, rim, 91))
    )
    grid = np.stack(
        [np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)],
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
