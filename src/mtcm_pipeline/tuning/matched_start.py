"""Gaussians before the first step where matched features are, which fine-tuning has.

Features lie on the surfaces, where a hull is too large wherever the subject is hollow and
a sweep's points scatter. But they crowd where there is texture: one of each cell is
taken, and at most half of the points are features.

Dimension letters: V frames, O observations, P points.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.field.options import FieldOptions
from mtcm_pipeline.field.start import joined, seen_points, start_points
from mtcm_pipeline.scene.points import ScenePoints
from mtcm_pipeline.scene.views import PinholeViews
from mtcm_pipeline.tuning.matches import Tracks
from mtcm_pipeline.tuning.triangulation import triangulated, well_seen

Bool = NDArray[np.bool_]
Index = NDArray[np.int64]

_MATCHED_SHARE = 0.5
# Edge of a cell in px of a view: no Gaussian starts larger than that.
_CELL_PX = 8.0
# Errors in px of a 400 px photograph, as for poses.
_SOFT_PX, _AGREES_PX = 1.0, 1.5


def matched_start(
    views: PinholeViews,
    names: Sequence[str],
    tracks: Tracks | None,
    options: FieldOptions,
    *,
    seed: int,
) -> ScenePoints:
    """Points for `options.gaussians` Gaussians, at most half of them matched features.

    Args:
        views: V of them, where they are believed to stand, in the order of `tracks`.
        names: the views that are trusted; nothing of others is looked at.
        tracks: features that views share; None where there are none.
        options: number of Gaussians.
        seed: of the choice among more points than wanted.
    """
    if tracks is None:
        return start_points(views, names, options, seed=seed)
    points = matched_points(views, np.isin(views.names, list(names)), tracks)
    rows = _one_a_cell(points, np.random.default_rng(seed))
    chosen = points.take(np.sort(rows[: round(_MATCHED_SHARE * options.gaussians)]))
    left = FieldOptions(gaussians=options.gaussians - len(chosen))
    return joined(chosen, start_points(views, names, left, seed=seed))


def matched_points(views: PinholeViews, trusted: Bool, tracks: Tracks) -> ScenePoints:
    """Features that most of the trusted views that share them agree on.

    Args:
        views: V of them, in the order of `tracks`.
        trusted: (V,) whose observations count.
        tracks: O observations of P points.

    Returns:
        Points with the mean colour of where the views see them.
    """
    poses = np.stack([view.cam_from_world for view in views.views])
    counts = trusted[tracks.frame]
    structure = triangulated(tracks, poses, counts, _SOFT_PX)
    good = well_seen(tracks, poses, structure, counts, _AGREES_PX)
    fits = counts & (structure.error_px < _AGREES_PX) & good[tracks.point]
    return seen_points(views, structure.xyz, tracks.frame[fits], tracks.point[fits])


def _one_a_cell(points: ScenePoints, random: np.random.Generator) -> Index:
    """Rows of one point of each cell, in random order.

    Cells are `_CELL_PX` pixels at a point's depth, rounded to a power of two so that
    points beside each other share a grid.
    """
    order = random.permutation(len(points))
    level = np.round(np.log2(_CELL_PX * points.spacing))
    cell = np.floor(points.xyz / np.exp2(level)[:, None])
    keys = np.column_stack([cell, level])[order]
    _, first = np.unique(keys, axis=0, return_index=True)
    return np.asarray(random.permutation(order[first]))
