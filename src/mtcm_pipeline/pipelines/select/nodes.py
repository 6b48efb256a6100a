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
from mtcm_pipeline.surrogate.geometry import ViewGeometry, measure_geometry
from mtcm_pipeline.tokens.layout import Tokens

log = logging.getLogger(__name__)


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

    Measured on thumbnails. Where that cannot be done, nothing is known of any frame, and
    views are chosen by their poses alone.
    """
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
        return measure_geometry(photos, trusted=usable, gauge=gauge)
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
