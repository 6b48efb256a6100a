"""Nodes of the ingest pipeline."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.content_store import ContentStore, LimitedStore
from mtcm_pipeline.capture.files import FileLoaders
from mtcm_pipeline.capture.matching import frame_names
from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.encoders.cache import cached_encoder
from mtcm_pipeline.encoders.registry import Encoder
from mtcm_pipeline.errors import CaptureError, ParameterError
from mtcm_pipeline.formats.exif import read_exif_json
from mtcm_pipeline.formats.reading import PoseReading
from mtcm_pipeline.ingest.embeddings import EmbeddingTable
from mtcm_pipeline.ingest.frame_poses import FramePoses
from mtcm_pipeline.ingest.intake import CaptureContents, IngestedCapture, ingest_capture
from mtcm_pipeline.ingest.options import IngestOptions
from mtcm_pipeline.ingest.poses_from_images import poses_from_images
from mtcm_pipeline.segmentation.missing_masks import make_missing_masks
from mtcm_pipeline.segmentation.options import MaskOptions
from mtcm_pipeline.selection.frame_names import named_frames
from mtcm_pipeline.selection.options import SelectOptions
from mtcm_pipeline.selection.user_word import check_kept_frames, user_word
from mtcm_pipeline.sfm.options import SfmOptions
from mtcm_pipeline.tokens.build import sequence_times
from mtcm_pipeline.twoview.evidence import two_view_evidence
from mtcm_pipeline.twoview.options import TwoViewOptions
from mtcm_pipeline.twoview.pose_evidence import pose_evidence
from mtcm_pipeline.viewpoints.options import LabelOptions

log = logging.getLogger(__name__)

TakenIn = tuple[
    pd.DataFrame,
    pd.DataFrame,
    EmbeddingTable,
    PosedCameras,
    SparsePoints,
    dict[str, np.ndarray],
]


def make_the_missing_masks(
    images: FileLoaders,
    masks: FileLoaders,
    poses: PoseReading | None,
    cache: ContentStore,
    options: MaskOptions,
) -> tuple[dict[str, bytes], pd.DataFrame]:
    """PNG masks for the images that have none, and where each frame's mask comes from."""
    poses_of = FramePoses.matched(poses, frame_names(images))
    made = make_missing_masks(
        images, masks, options, posed_size=poses_of.size_of, store=cache
    )
    return dict(made.masks), made.table


def take_the_capture_in(
    images: FileLoaders,
    masks: FileLoaders,
    made_masks: FileLoaders,
    embeddings: FileLoaders,
    poses: PoseReading | None,
    exif: Any,
    cache: ContentStore,
    workspace: Path,
    options: IngestOptions,
    sfm_options: SfmOptions,
    select: SelectOptions,
    labels: LabelOptions,
) -> TakenIn:
    """Frames, data quality, embeddings, cameras, sparse points and thumbnails.

    What the user says of single frames, in any section, is checked here: a name that is
    misspelt would else stop the run only after the training.
    """
    # An empty capture, twins or a misspelt name stop the run before the long work.
    names = frame_names(images)
    user_word(select, names)
    front = named_frames("labels.front_frame", _given(labels.front_frame), names)
    masks = {**made_masks, **masks}
    exif_reading = read_exif_json(exif) if exif else None
    encoder = _encoder(options, cache)
    contents = CaptureContents(images, masks, embeddings, poses, exif_reading)
    if poses is None and options.structure_from_motion:
        poses = _computed_poses(contents, workspace, options, sfm_options, encoder)
        contents = replace(contents, poses=poses)
    if options.require_poses and not _fits_any_image(poses, names):
        raise CaptureError(_no_poses(poses))
    capture = ingest_capture(contents, options, load=encoder)
    if options.require_poses and len(capture.frames.cameras) == 0:
        raise CaptureError(_no_poses(poses))
    check_kept_frames(select, capture.frames.table)
    _check_front(front, capture.frames.cameras)
    return _handed_on(capture)


