"""The cameras in space: a plotly figure to turn and to point at.

Level gauge: origin at the subject, median camera distance 1, +z up, +x azimuth 0.
Dimension letters: N frames, P points.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from mtcm_pipeline.figures.style import check_lengths, state_style, states_in_order

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

_MOST_POINTS = 5000
_PYRAMID = 0.10  # length of a drawn camera, in median camera distances
_HALF_WIDTH, _HALF_HEIGHT = 0.6, 0.45  # of its far end, in units of that length
# Corners of a pyramid (0 the camera, 1-4 the far end) in the order of one pen stroke;
# -1 lifts the pen.
_STROKE = np.array([0, 1, 2, 0, 3, 4, 0, -1, 1, 4, -1, 2, 3, -1])
# One wrong pose far away must not shrink all others to a dot: such cameras are drawn at
# this multiple of the distance within which nearly all others lie, and say so.
_REACH_SHARE = 90.0
_REACH_FACTOR = 1.6
_MOST_OF_POINTS = 75.0
# What the states are called on a page.
_WORDS = {"usable": "kept, not needed", "faulty": "dropped"}
_INK = "#7d848d"  # readable on white and on black
_LINES = "#b4bac1"


def camera_plot(
    names: Sequence[str],
    centres_xyz: Float,
    directions: Float,
    state: Sequence[str],
    reasons: Sequence[str],
    *,
    points_xyz: Float | None = None,
    points_rgb: NDArray[np.uint8] | None = None,
    points_are: str = "points of the scene",
) -> go.Figure:
    """Cameras as pyramids, one colour and symbol a state, name and reason on hover.

    Each camera's mark carries its file name as `customdata`, so that a page can show the
    frame that was clicked.

    Args:
        names: (N) file names.
        centres_xyz: (N, 3) in a gauge with the subject at its origin, median camera
            distance 1 and +z up; NaN without a pose, not drawn.
        directions: (N, 3) unit viewing directions; NaN likewise.
        state: (N) 'chosen', 'usable', 'faulty' or another word.
        reasons: (N) why, in words; may be empty.
        points_xyz: (P, 3) points in the same gauge; at most 5000 are drawn.
        points_rgb: (P, 3) their colours; grey when None.
        points_are: what the legend calls them.

    Raises:
        CaptureError: the lengths disagree.
    """
    check_lengths(
        len(names),
        centres=centres_xyz,
        directions=directions,
        state=state,
        reasons=reasons,
    )
    posed = np.isfinite(centres_xyz).all(axis=1) & np.isfinite(directions).all(axis=1)
    reach = _reach(centres_xyz[posed])
    drawn, hints = _within_reach(centres_xyz, reach)
    figure = go.Figure()
    kept = np.empty((0, 3))
    if points_xyz is not None and len(points_xyz):
        rows = _points_to_draw(points_xyz, reach)
        kept = points_xyz[rows]
        rgb = None if points_rgb is None else points_rgb[rows]
        words = f"{points_are} ({len(kept)} of {len(points_xyz)})"
        figure.add_trace(_points_trace(kept, rgb, words))
    for word in states_in_order(list(state)):
        where = posed & np.array([s == word for s in state], dtype=bool)
        here = [int(row) for row in where.nonzero()[0]]
        hover = [_hover(names[i], word, reasons[i], hints[i]) for i in here]
        known = [names[i] for i in here]
        _add_cameras(
            figure, word, drawn[where], directions[where], hover=hover, names=known
        )
    if not posed.all():
        _mention(figure, f"without a pose, not drawn ({(~posed).sum()})")
    _lay_out(figure, np.vstack([drawn[posed], kept]))
    return figure


def pyramid_corners(centres: Float, directions: Float, length: float) -> Float:
    """(N, 5, 3): the camera, then the corners of its far end in turn.

    Roll is not drawn: the far end's upper edge is horizontal.
    """
    up = np.array([0.0, 0.0, 1.0])
    right = np.cross(directions, up)
    size = np.linalg.norm(right, axis=1, keepdims=True)
    right = np.where(size > 1e-6, right / np.maximum(size, 1e-6), [1.0, 0.0, 0.0])
    over = np.cross(right, directions)
    far = centres + length * directions
    wide, tall = length * _HALF_WIDTH * right, length * _HALF_HEIGHT * over
    return np.stack(
        [
            centres,
            far - wide + tall,
            far + wide + tall,
            far + wide - tall,
            far - wide - tall,
        ],
        axis=1,
    )


def _reach(centres: Float) -> float:
    """Distance from the subject up to which cameras are drawn where they are."""
    if not len(centres):
        return 1.0
    distances = np.linalg.norm(centres, axis=1)
    usual = float(np.percentile(distances, _REACH_SHARE, method="lower"))
    return max(_REACH_FACTOR * usual, 1e-6)


def _within_reach(centres: Float, reach: float) -> tuple[Float, list[str]]:
    """Centres pulled in to `reach` along their ray, and a hint for those that were."""
    distances = np.linalg.norm(centres, axis=1)
    far = distances > reach
    scale = np.where(far, reach / np.where(far, distances, 1.0), 1.0)
    hints = [
        f"drawn nearer than it is: {d:.1f} median camera distances away" if f else ""
        for d, f in zip(distances, far, strict=True)
    ]
    return centres * scale[:, None], hints


def _hover(name: str, state: str, reason: str, hint: str) -> str:
    lines = [f"<b>{html.escape(name)}</b>", html.escape(_WORDS.get(state, state))]
    return "<br>".join(lines + [html.escape(text) for text in (reason, hint) if text])


def _add_cameras(
    figure: go.Figure,
    state: str,
    centres: Float,
    directions: Float,
    *,
    hover: list[str],
    names: list[str],
) -> None:
    """Two traces: the pyramids as one broken line, and a symbol at each centre."""
    style = state_style(state)
    corners = pyramid_corners(centres, directions, _PYRAMID)  # (n, 5, 3)
    lifted = np.concatenate([corners, np.full((len(corners), 1, 3), np.nan)], axis=1)
    x, y, z = lifted[:, _STROKE].reshape(-1, 3).T.astype(np.float32)
    figure.add_trace(
        go.Scatter3d(
            x=x,
            y=y,
            z=z,
            mode="lines",
            line={"color": style.colour, "width": 3},
            legendgroup=state,
            showlegend=False,
            hoverinfo="skip",
            name=f"{state}, outlines",
        )
    )
    x, y, z = centres.T
    figure.add_trace(
        go.Scatter3d(
            x=x,
            y=y,
            z=z,
            mode="markers",
            marker={"symbol": style.symbol, "size": 6, "color": style.colour},
            legendgroup=state,
            name=html.escape(f"{_WORDS.get(state, state)} ({len(centres)})"),
            hovertext=hover,
            hoverinfo="text",
            customdata=names,
        )
    )


def _points_to_draw(xyz: Float, reach: float) -> NDArray[np.int64]:
    """Indices of every k-th of the points that lie about where the cameras are.

    A few stray points far out must not shrink all else: points are drawn up to the
    cameras' usual distance, or as far as most of them lie, as in a room.
    """
    distances = np.linalg.norm(xyz, axis=1)
    most = float(np.percentile(distances, _MOST_OF_POINTS))
    near = np.flatnonzero(distances <= min(reach, max(reach / _REACH_FACTOR, most)))
    return near[:: max(1, -(-len(near) // _MOST_POINTS))]


def _points_trace(xyz: Float, rgb: NDArray[np.uint8] | None, words: str) -> go.Scatter3d:
    x, y, z = xyz.T.astype(np.float32)
    colour = (
        _INK
        if rgb is None
        else [f"rgb({r},{g},{b})" for r, g, b in np.asarray(rgb).tolist()]
    )
    return go.Scatter3d(
        x=x,
        y=y,
        z=z,
        mode="markers",
        marker={"size": 1.6, "color": colour, "opacity": 0.8},
        hoverinfo="skip",
        name=html.escape(words),
    )


def _mention(figure: go.Figure, words: str) -> None:
    """A line of the legend without anything to see."""
    figure.add_trace(
        go.Scatter3d(
            x=[None],
            y=[None],
            z=[None],
            mode="markers",
            marker={"symbol": "circle-open", "color": _INK},
            name=words,
        )
    )


def _lay_out(figure: go.Figure, shown: Float) -> None:
    """Equal units on all axes, room for all that is shown and the subject."""
    everything = np.vstack([shown, np.zeros((1, 3))])
    low = everything.min(axis=0) - 2 * _PYRAMID
    high = everything.max(axis=0) + 2 * _PYRAMID
    titles = ("x", "y", "z, up")
    axes = {
        f"{letter}axis": {
            "title": {"text": title, "font": {"size": 11}},
            "range": [float(a), float(b)],
            "backgroundcolor": "rgba(0,0,0,0)",
            "gridcolor": _LINES,
            "zerolinecolor": _LINES,
            "tickfont": {"size": 10},
        }
        for letter, title, a, b in zip("xyz", titles, low, high, strict=True)
    }
    figure.update_layout(
        scene={
            **axes,
            "aspectmode": "data",
            "camera": {"eye": {"x": 1.1, "y": 1.1, "z": 0.75}},
        },
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": _INK, "activecolor": _INK},
        paper_bgcolor="rgba(0,0,0,0)",
        font={"color": _INK},
        legend={"orientation": "h", "y": 0.0, "yanchor": "top", "itemsizing": "constant"},
        hoverlabel={"align": "left"},
    )
