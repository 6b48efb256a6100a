"""Points on the surfaces, by whichever method the views allow."""

from __future__ import annotations

from mtcm_pipeline.scene.hull import hull_points
from mtcm_pipeline.scene.points import ScenePoints
from mtcm_pipeline.scene.sweep import sweep_points
from mtcm_pipeline.scene.views import PinholeViews

# Fewer silhouettes than this leave a hull that is far larger than the subject.
HULL_VIEWS = 12


def scene_points(views: PinholeViews, count: int, seed: int) -> ScenePoints:
    """Up to `count` points of the scene, from these views alone.

    Where every view has a mask, and there are enough of them to carve with, the surface
    of the visual hull; else the photo-consistency sweep (which keeps to the masks that
    there are).

    Args:
        views: V >= 2 views in the canonical gauge.
        count: points wanted.
        seed: of the choice among more.

    Raises:
        CaptureError: fewer than two views.
    """
    masked = all(view.mask is not None for view in views.views)
    if masked and len(views) >= HULL_VIEWS:
        points = hull_points(views, count, seed)
        if len(points):
            return points
    return sweep_points(views, count, seed)
