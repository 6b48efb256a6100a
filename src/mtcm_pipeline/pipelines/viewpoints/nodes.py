"""Nodes of the viewpoints pipeline."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.scene.points import ScenePoints
from mtcm_pipeline.tokens.layout import Tokens
from mtcm_pipeline.viewpoints.angles import viewpoints_of
from mtcm_pipeline.viewpoints.diversity import diversity_table
from mtcm_pipeline.viewpoints.labels import pose_labels, unused_names
from mtcm_pipeline.viewpoints.options import LabelOptions

log = logging.getLogger(__name__)


def label_the_poses(tokens: Tokens, options: LabelOptions) -> pd.DataFrame:
    """Angles and words for every frame's view."""
    views = viewpoints_of(tokens, options)
    if views.sideways:
        log.info(
            "the pictures lie on their side as a whole: labels take up to be at their "
            "left or right edge. Turned upright, with new poses, they are easier to read"
        )
    if not views.front_known:
        log.info(
            "no label says 'front': azimuths count from %s "
            "(labels.front_frame or labels.front_azimuth_deg names the front)",
            views.zero,
        )
    if unused := unused_names(options):
        log.warning("%s", unused)
    return pose_labels(views, options.names)


def sketch_the_scene(
    sparse_points: SparsePoints,
    cameras: PosedCameras,
    gauge: Similarity,
    scores: pd.DataFrame,
    thumbnails: dict[str, np.ndarray],
) -> ScenePoints:
    """Points to see the cameras about, in the canonical gauge.

    The capture's own, where a model came with it; else a sweep over the thumbnails of the
    kept frames.
    """
    from mtcm_pipeline.scene.thumbnails import thumbnail_points

    if len(sparse_points):
        rgb = sparse_points.rgb.astype(np.float32) / 255.0
        unknown = np.full(len(sparse_points), np.nan)
        return ScenePoints(gauge.points(sparse_points.xyz), rgb, unknown)
    kept = scores.loc[scores["usable"].astype(bool), "name"].tolist()
    try:
        return thumbnail_points(cameras, thumbnails, kept, gauge)
    except CaptureError as error:
        log.warning("the cameras are drawn without the scene: %s", error)
        return ScenePoints(np.empty((0, 3)), np.empty((0, 3), np.float32), np.empty(0))


def measure_the_diversity(
    tokens: Tokens,
    scores: pd.DataFrame,
    selection_table: pd.DataFrame,
    options: LabelOptions,
) -> pd.DataFrame:
    """How varied the captured, the kept and the chosen views are."""
    kept = scores["usable"].to_numpy(dtype=bool)
    sets = {
        "captured": np.ones(len(tokens), dtype=bool),
        "kept": kept,
        "chosen": selection_table["chosen"].to_numpy(dtype=bool),
    }
    views = viewpoints_of(tokens, options)
    return diversity_table(views, tokens.field("embedding"), sets, kept)
