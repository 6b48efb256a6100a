"""Nodes of the export pipeline."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.files import FileLoaders
from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.datasets.folder import FolderContents
from mtcm_pipeline.export.bundle import build_export, empty_export
from mtcm_pipeline.export.options import ExportOptions
from mtcm_pipeline.export.readback import check_export
from mtcm_pipeline.export.weights import view_weights
from mtcm_pipeline.selection.problem import Selection

log = logging.getLogger(__name__)


def gather_the_export(
    selection: Selection,
    cameras: PosedCameras,
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
    """Every file of the export folder, by its path in it."""
    if not selection.ranking:
        log.warning("no frame was chosen: the export holds no view")
        return dict(empty_export())
    row_of = {name: row for row, name in enumerate(scores["name"])}
    rows = [row_of[name] for name in selection.ranking]
    return build_export(
        selection.ranking,
        cameras=cameras,
        images=images,
        points=points if len(points) else None,
        masks={**made_masks, **masks},
        pose_embeddings=representations[rows],
        view_weights=view_weights(scores["fault_score"].to_numpy()[rows]),
        pose_labels=pose_labels.iloc[rows].to_csv(index=False, na_rep="nan"),
        # They hold for the world of the poses that they came with.
        trainer_keys=trainer_keys if cameras.source == "transforms.json" else None,
        undistort=options.undistort,
    )


def read_the_export_back(
    export: FolderContents,
    cameras: PosedCameras,
    selection: Selection,
    options: ExportOptions,
) -> pd.DataFrame:
    """What was written, opened again and compared with what was meant."""
    if not selection.ranking:
        return pd.DataFrame(columns=["check", "worst", "bound", "ok"])
    table = check_export(
        export.path, cameras, selection.ranking, undistort=options.undistort
    )
    log.info(
        "the export reads back right: %d checks; it lies in %s", len(table), export.path
    )
    return table
