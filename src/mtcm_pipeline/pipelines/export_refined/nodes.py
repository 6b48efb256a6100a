"""Nodes of the export_refined pipeline."""

from __future__ import annotations

import logging
import textwrap
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.files import FileLoaders
from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.export.options import ExportOptions
from mtcm_pipeline.export.refined import refined_remark, with_learned_weights
from mtcm_pipeline.pipelines.export.nodes import gather_the_export
from mtcm_pipeline.selection.problem import Selection

log = logging.getLogger(__name__)


def gather_the_refined_export(
    selection: Selection,
    cameras: PosedCameras,
    refined_cameras: PosedCameras,
    weights: pd.DataFrame,
    points: SparsePoints,
    representations: np.ndarray,
    scores: pd.DataFrame,
    pose_labels: pd.DataFrame,
    images: FileLoaders,
    masks: FileLoaders,
    made_masks: FileLoaders,
    trainer_keys: dict[str, Any],
    options: ExportOptions,
) -> dict[str, Any]:
    """Every file of the export folder, with the poses and weights of fine-tuning."""
    learned = dict(zip(weights["name"], weights["weight"], strict=True))
    files = gather_the_export(
        selection,
        replace(refined_cameras, source=cameras.source),  # they stay in its world
        points,
        representations,
        with_learned_weights(scores, learned),
        pose_labels,
        images,
        masks,
        made_masks,
        trainer_keys,
        options,
    )
    if selection.ranking:
        remark = refined_remark(selection.ranking, cameras, refined_cameras, learned)
        log.info(remark)
        files["README.txt"] += "\n" + textwrap.fill(remark, 79) + "\n"
    return files
