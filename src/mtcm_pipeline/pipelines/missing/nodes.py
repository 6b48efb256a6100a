"""Nodes of the missing pipeline."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.missing.find import find_missing, suggested_poses
from mtcm_pipeline.missing.model_foresight import foresight_of
from mtcm_pipeline.missing.options import MissingOptions
from mtcm_pipeline.mtcm.results import TrainedMtcm
from mtcm_pipeline.tokens.layout import Tokens
from mtcm_pipeline.viewpoints.angles import viewpoints_of
from mtcm_pipeline.viewpoints.options import LabelOptions

log = logging.getLogger(__name__)


def propose_missing_views(
    tokens: Tokens,
    gauge: Similarity,
    scores: pd.DataFrame,
    model: TrainedMtcm,
    options: MissingOptions,
    labels: LabelOptions,
) -> tuple[list[dict[str, Any]], pd.DataFrame, pd.DataFrame]:
    """Poses to shoot next, with and without their matrices, and uncovered sectors."""
    from mtcm_pipeline.math_threads import math_threads

    usable = scores["usable"].to_numpy(dtype=bool)
    with math_threads(model.options.threads):
        foresight = foresight_of(model, tokens, usable) if options.use_model else None
        missing = find_missing(
            tokens, usable, gauge, options, labels, foresight=foresight
        )
    for row in missing.proposals.itertuples():
        log.info("missing: %s (from %s: %s)", row.label, row.from_frame, row.how)
    return suggested_poses(missing), missing.proposals, missing.sectors


def draw_where_to_stand(
    tokens: Tokens,
    scores: pd.DataFrame,
    proposals: pd.DataFrame,
    thumbnails: dict[str, np.ndarray],
    labels: LabelOptions,
) -> Figure:
    """The kept views from above, numbered places to stand, and the way to each."""
    from mtcm_pipeline.figures.missing_views import missing_views_plot

    return missing_views_plot(
        viewpoints_of(tokens, labels),
        scores["usable"].to_numpy(dtype=bool),
        proposals,
        thumbnails,
        names=labels.names,
    )
