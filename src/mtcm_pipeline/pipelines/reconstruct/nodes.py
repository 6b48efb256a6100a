"""Nodes of the reconstruct pipeline."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.files import FileLoaders
from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.field.gaussians import Gaussians
from mtcm_pipeline.field.held_out import (
    HELD_OUT,
    TRAIN,
    hold_unselected_out,
    names_in,
    split_table,
)
from mtcm_pipeline.field.options import ReconstructOptions
from mtcm_pipeline.progress import progress_shown
from mtcm_pipeline.scene.views import PinholeViews, pinhole_views
from mtcm_pipeline.selection.problem import Selection

log = logging.getLogger(__name__)

# Photographs are decoded at this multiple of the field's size, so that undistorting
# does not blur what remains.
_DECODED = 4


def hold_frames_out(
    selection: Selection,
    scores: pd.DataFrame,
    cameras: PosedCameras,
    gauge: Similarity,
    options: ReconstructOptions,
) -> pd.DataFrame:
    """Which frames train the field, in order of the ranking, and which judge it."""
    usable = scores.loc[scores["usable"].astype(bool), "name"].tolist()
    held_out = hold_unselected_out(usable, selection.ranking, cameras, gauge, options)
    if not held_out:
        log.warning(
            "all %d usable frames were chosen: none is left to judge the field by; "
            "lower select.budget to hold some out",
            len(usable),
        )
    return split_table(selection.ranking, held_out)


def fit_the_field(
    split: pd.DataFrame,
    cameras: PosedCameras,
    gauge: Similarity,
    images: FileLoaders,
    masks: FileLoaders,
    made_masks: FileLoaders,
    points: SparsePoints,
    options: ReconstructOptions,
) -> tuple[Gaussians, Gaussians, pd.DataFrame]:
    """The field in the canonical gauge and in the capture's own world, and its curve."""
    from mtcm_pipeline.field.fit import fit_field
    from mtcm_pipeline.field.start import start_points
    from mtcm_pipeline.field.transform import transformed

    names = names_in(split, TRAIN)
    if len(names) < 2:
        raise CaptureError(
            f"the selection holds {len(names)} frames ({', '.join(names) or 'none'}) and "
            f"a field needs at least 2: raise select.budget, or look at final_scores.csv "
            f"for why so many frames were dropped"
        )
    views = _views(names, cameras, gauge, images, {**made_masks, **masks}, options)
    start = start_points(views, views.names, options, seed=options.seed, sparse=points)
    with progress_shown() as show:
        fitted = fit_field(
            views,
            views.names,
            options,
            seed=options.seed,
            start=start,
            on_step=lambda step, loss: show("fitting the field", step, options.steps),
        )
    log.info(
        "%d Gaussians fitted to %d views in %.1f CPU s",
        len(fitted.gaussians),
        len(views),
        fitted.seconds,
    )
    steps = np.arange(1, len(fitted.losses) + 1)
    curve = pd.DataFrame({"step": steps, "loss": fitted.losses})
    return fitted.gaussians, transformed(fitted.gaussians, gauge.inverse()), curve


def judge_the_field(
    gaussians: Gaussians,
    split: pd.DataFrame,
    cameras: PosedCameras,
    gauge: Similarity,
    images: FileLoaders,
    masks: FileLoaders,
    made_masks: FileLoaders,
    options: ReconstructOptions,
) -> tuple[pd.DataFrame, Figure]:
    """PSNR and SSIM of each held-out frame, and the worst and best side by side."""
    from mtcm_pipeline.field.quality import comparison, quality_of, summary
    from mtcm_pipeline.figures.reconstruction import reconstruction_sheet, worst_and_best

    names = names_in(split, HELD_OUT)
    if not names:
        nothing = pd.DataFrame(columns=["frame", "psnr", "masked_psnr", "ssim"])
        return nothing, reconstruction_sheet([], "Frames held out")
    views = _views(names, cameras, gauge, images, {**made_masks, **masks}, options)
    pairs = [comparison(gaussians, view, options.background) for view in views.views]
    qualities = [quality_of(n, pair) for n, pair in zip(views.names, pairs, strict=True)]
    total = summary(qualities)
    log.info(
        "%d frames held out: PSNR %.1f dB (worst %.1f), SSIM %.3f",
        len(views),
        total.mean_psnr,
        total.worst_psnr,
        total.mean_ssim,
    )
    table = pd.DataFrame(
        {
            "frame": [q.name for q in qualities],
            "psnr": [q.psnr for q in qualities],
            "masked_psnr": [q.masked_psnr for q in qualities],
            "ssim": [q.ssim for q in qualities],
        }
    )
    rows = worst_and_best(qualities, pairs, options.pictures)
    title = f"Frames held out: the worst and the best of {len(views)}"
    return table, reconstruction_sheet(rows, title)


def _views(
    names: list[str],
    cameras: PosedCameras,
    gauge: Similarity,
    images: FileLoaders,
    masks: FileLoaders,
    options: ReconstructOptions,
) -> PinholeViews:
    """The frames as small pinhole views in the canonical gauge."""
    from mtcm_pipeline.ingest.photos_of_frames import photos_of_frames

    photos = photos_of_frames(
        "reconstruct",
        names,
        cameras,
        images,
        masks,
        longer_side_px=_DECODED * options.longer_side_px,
    )
    return pinhole_views(photos, options.longer_side_px, gauge)
