"""Which points each view sees, by a z-buffer of the scene's own points.

Dimension letters: V views, P points, O occluders.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.scene.views import PinholeView

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

# Points of one cell of the z-buffer, on average: fewer leave holes in surfaces.
_POINTS_A_CELL = 16.0
# Of a cell's surface, nearest first, the depth at which a quarter is reached: the few
# points that a sweep puts into empty air in front hide nothing.
_FRONT_QUANTILE = 0.25
_MIN_DEPTH = 0.02
_MARGIN = 0.15


def visible(
    views: Sequence[PinholeView],
    xyz: Float,
    occluders_xyz: Float,
    *,
    margin: float = _MARGIN,
) -> Bool:
    """(V, P) whether each point lies inside each picture with nothing in front.

    Args:
        views: V pinhole views.
        xyz: (P, 3) points, in the views' world.
        occluders_xyz: (O, 3) points of the surfaces that may hide them; usually these
            contain the points themselves.
        margin: a point is hidden when it lies farther behind the front surface than this
            share of the depth. The default suits a sweep's points; for a hull's, which
            have no outliers, 0.03 resolves more.
    """
    seen = np.zeros((len(views), len(xyz)), dtype=bool)
    for row, view in enumerate(views):
        cells, depth, inside = _cells(view, xyz, _cell_px(view, occluders_xyz))
        front = _front_depths(view, occluders_xyz)
        at = np.flatnonzero(inside)
        seen[row, at] = depth[at] <= front[cells[at]] * (1.0 + margin)
    return seen


def project(view: PinholeView, xyz: Float) -> tuple[Float, Float]:
    """(P, 2) pixel positions and (P) depths; positions are NaN behind the camera."""
    pose = view.cam_from_world
    in_cam = np.asarray(xyz) @ pose[:3, :3].T + pose[:3, 3]
    depth = in_cam[:, 2]
    ahead = np.where(depth > _MIN_DEPTH, depth, np.nan)
    pixels = in_cam[:, :2] / ahead[:, None] * view.focal_px + view.principal_px
    return pixels, depth


def in_picture(view: PinholeView, pixels: Float) -> Bool:
    """(P) whether each (x, y) lies within the picture; NaN does not."""
    size = np.array([view.width, view.height])
    with np.errstate(invalid="ignore"):
        return np.asarray(((pixels >= 0) & (pixels < size)).all(axis=1))


def _cell_px(view: PinholeView, occluders: Float) -> float:
    """Edge of a cell in px that holds `_POINTS_A_CELL` of the occluders in sight."""
    pixels, _ = project(view, occluders)
    count = max(int(in_picture(view, pixels).sum()), 1)
    return max(1.0, float(np.sqrt(_POINTS_A_CELL * view.width * view.height / count)))


def _cells(view: PinholeView, xyz: Float, cell_px: float) -> tuple:
    """(P) cell of each point, its depth, and whether it is in the picture at all."""
    pixels, depth = project(view, xyz)
    inside = in_picture(view, pixels)
    column, row = np.floor(np.where(inside[:, None], pixels, 0.0) / cell_px).T
    wide = int(np.ceil(view.width / cell_px))
    return (row * wide + column).astype(np.int64), depth, inside


def _front_depths(view: PinholeView, occluders: Float) -> Float:
    """Depth of the front surface in each cell; infinite where there is none."""
    cell_px = _cell_px(view, occluders)
    cells, depth, inside = _cells(view, occluders, cell_px)
    cells, depth = cells[inside], depth[inside]
    order = np.lexsort((depth, cells))
    cells, depth = cells[order], depth[order]
    starts = np.flatnonzero(np.diff(cells, prepend=-1))
    # A point stands for as much of a surface as its neighbours leave it, and covers less
    # of the picture the farther away it is.
    upto = np.cumsum(depth**-2.0)
    before = upto[starts] - depth[starts] ** -2.0
    share = before + _FRONT_QUANTILE * (np.append(before[1:], upto[-1:]) - before)
    at = np.searchsorted(upto, share)
    total = int(np.ceil(view.width / cell_px)) * int(np.ceil(view.height / cell_px))
    front = np.full(total, np.inf)
    front[cells[starts]] = depth[at]
    return front
