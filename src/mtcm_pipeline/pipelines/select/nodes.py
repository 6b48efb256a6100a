"""Nodes of the select pipeline."""

from __future__ import annotations

import dataclasses
import logging

import numpy as np
import pandas as pd

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.files import FileLoaders
from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.ingest.thumbnail_masks import thumbnail_masks
from mtcm_pipeline.scene.thumbnails import thumbnail_photos
from mtcm_pipeline.selection.assemble import assemble_problem
from mtcm_pipeline.selection.options import SelectOptions
from mtcm_pipeline.selection.pool import apply_user_choices
from mtcm_pipeline.selection.probing import probe_views
from mtcm_pipeline.selection.problem import Selection
from mtcm_pipeline.selection.registry import STRATEGIES, select
from mtcm_pipeline.selection.table import selection_table
from mtcm_pipeline.selection.user_word import (
    UserWord,
    check_kept_frames,
    dropped_frames,
    final_scores,
)
from mtcm_pipeline.surrogate.geometry import (
    ViewGeometry,
    focal_lengths_px,
    measure_geometry,
)
from mtcm_pipeline.tokens.layout import Tokens

log = logging.getLogger(__name__)


def take_the_users_word(
    scores: pd.DataFrame, frames: pd.DataFrame, options: SelectOptions
) -> pd.DataFrame:
    """The scores that count: the judge's, and above them what the user says."""
    word = check_kept_frames(options, frames)
    final = final_scores(scores, word)
    _tell_what_changed(word, final)
    return final


def _tell_what_changed(word: UserWord, final: pd.DataFrame) -> None:
    if word.drop:
        log.info(
            "%d frames dropped by the user: no later stage uses them", len(word.drop)
        )
    kept = final[final["name"].isin(word.keep) & (final["overruled"] != "")]
    for name, reason in zip(kept["name"], kept["overruled"], strict=True):
        log.info("kept by the user: %s (judged: %s)", name, reason)


def measure_the_views(
    cameras: PosedCameras,
    gauge: Similarity,
    thumbnails: dict[str, np.ndarray],
    masks: FileLoaders,
    made_masks: FileLoaders,
    scores: pd.DataFrame,
    options: SelectOptions,
) -> ViewGeometry:
    """Which points of the scene each posed frame sees, in the canonical gauge.

    A frame that the user dropped is not looked at.

    What hides what is measured on thumbnails; focal lengths are those of the photographs.
    Where nothing can be measured, nothing is known of any frame, and views are chosen by
    their poses alone.
    """
    dropped = dropped_frames(scores)
    cameras = cameras.subset([name for name in cameras.names if name not in dropped])
    if len(cameras) > options.most_measured:
        log.info(
            "views are chosen by poses alone: %d posed frames, and the scene is measured "
            "for at most %d (select.most_measured)",
            len(cameras),
            options.most_measured,
        )
        return ViewGeometry.unknown()
    small_masks = thumbnail_masks(cameras, thumbnails, {**made_masks, **masks})
    photos = thumbnail_photos(cameras, thumbnails, small_masks)
    usable = scores.loc[scores["usable"].astype(bool), "name"].tolist()
    try:
        focal = focal_lengths_px(cameras)
        return measure_geometry(photos, trusted=usable, gauge=gauge, focal_px=focal)
    except CaptureError as error:
        log.warning("views are chosen by poses alone: %s", error)
        return ViewGeometry.unknown()


def select_views(
    tokens: Tokens,
    similarity: np.ndarray,
    scores: pd.DataFrame,
    geometry: ViewGeometry,
    cameras: PosedCameras,
    gauge: Similarity,
    thumbnails: dict[str, np.ndarray],
    masks: FileLoaders,
    made_masks: FileLoaders,
    options: SelectOptions,
) -> tuple[Selection, pd.DataFrame]:
    """The ranking, and a row a frame that says why.

    Thumbnails and masks are looked at where the strategy fits fields.
    """
    problem = assemble_problem(tokens, similarity, scores, geometry)
    if STRATEGIES[options.strategy].fits_fields:
        small_masks = thumbnail_masks(cameras, thumbnails, {**made_masks, **masks})
        photos = thumbnail_photos(cameras, thumbnails, small_masks)
        problem = dataclasses.replace(problem, views=probe_views(photos, gauge))
    selection = select(problem, options)
    problem = apply_user_choices(problem, options)
    log.info(
        "chose %d of %d usable frames (%d in the capture) by %s",
        len(selection.ranking),
        int(problem.eligible.sum()),
        len(tokens),
        options.strategy,
    )
    return selection, selection_table(problem, selection, options.budget)
