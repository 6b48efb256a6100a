"""A whole capture in one pass: every photograph is decoded once.

The one call that a caller needs; the parts are in the modules beside.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.files import FileLoaders
from mtcm_pipeline.capture.matching import frame_names
from mtcm_pipeline.encoders.registry import Encoder, load_encoder
from mtcm_pipeline.formats.exif import ExifReading
from mtcm_pipeline.formats.reading import PoseReading
from mtcm_pipeline.ingest.data_quality import (
    data_quality_table,
    problem_lines,
    summary_lines,
)
from mtcm_pipeline.ingest.embedding_files import read_embeddings
from mtcm_pipeline.ingest.embeddings import EmbeddingCollector, EmbeddingTable
from mtcm_pipeline.ingest.frame_row import PROBLEM_SEPARATOR
from mtcm_pipeline.ingest.frames import IngestedFrames, build_frame_table
from mtcm_pipeline.ingest.mask_polarity import polarity_note
from mtcm_pipeline.ingest.options import IngestOptions
from mtcm_pipeline.ingest.quality import near_duplicates, relative_to_neighbours
from mtcm_pipeline.ingest.sizes import size_note, size_outliers

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CaptureContents:
    """The contents of one identity's folders.

    Attributes:
        images: photographs by file name.
        masks: masks by file name.
        embeddings: `.npy` files by file name.
        poses: what the poses' file held; None without one.
        exif: what exif.json held; None without one.
    """

    images: FileLoaders
    masks: FileLoaders = field(default_factory=dict)
    embeddings: FileLoaders = field(default_factory=dict)
    poses: PoseReading | None = None
    exif: ExifReading | None = None


@dataclass(frozen=True)
class IngestedCapture:
    """Everything that later stages need of a capture.

    Attributes:
        frames: table, cameras, points and thumbnails. The table also has the columns
            `relative_sharpness` and `relative_luminance` (log-ratio to the neighbours),
            `duplicate_of` (an earlier frame, or empty) and `size_outlier` (whether the
            photograph is of another size or shape than most; a remark, no fault).
        embeddings: one a frame, rows as in the table.
        quality: the data-quality table.
    """

    frames: IngestedFrames
    embeddings: EmbeddingTable
    quality: pd.DataFrame


def ingest_capture(
    contents: CaptureContents,
    options: IngestOptions | None = None,
    *,
    load: Callable[[], Encoder] | None = None,
) -> IngestedCapture:
    """Take a capture in.

    Args:
        contents: what lies in the identity's folders.
        options: parameters; defaults when None.
        load: returns the encoder, called only if it is needed; that of the options
            when None.

    Raises:
        CaptureError: there are no images, or two share a stem.
        CaptureError: the embedding files are seen to come from two encoders.
        ParameterError: the encoder is needed and its weights are missing.
    """
    options = options or IngestOptions()
    names = frame_names(contents.images)
    collector = EmbeddingCollector(
        read_embeddings(contents.embeddings, names),
        load or (lambda: _load_encoder(options)),
        batch=options.encoder_batch,
        probe_frames=options.probe_frames,
        same_encoder_cosine=options.same_encoder_cosine,
    )
    frames = build_frame_table(
        contents.images,
        contents.masks,
        contents.poses,
        contents.exif,
        options,
        visit=collector.take,
    )
    said = {*frames.notes}
    embeddings = collector.finish()
    frames = with_comparisons(with_embeddings(frames, embeddings), embeddings, options)
    notes = (*poses_note(frames.cameras), *embeddings.notes)
    quality = data_quality_table(frames, notes)
    for line in summary_lines(quality, said=said.union(collector.warnings)):
        log.info(line)
    for line in problem_lines(quality):
        log.warning(line)
    return IngestedCapture(frames, embeddings, quality)


def poses_note(cameras: PosedCameras) -> tuple[str, ...]:
    """Where the poses come from, and how many cameras they share; nothing without any."""
    if len(cameras) == 0:
        return ()
    lenses = len(set(cameras.camera_ids))
    shared = "one camera" if lenses == 1 else f"{lenses} cameras"
    poses = "1 pose" if len(cameras) == 1 else f"{len(cameras)} poses"
    return (f"{poses} of {shared}, from {cameras.source}",)


def with_embeddings(frames: IngestedFrames, embeddings: EmbeddingTable) -> IngestedFrames:
    """The frames with `has_embedding` and the embedding files' problems entered."""
    table = frames.table.assign(
        has_embedding=embeddings.present,
        problems=_joined(frames.table, embeddings.problems),
    )
    return replace(frames, table=table)


