"""Names beside points of a plane, as many as fit without touching each other.

Dimension letters: N points.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mtcm_pipeline.figures.labels import literal, told_apart, width_pt
from mtcm_pipeline.figures.style import INK, LABEL_PT, STATES, points_per_pixel

Float = NDArray[np.float64]
Box = tuple[float, float, float, float]

_ROOM_PT = 90.0
_AWAY_PT = 6.0
_MOST_LABELS = 40


def place_labels(
    axes: Axes,
    points: Float,
    names: Sequence[str],
    wanted: NDArray[np.int64],
    faulty: NDArray[np.bool_],
) -> list[int]:
    """Write names beside points, the first wanted ones first.

    A name goes right, left, above or below its point, where it hides the fewest points;
    where it would touch another name or leave the axes, it is not written. Names of
    frames that are not faulty do not hide wanted points either.

    Args:
        axes: with all points drawn and its limits final.
        points: (N, 2) in data units.
        names: (N) names.
        wanted: indices of points to name, most wanted first.
        faulty: (N) bool; these names are coloured.

    Returns:
        Indices of the points that were named.
    """
    scale = points_per_pixel(axes)
    axes.autoscale_view()
    places = axes.transData.transform(points) * scale  # (N, 2) points on the page
    frame = axes.get_window_extent()
    inside = (frame.x0 * scale, frame.y0 * scale, frame.x1 * scale, frame.y1 * scale)
    marks = [_around(places[i]) for i in wanted]
    taken: list[Box] = []
    named: list[int] = []
    short = told_apart([names[i] for i in wanted], _ROOM_PT, LABEL_PT)
    for i, text in zip(wanted, short, strict=True):
        if len(named) >= _MOST_LABELS:
            break
        boxes = _boxes_about(places[i], width_pt(text, LABEL_PT))
        avoided = taken if faulty[i] else taken + marks
        box = _best_box(boxes, inside, avoided, places)
        if box is None:
            continue
        taken.append(box)
        named.append(int(i))
        axes.annotate(
            text,
            points[i],
            xytext=(box[0] - places[i][0], (box[1] + box[3]) / 2 - places[i][1]),
            textcoords="offset points",
            va="center_baseline",
            fontsize=LABEL_PT,
            color=STATES["faulty"].colour if faulty[i] else INK,
            zorder=9,
            **literal(),
        )
    return named


def _around(place: Float) -> Box:
    x, y = place
    return (x - 4.0, y - 4.0, x + 4.0, y + 4.0)


def _boxes_about(place: Float, width: float) -> list[Box]:
    """Boxes for a text right, left, above and below a point."""
    x, y = place
    height = 1.5 * LABEL_PT
    corners = [
        (x + _AWAY_PT, y - height / 2),
        (x - _AWAY_PT - width, y - height / 2),
        (x - width / 2, y + _AWAY_PT),
        (x - width / 2, y - _AWAY_PT - height),
    ]
    return [(left, low, left + width, low + height) for left, low in corners]


def _best_box(
    boxes: list[Box], inside: Box, taken: list[Box], places: Float
) -> Box | None:
    """Of the boxes that lie inside and touch nothing, the first with fewest points."""
    free = [
        box
        for box in boxes
        if _within(box, inside) and not any(_touch(box, other) for other in taken)
    ]
    return min(free, key=lambda box: _points_under(box, places), default=None)


def _points_under(box: Box, places: Float) -> int:
    low, high = np.array(box[:2]) - 2.0, np.array(box[2:]) + 2.0
    return int(((places >= low) & (places <= high)).all(axis=1).sum())


def _within(box: Box, outer: Box) -> bool:
    return (
        box[0] >= outer[0]
        and box[1] >= outer[1]
        and box[2] <= outer[2]
        and box[3] <= outer[3]
    )


def _touch(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