def verify_the_geometry(
    images: FileLoaders,
    masks: FileLoaders,
    made_masks: FileLoaders,
    frames: pd.DataFrame,
    cameras: PosedCameras,
    embeddings: EmbeddingTable,
    points: SparsePoints,
    cache: LimitedStore,
    options: TwoViewOptions,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The pairs of frames that were matched, and what they say of each frame's pose."""
    names = tuple(frames["name"])
    evidence = None
    if options.enabled and len(cameras) >= 2:
        row_of = {name: row for row, name in enumerate(names)}
        rows = [row_of[name] for name in cameras.names]
        evidence = two_view_evidence(
            images,
            {**made_masks, **masks},
            cameras,
            embeddings.vectors[rows].astype(np.float64),
            sequence_times(frames["timestamp_s"].to_numpy(np.float64))[rows],
            options=options,
            store=cache,
        )
    pairs, poses = pose_evidence(names, evidence, points)
    verdicts = poses["pose_verdict"].value_counts()
    log.info(
        "poses by matched features: %s",
        ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items()),
    )
    return pairs, poses


def shrink_the_cache(
    pairs: pd.DataFrame, cache: LimitedStore, options: IngestOptions
) -> None:
    """What the cache holds beyond its limit goes.

    Args:
        pairs: not looked at: they are there once ingest has used what it needs.
        cache: of everything that can be computed again.
        options: with the limit; None keeps all.
    """
    if options.cache_limit_mb is None:
        return
    removed = cache.shrink(int(options.cache_limit_mb * 1e6))
    if removed:
        log.info("cache: %.0f MB not used for longest removed", removed / 1e6)


def _handed_on(capture: IngestedCapture) -> TakenIn:
    """What later stages load; what the quality table says is not said twice."""
    points = capture.frames.points
    return (
        capture.frames.table,
        capture.quality,
        replace(capture.embeddings, problems={}, notes=()),
        capture.frames.cameras,
        SparsePoints.empty() if points is None else points,
        capture.frames.thumbnails,
    )


def _encoder(options: IngestOptions, cache: ContentStore) -> Callable[[], Encoder]:
    """Loads the encoder, should it be needed; what it knows of pictures is kept."""
    return partial(
        cached_encoder,
        options.encoder,
        options.encoder_weights,
        cache,
        download=options.encoder_download,
    )


def _computed_poses(
    contents: CaptureContents,
    workspace: Path,
    options: IngestOptions,
    sfm_options: SfmOptions,
    encoder: Callable[[], Encoder],
) -> PoseReading | None:
    """Poses from the photographs; None where there are none and none are required."""
    try:
        return poses_from_images(
            contents.images,
            contents.masks,
            contents.exif,
            workspace,
            sfm_options,
            load_encoder=encoder,
        )
    except CaptureError as error:
        if options.require_poses:
            raise
        log.warning("the frames are judged without poses: %s", error)
        return None


def _given(name: str | None) -> list[str]:
    return [] if name is None else [name]


def _check_front(front: tuple[str, ...], cameras: PosedCameras) -> None:
    """Refuse a front frame without a pose, unless no frame has one."""
    unposed = [name for name in front if len(cameras) and name not in cameras]
    if unposed:
        raise ParameterError(
            f"labels.front_frame names {unposed[0]!r}, which has no pose: name another "
            f"frame or give it one"
        )


def _fits_any_image(reading: PoseReading | None, names: tuple[str, ...]) -> bool:
    """Whether at least one image has a pose: known before any of them is decoded."""
    return reading is not None and bool(
        FramePoses.matched(reading, names).matches.by_image
    )


def _no_poses(reading: PoseReading | None) -> str:
    """What is wrong with the poses as a whole, and what to do."""
    if reading is None:
        found = "no file with poses is there"
    else:
        source, problems = reading.cameras.source, list(reading.problems.items())
        wrong = "; ".join(f"{name}: {text}" for name, text in problems[:3])
        if len(reading.cameras) == 0 and problems:
            found = f"{source} has none that can be used; {wrong}; mend it"
        else:
            found = "; ".join(filter(None, [f"{source} fits no image by name", wrong]))
            found += "; rename its entries to the images' names"
        found += ", or take it away"
    return (
        f"no frame has a pose ({found}): put poses.json, sparse/ or transforms.json "
        f"under data/metadata/<identity>/, let ingest.structure_from_motion=true compute "
        f"them, or set ingest.require_poses=false to have the frames judged without "
        f"poses; what has no pose cannot be exported"
    )