def with_comparisons(
    frames: IngestedFrames, embeddings: EmbeddingTable, options: IngestOptions
) -> IngestedFrames:
    """The frames with the columns that compare them with each other, and remarks."""
    table = frames.table
    centres, directions = _views(frames.names, frames.cameras)
    times = _times(table)
    k = options.neighbours
    sharpness = _comparable_sharpness(table)
    relative = {
        "relative_sharpness": relative_to_neighbours(
            sharpness, centres, directions, times, k
        ),
        "relative_luminance": relative_to_neighbours(
            table["luminance"].to_numpy(np.float64), centres, directions, times, k
        ),
    }
    duplicates = near_duplicates(
        frames.small,
        embeddings.vectors,
        frames.names,
        correlation=options.duplicate_correlation,
        cosine=options.duplicate_cosine,
        difference=options.duplicate_difference,
    )
    widths, heights = (table[side].to_numpy(np.float64) for side in ("width", "height"))
    outlier = size_outliers(
        widths,
        heights,
        size_factor=options.size_factor,
        aspect_factor=options.aspect_factor,
    )
    around, area = (
        table[column].to_numpy(np.float64)
        for column in ("mask_touches_border", "mask_area")
    )
    found = (
        size_note(frames.names, outlier, widths, heights),
        polarity_note(around, area),
    )
    compared = table.assign(
        **relative,
        duplicate_of=[name or "" for name in duplicates],
        size_outlier=outlier,
    )
    return replace(frames, table=compared, notes=(*frames.notes, *filter(None, found)))


def _load_encoder(options: IngestOptions) -> Encoder:
    return load_encoder(
        options.encoder, options.encoder_weights, download=options.encoder_download
    )


def _comparable_sharpness(table: pd.DataFrame) -> np.ndarray:
    """Inside the masks where every decoded frame has one, else of the whole images."""
    inside = table["sharpness_in_mask"].to_numpy(np.float64)
    whole = table["sharpness"].to_numpy(np.float64)
    everywhere = np.isfinite(inside)[np.isfinite(whole)].all()
    return inside if everywhere else whole


def _views(
    names: tuple[str, ...], cameras: PosedCameras
) -> tuple[np.ndarray, np.ndarray]:
    """(N, 3) centres and (N, 3) directions; NaN without a pose."""
    centres = np.full((len(names), 3), np.nan)
    directions = np.full((len(names), 3), np.nan)
    row_of = {name: row for row, name in enumerate(names)}
    rows = [row_of[name] for name in cameras.names]
    centres[rows] = cameras.centres_xyz
    directions[rows] = cameras.viewing_directions
    return centres, directions


def _times(table: pd.DataFrame) -> np.ndarray:
    """(N,) timestamps where all frames have one, else the order."""
    times = table["timestamp_s"].to_numpy(np.float64)
    return times if np.isfinite(times).all() else np.arange(len(table), dtype=np.float64)


def _joined(table: pd.DataFrame, more: Mapping[str, str]) -> list[str]:
    return [
        PROBLEM_SEPARATOR.join(filter(None, [text, more.get(name, "")]))
        for name, text in zip(table["name"], table["problems"], strict=True)
    ]
