"""Gaussians before the first step: where the scene's points are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.field.gaussians import SH_CONSTANT, Gaussians
from mtcm_pipeline.field.options import FieldOptions
from mtcm_pipeline.scene.points import ScenePoints
from mtcm_pipeline.scene.surface_points import scene_points
from mtcm_pipeline.scene.views import PinholeView, PinholeViews

# Neighbours whose mean square distance makes the first size (Kerbl et al. 2023).
_NEIGHBOURS = 3
# No Gaussian starts larger than this many pixels at its depth.
_LARGEST_PX = 8.0
_SMALLEST = 1e-4
# Observations a point needs among the selected views to count as measured by them.
_LEAST_VIEWS = 2


def start_points(
    views: PinholeViews,
    names: Sequence[str],
    options: FieldOptions,
    *,
    seed: int,
    sparse: SparsePoints | None = None,
) -> ScenePoints:
    """Points for `options.gaussians` Gaussians, from the views `names` alone.

    SfM points that at least two of these views observe come first, where there are
    enough of them; hull or sweep over these views fill up. (Their positions, like the
    poses, come from a bundle adjustment over all frames; which points are used, and
    their colours' weight, do not depend on frames held out.)

    Args:
        views: in the canonical gauge; only those of `names` are looked at.
        names: the views to start from.
        options: number of Gaussians, trust in SfM points.
        seed: of the choice among more points than wanted.
        sparse: the SfM model's points in the capture's own world; None without one.
    """
    chosen = views.subset(names)
    measured = None if sparse is None else sparse_start(chosen, sparse)
    if measured is None or len(measured) < options.least_sparse_points:
        return scene_points(chosen, options.gaussians, seed)
    random = np.random.default_rng(seed)
    if len(measured) >= options.gaussians:
        rows = random.permutation(len(measured))[: options.gaussians]
        return measured.take(np.sort(rows))
    return joined(measured, scene_points(chosen, options.gaussians - len(measured), seed))


def sparse_start(views: PinholeViews, sparse: SparsePoints) -> ScenePoints:
    """The SfM points that at least two of `views` observe, in the gauge of `views`.

    Points that lie in the background of a mask, or behind a camera that observes them,
    are left out.
    """
    seen = sparse.seen_by(views.names, _LEAST_VIEWS)
    row = {name: i for i, name in enumerate(views.names)}
    observer = np.array([row[name] for name in seen.track_image.tolist()], np.int64)
    xyz, rgb = views.gauge.points(seen.xyz), (seen.rgb / 255).astype(np.float32)
    return seen_points(views, xyz, observer, seen.track_point, rgb)


def seen_points(
    views: PinholeViews,
    xyz: NDArray[np.float64],
    observer: NDArray[np.int64],
    point: NDArray[np.int64],
    rgb: NDArray[np.float32] | None = None,
) -> ScenePoints:
    """The points that some view observes, none in its background or behind it.

    Args:
        views: V of them.
        xyz: (P, 3) in the gauge of the views.
        observer: (O,) row of the view of each observation.
        point: (O,) row of its point.
        rgb: (P, 3) in 0..1; the mean over the observing views where left out.
    """
    spacing, good = np.full(len(xyz), np.inf), np.ones(len(xyz), bool)
    total, count = np.zeros((len(xyz), 3)), np.zeros(len(xyz))
    for i, view in enumerate(views.views):
        points = point[observer == i]
        depth, foreground, colour = _seen_in(view, xyz[points])
        good[points] &= foreground & (depth > 0)
        size = depth / np.mean(view.focal_px)
        np.minimum.at(spacing, points, np.where(depth > 0, size, np.inf))
        np.add.at(total, points, colour)
        np.add.at(count, points, 1)
    good &= np.isfinite(spacing)
    if rgb is None:
        rgb = (total / np.maximum(count, 1)[:, None]).astype(np.float32)
    return ScenePoints(xyz[good], rgb[good], spacing[good])


def _seen_in(
    view: PinholeView, xyz: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float32]]:
    """(P) depths, whether the mask, if any, has the points in the foreground, and
    (P, 3) colours there; of the nearest pixel where they are outside the picture."""
    in_cam = xyz @ view.cam_from_world[:3, :3].T + view.cam_from_world[:3, 3]
    depth = in_cam[:, 2]
    safe = np.where(depth > 0, depth, 1.0)
    x = in_cam[:, 0] / safe * view.focal_px[0] + view.principal_px[0]
    y = in_cam[:, 1] / safe * view.focal_px[1] + view.principal_px[1]
    column = np.clip(x, 0, view.width - 1).astype(np.int64)
    row = np.clip(y, 0, view.height - 1).astype(np.int64)
    foreground = np.ones(len(xyz), bool)
    if view.mask is not None:
        foreground = view.mask[row, column] > 0.5
    return depth, foreground, view.rgb[row, column]


def joined(first: ScenePoints, second: ScenePoints) -> ScenePoints:
    """All points of both."""
    return ScenePoints(
        np.concatenate([first.xyz, second.xyz]),
        np.concatenate([first.rgb, second.rgb]),
        np.concatenate([first.spacing, second.spacing]),
    )


def gaussians_at(points: ScenePoints, options: FieldOptions) -> Gaussians:
    """Round float32 Gaussians at `points`, as large as the gap to their neighbours."""
    n = len(points)
    quats = np.zeros((n, 4), np.float32)
    quats[:, 0] = 1
    harmonics = np.zeros((n, 4, 3), np.float32)
    harmonics[:, 0] = (points.rgb - 0.5) / SH_CONSTANT
    logit = np.log(options.start_opacity / (1 - options.start_opacity))
    log_scales = np.log(_first_sizes(points))[:, None].repeat(3, 1)
    return Gaussians(
        points.xyz.astype(np.float32),
        quats,
        log_scales.astype(np.float32),
        np.full(n, logit, np.float32),
        harmonics,
    )


def _first_sizes(points: ScenePoints) -> NDArray[np.float64]:
    """(P) root mean square distance to the nearest points, within bounds."""
    largest = np.maximum(_LARGEST_PX * points.spacing, _SMALLEST)
    if len(points) <= _NEIGHBOURS:
        return largest
    distances, _ = cKDTree(points.xyz).query(points.xyz, k=_NEIGHBOURS + 1)
    gaps = np.sqrt((distances[:, 1:] ** 2).mean(axis=1))
    return np.asarray(np.clip(gaps, _SMALLEST, largest))
