"""Visual hull: what no silhouette rules out (Laurentini 1994).

Dimension letters: V views, G voxels along an edge, P points.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.scene.points import ScenePoints
from mtcm_pipeline.scene.views import PinholeViews
from mtcm_pipeline.scene.visibility import in_picture, project, visible

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]

# Half the edge of the cube that is searched, in camera distances: the subject is nearer
# to the origin than the cameras are.
_HALF_EDGE = 0.9
_COARSE = 48
_FINEST = 160
# A voxel goes when more than this share of the views that see it call it background:
# masks are wrong now and then.
_OUTSIDE_SHARE = 0.06
# Seen by fewer than this share of the views, nothing is known of it.
_SEEN_SHARE = 0.3
_FOREGROUND = 0.3


def hull_points(views: PinholeViews, count: int, seed: int) -> ScenePoints:
    """Up to `count` points on the surface of the visual hull.

    Args:
        views: in the canonical gauge; those without a mask carve nothing.
        count: points wanted; fewer where the hull is small.
        seed: of the choice among more.

    Returns:
        Voxel centres of the surface, with the mean colour in the views that see each;
        `spacing` is the voxel's edge. No points where the masks contradict the poses.

    Raises:
        CaptureError: no view has a mask.
    """
    masked = views.subset([v.name for v in views.views if v.mask is not None])
    if not len(masked):
        raise CaptureError("a visual hull needs masks and no view has one")
    low, high = np.full(3, -_HALF_EDGE), np.full(3, _HALF_EDGE)
    full = _carve(masked, low, high, _COARSE)
    if not full.any():
        return _colour(masked, np.zeros((0, 3)), 0.0)
    low, high = _bounds(full, low, high)
    # A closed surface of G voxels an edge has about 3 G^2 of them.
    edge = int(np.clip(np.sqrt(count / 3.0), _COARSE, _FINEST))
    full = _carve(masked, low, high, edge)
    step = (high - low) / edge
    xyz = low + (np.argwhere(_surface(full)) + 0.5) * step
    if len(xyz) > count:
        rows = np.random.default_rng(seed).choice(len(xyz), count, replace=False)
        xyz = xyz[np.sort(rows)]
    return _colour(masked, xyz, float(step.max()))


def _carve(views: PinholeViews, low: Float, high: Float, edge: int) -> Bool:
    """(G, G, G) voxels of the box that the silhouettes leave."""
    step = (high - low) / edge
    grid = np.argwhere(np.ones((edge,) * 3, dtype=bool))
    xyz = low + (grid + 0.5) * step
    seen = np.zeros(len(xyz), dtype=np.int32)
    outside = np.zeros(len(xyz), dtype=np.int32)
    live = np.arange(len(xyz))
    allowed = _OUTSIDE_SHARE * len(views)
    for view in views.views:
        pixels, _ = project(view, xyz[live])
        inside = in_picture(view, pixels)
        column, row = np.where(inside[:, None], pixels, 0.0).astype(np.int64).T
        assert view.mask is not None
        seen[live] += inside
        outside[live] += inside & (view.mask[row, column] < _FOREGROUND)
        live = live[outside[live] <= allowed]
    kept = (outside <= _OUTSIDE_SHARE * seen) & (seen >= _SEEN_SHARE * len(views))
    return kept.reshape((edge,) * 3)


def _bounds(full: Bool, low: Float, high: Float) -> tuple[Float, Float]:
    """The box around the voxels, two coarse voxels wider."""
    step = (high - low) / full.shape[0]
    at = np.argwhere(full)
    return low + (at.min(axis=0) - 2) * step, low + (at.max(axis=0) + 3) * step


def _surface(full: Bool) -> Bool:
    """Voxels with an empty neighbour."""
    padded = np.pad(full, 1)
    buried = np.ones_like(full)
    for axis in range(3):
        for shift in (-1, 1):
            buried &= np.roll(padded, shift, axis)[1:-1, 1:-1, 1:-1]
    return full & ~buried


def _colour(views: PinholeViews, xyz: Float, spacing: float) -> ScenePoints:
    """The points with their mean colour over the views that see them (grey if none)."""
    total = np.zeros((len(xyz), 3))
    count = np.zeros(len(xyz))
    seen = visible(views.views, xyz, xyz, margin=0.03)
    for view, of_view in zip(views.views, seen, strict=True):
        at = np.flatnonzero(of_view)
        pixels, _ = project(view, xyz[at])
        column, row = pixels.astype(np.int64).T
        total[at] += view.rgb[row, column]
        count[at] += 1
    mean = np.where(count[:, None] > 0, total / np.maximum(count, 1)[:, None], 0.5)
    return ScenePoints(xyz, mean.astype(np.float32), np.full(len(xyz), spacing))
