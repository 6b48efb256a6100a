"""Nodes of the ingest pipeline."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.files import FileLoaders
from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.formats.exif import read_exif_json
from mtcm_pipeline.formats.reading import PoseReading
from mtcm_pipeline.ingest.embeddings import EmbeddingTable
from mtcm_pipeline.ingest.intake import CaptureContents, ingest_capture
from mtcm_pipeline.ingest.options import IngestOptions


def take_the_capture_in(
    images: FileLoaders,
    masks: FileLoaders,
    embeddings: FileLoaders,
    poses: PoseReading | None,
    exif: Any,
    options: IngestOptions,
) -> tuple[
    pd.DataFrame,
    pd.DataFrame,
    EmbeddingTable,
    PosedCameras,
    SparsePoints,
    dict[str, np.ndarray],
]:
    """Frames, data quality, embeddings, cameras, sparse points and thumbnails."""
    contents = CaptureContents(
        images, masks, embeddings, poses, read_exif_json(exif) if exif else None
    )
    capture = ingest_capture(contents, options)
    cameras = capture.frames.cameras
    if options.require_poses and len(cameras) == 0:
        raise CaptureError(_no_poses(poses))
    points = capture.frames.points
    return (
        capture.frames.table,
        capture.quality,
        replace(capture.embeddings, problems={}, notes=()),
        cameras,
        SparsePoints.empty() if points is None else points,
        capture.frames.thumbnails,
    )


def _no_poses(reading: PoseReading | None) -> str:
    """What is wrong with the poses as a whole, and what to do."""
    if reading is None:
        found = "there is no poses.json, sparse/ or transforms.json"
    else:
        wrong = [f"{name}: {text}" for name, text in list(reading.problems.items())[:3]]
        found = "; ".join([f"{reading.cameras.source} fits no image", *wrong])
    return (
        f"no frame has a pose ({found}): run COLMAP on the images and put its model "
        f"under data/metadata/<identity>/sparse/, or set ingest.require_poses=false to "
        f"have the frames judged without poses; what has no pose cannot be exported"
    )
