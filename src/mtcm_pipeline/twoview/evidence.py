"""Everything that pairs of photographs say about the given poses, in one call."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.content_store import ContentStore
from mtcm_pipeline.capture.files import FileLoaders, natural_key
from mtcm_pipeline.capture.matching import match_to_images
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.progress import OnProgress, progress_shown
from mtcm_pipeline.twoview.cells import cell_counts, cells_text
from mtcm_pipeline.twoview.extraction import features_of_frames
from mtcm_pipeline.twoview.features import Features
from mtcm_pipeline.twoview.frame_evidence import (
    UNKNOWN,
    WRONG,
    frame_evidence,
    poses_are_contradicted,
)
from mtcm_pipeline.twoview.options import TwoViewOptions
from mtcm_pipeline.twoview.pairs import candidate_pairs
from mtcm_pipeline.twoview.rays import frame_rays
from mtcm_pipeline.twoview.table import pair_table
from mtcm_pipeline.twoview.verification import verify_pairs
from mtcm_pipeline.twoview.workers import Workers

log = logging.getLogger(__name__)

Float = NDArray[np.float64]

# Features in a cell of which one should match if others see the same there.
_MATCHABLE = 3


@dataclass(frozen=True)
class TwoViewEvidence:
    """What the photographs say about the poses.

    Attributes:
        pairs: one row a compared pair, columns as in `table.PairRow`.
        frames: one row a posed frame, columns as in `frame_evidence`, and `features`,
            how many were found, `feature_cells`, where (`cells`), and `problem`, why
            none could be.
    """

    pairs: pd.DataFrame
    frames: pd.DataFrame


def two_view_evidence(
    images: FileLoaders,
    masks: FileLoaders,
    cameras: PosedCameras,
    embeddings: Float | None = None,
    times: Float | None = None,
    *,
    options: TwoViewOptions | None = None,
    store: ContentStore | None = None,
    on_progress: OnProgress | None = None,
) -> TwoViewEvidence:
    """Compare each posed frame with those near it in pose, in appearance and in time.

    On a turntable the background stays while the object turns, so that its matches
    contradict the poses: such a capture needs its masks.

    Args:
        images: photographs by file name.
        masks: masks by file name, stems as the images'; matches outside do not count.
        cameras: N posed frames, whose poses are judged.
        embeddings: (N, E), rows as the cameras, NaN where absent; None without any.
        times: (N,) capture times; the order of the names where one is not finite or
            when None.
        options: parameters; defaults when None.
        store: keeps features and matches between runs, by content.
        on_progress: called with the step in words, how much of it is done, and of how
            much; shown as `progress_shown` does when None.

    Returns:
        Tables in order of time; the order of the arguments does not matter.

    Raises:
        CaptureError: arguments do not belong together, or a worker process died.
    """
    options = options or TwoViewOptions()
    _check(images, cameras, embeddings, times)
    order = time_order(cameras.names, times)
    cameras = cameras.subset([cameras.names[row] for row in order])
    embeddings = None if embeddings is None else np.asarray(embeddings)[order]
    shown = progress_shown() if on_progress is None else nullcontext(on_progress)
    with shown as show, Workers(options.workers) as workers:
        found = features_of_frames(
            cameras.names,
            images,
            _masks_by_image(masks, images),
            {name: cameras.camera_of(name).size for name in cameras.names},
            options,
            store=store,
            workers=workers,
            on_progress=show,
        )
        return judge_poses(
            cameras,
            embeddings,
            found.by_name,
            options,
            problems=found.problems,
            store=store,
            workers=workers,
            on_progress=show,
        )


def judge_poses(
    cameras: PosedCameras,
    embeddings: Float | None,
    features: dict[str, Features],
    options: TwoViewOptions,
    *,
    problems: dict[str, str] | None = None,
    store: ContentStore | None = None,
    workers: Workers | None = None,
    on_progress: OnProgress | None = None,
) -> TwoViewEvidence:
    """The same from features on.

    Args:
        cameras: N posed frames in order of time.
        embeddings: (N, E), rows as the cameras; None without any.
        features: by image name; frames without are not compared.
        options: parameters.
        problems: why frames have no features, by image name.
        store: keeps matches between runs, by content.
        workers: processes to use; of the call's own when None.
        on_progress: as in `two_view_evidence`.
    """
    rays = {
        row: frame_rays(features[name], cameras.camera_of(name))
        for row, name in enumerate(cameras.names)
        if name in features
    }
    candidates = candidate_pairs(cameras, embeddings, options)
    rows = [(pair.first, pair.second) for pair in candidates]
    verified = verify_pairs(
        rows, rays, options, store=store, workers=workers, on_progress=on_progress
    )
    pairs = pair_table(candidates, verified, cameras, options)
    counts = [len(features[n]) if n in features else 0 for n in cameras.names]
    frames = frame_evidence(pairs, cameras.names, options).assign(
        features=counts,
        problem=[(problems or {}).get(n, "") for n in cameras.names],
        feature_cells=[feature_cells(features.get(n)) for n in cameras.names],
    )
    if poses_are_contradicted(pairs, options):
        log.warning(
            "the photographs contradict nearly all given poses, so no frame is blamed: "
            "are the poses of this capture? If the object turned before a standing "
            "background, give masks of the object"
        )
    _log_summary(pairs, frames)
    return TwoViewEvidence(pairs, frames)


def feature_cells(features: Features | None) -> str:
    """Where a photograph has features enough to be matched (`cells`); "" without any."""
    if features is None or len(features) == 0:
        return ""
    counts = cell_counts(features.xy / np.array(features.size, dtype=np.float64))
    return cells_text(counts >= _MATCHABLE)


def time_order(names: tuple[str, ...], times: Float | None) -> list[int]:
    """Rows by time, then by name in natural order (`r_2` before `r_10`)."""
    moments = np.zeros(len(names))
    if times is not None and np.isfinite(times).all():
        moments = np.asarray(times, dtype=np.float64)
    return sorted(
        range(len(names)), key=lambda row: (moments[row], natural_key(names[row]))
    )


def _check(
    images: FileLoaders,
    cameras: PosedCameras,
    embeddings: Float | None,
    times: Float | None,
) -> None:
    missing = [name for name in cameras.names if name not in images]
    if missing:
        raise CaptureError(f"no image for {len(missing)} posed frames, as {missing[0]!r}")
    for what, values in (("embeddings", embeddings), ("times", times)):
        if values is not None and len(values) != len(cameras):
            raise CaptureError(f"{len(values)} {what} for {len(cameras)} posed frames")


def _masks_by_image(masks: FileLoaders, images: FileLoaders) -> FileLoaders:
    by_image = match_to_images(masks, tuple(images)).by_image
    return {image: masks[name] for image, name in by_image.items()}


def _log_summary(pairs: pd.DataFrame, frames: pd.DataFrame) -> None:
    verdicts = frames["pose_verdict"].value_counts()
    log.info(
        "%d of %d pairs are connected; of %d poses %d look wrong, %d cannot be told",
        int(pairs["connected"].sum()),
        len(pairs),
        len(frames),
        int(verdicts.get(WRONG, 0)),
        int(verdicts.get(UNKNOWN, 0)),
    )
