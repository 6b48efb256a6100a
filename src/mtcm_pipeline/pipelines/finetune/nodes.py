"""Nodes of the finetune pipeline."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.content_store import ContentStore
from mtcm_pipeline.capture.files import FileLoaders
from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.datasets.weights import Weights
from mtcm_pipeline.field.gaussians import Gaussians
from mtcm_pipeline.field.held_out import (
    HELD_OUT,
    TRAIN,
    hold_unselected_out,
    names_in,
    split_table,
)
from mtcm_pipeline.mtcm.results import HiddenPrediction
from mtcm_pipeline.progress import progress_shown
from mtcm_pipeline.selection.problem import Selection
from mtcm_pipeline.selection.user_word import dropped_frames
from mtcm_pipeline.tokens.layout import Tokens
from mtcm_pipeline.tuning.options import FinetuneOptions, field_options
from mtcm_pipeline.twoview.options import TwoViewOptions

if TYPE_CHECKING:
    from mtcm_pipeline.tuning.frames import Doubt
    from mtcm_pipeline.tuning.matches import Matches

log = logging.getLogger(__name__)

Float = NDArray[np.float64]

# Photographs are decoded at this multiple of the field's size: undistorting does not
# blur what remains, and features are found on them.
_DECODED = 4


def hold_test_frames_out(
    selection: Selection,
    scores: pd.DataFrame,
    cameras: PosedCameras,
    gauge: Similarity,
    options: FinetuneOptions,
) -> pd.DataFrame:
    """All frames with a pose are learned from but a few, usable and not selected.

    Faulty frames are among them: that is what weights and poses are learned for. What the
    user dropped is in neither part.
    """
    usable = scores.loc[scores["usable"].astype(bool), "name"].tolist()
    held_out = hold_unselected_out(usable, selection.ranking, cameras, gauge, options)
    if not held_out:
        log.warning(
            "every usable frame was selected: none is left to judge fine-tuning by; "
            "lower select.budget to hold some out"
        )
    out = {*held_out, *dropped_frames(scores)}
    train = [name for name in cameras.names if name not in out]
    return split_table(train, held_out)


def learn_weights_and_poses(
    split: pd.DataFrame,
    scores: pd.DataFrame,
    cameras: PosedCameras,
    gauge: Similarity,
    images: FileLoaders,
    masks: FileLoaders,
    made_masks: FileLoaders,
    image_pairs: pd.DataFrame,
    tokens: Tokens,
    hidden_predictions: HiddenPrediction,
    frame_representations: Float,
    cache: ContentStore,
    two_view: TwoViewOptions,
    options: FinetuneOptions,
) -> tuple[pd.DataFrame, PosedCameras, Weights, Gaussians, pd.DataFrame, pd.DataFrame]:
    """The weights, the refined poses, the head, the field, and how they came about."""
    from mtcm_pipeline.scene.views import pinhole_views
    from mtcm_pipeline.tuning.doubts import matches_of_run
    from mtcm_pipeline.tuning.fine_tune import fine_tune
    from mtcm_pipeline.tuning.persistence import head_tensors

    every = {**made_masks, **masks}
    photos = _photos(split, TRAIN, cameras, images, every, options)
    views = pinhole_views(photos, options.longer_side_px, gauge)
    matches: Matches = {}
    if options.use_matches and two_view.enabled:
        posed = cameras.subset(list(views.names))
        matches = matches_of_run(
            images, every, posed, image_pairs, options=two_view, store=cache
        )
    doubt = _doubt(
        views.names, scores, tokens, hidden_predictions, frame_representations, matches
    )
    with progress_shown() as show:
        tuned = fine_tune(
            views,
            doubt,
            options,
            seed=options.seed,
            on_step=lambda step, loss: show("fine-tuning", step, options.steps),
        )
    log.info(
        "%d views tuned in %.1f CPU s: %d poses refined, weights %.2f to %.2f",
        len(views),
        tuned.seconds,
        int(tuned.views["admitted"].sum()),
        tuned.views["weight"].min(),
        tuned.views["weight"].max(),
    )
    refined = _with_poses(cameras, views.names, gauge, tuned.cam_from_world)
    head = Weights(*head_tensors(tuned.head, views.names, options))
    return tuned.views, refined, head, tuned.gaussians, tuned.curve, tuned.periods


def compare_with_the_filter_alone(
    tuned: Gaussians,
    split: pd.DataFrame,
    scores: pd.DataFrame,
    cameras: PosedCameras,
    gauge: Similarity,
    images: FileLoaders,
    masks: FileLoaders,
    made_masks: FileLoaders,
    options: FinetuneOptions,
) -> pd.DataFrame:
    """Each held-out frame by the tuned field, and by one fitted to usable frames alone.

    As many steps, no weights, no refined poses, no matched features to start from.
    """
    from mtcm_pipeline.field.fit import fit_field
    from mtcm_pipeline.field.quality import comparison, quality_of
    from mtcm_pipeline.scene.views import pinhole_views

    columns = ["frame", "psnr_before", "psnr_after", "ssim_before", "ssim_after"]
    if not (split["role"] == HELD_OUT).any():
        return pd.DataFrame(columns=columns)
    every = {**made_masks, **masks}
    hidden = pinhole_views(
        _photos(split, HELD_OUT, cameras, images, every, options),
        options.longer_side_px,
        gauge,
    )
    usable = set(scores.loc[scores["usable"].astype(bool), "name"])
    train = split[(split["role"] == TRAIN) & split["name"].isin(usable)]
    photos = _photos(train, TRAIN, cameras, images, every, options)
    views = pinhole_views(photos, options.longer_side_px, gauge)
    fitted = fit_field(views, views.names, field_options(options), seed=options.seed)
    rows = []
    for view in hidden.views:
        before, after = (
            quality_of(view.name, comparison(field, view, options.background))
            for field in (fitted.gaussians, tuned)
        )
        masked = np.isfinite(before.masked_psnr)
        decibels = [q.masked_psnr if masked else q.psnr for q in (before, after)]
        rows.append((view.name, *decibels, before.ssim, after.ssim))
    table = pd.DataFrame(rows, columns=columns)
    log.info(
        "%d frames held out: PSNR %.2f dB by the filter alone, %.2f dB tuned",
        len(table),
        table["psnr_before"].mean(),
        table["psnr_after"].mean(),
    )
    return table


def draw_fine_tuning(
    view_weights: pd.DataFrame,
    curve: pd.DataFrame,
    periods: pd.DataFrame,
    quality: pd.DataFrame,
) -> Figure:
    """Losses, weights and corrections in one picture."""
    from mtcm_pipeline.figures.finetuning import finetuning_figure

    return finetuning_figure(view_weights, curve, periods, quality)


def _photos(
    split: pd.DataFrame,
    role: str,
    cameras: PosedCameras,
    images: FileLoaders,
    masks: FileLoaders,
    options: FinetuneOptions,
) -> PosedPhotos:
    """The frames of a role."""
    from mtcm_pipeline.ingest.photos_of_frames import photos_of_frames

    return photos_of_frames(
        "finetune",
        names_in(split, role),
        cameras,
        images,
        masks,
        longer_side_px=_DECODED * options.longer_side_px,
    )


def _doubt(
    names: tuple[str, ...],
    scores: pd.DataFrame,
    tokens: Tokens,
    hidden_predictions: HiddenPrediction,
    frame_representations: Float,
    matches: Matches,
) -> Doubt:
    from mtcm_pipeline.tuning.doubts import (
        beliefs_of,
        doubt_of_judgement,
        expected_angles,
    )

    token_row = {name: row for row, name in enumerate(tokens.names)}
    rows = [token_row[name] for name in names]
    faulty = set(scores.loc[scores["faulty"].astype(bool), "name"])
    sound = set(tokens.names) - faulty - dropped_frames(scores)
    sigma = expected_angles(tokens, hidden_predictions, sound)
    return doubt_of_judgement(
        scores,
        names,
        representations=frame_representations[rows],
        matches=matches,
        predicted=beliefs_of(
            tokens.names,
            hidden_predictions.values,
            sigma,
            [name for name in names if name in faulty],
        ),
    )


def _with_poses(
    cameras: PosedCameras, names: tuple[str, ...], gauge: Similarity, refined: Float
) -> PosedCameras:
    """All cameras in the capture's own world; those not tuned stay as they are."""
    poses = np.array(cameras.cam_from_world)
    back = gauge.inverse().cam_from_world(refined)
    given = gauge.cam_from_world(cameras.cam_from_world)
    row_of = {name: row for row, name in enumerate(cameras.names)}
    for name, pose, moved in zip(names, back, refined, strict=True):
        row = row_of[name]
        # There and back again costs digits: what did not move stays to the last one.
        if not np.allclose(moved, given[row], rtol=0, atol=1e-12):
            poses[row] = pose
    return replace(cameras, cam_from_world=poses, source="fine-tuned")
