"""Nodes of the hidden_tokens pipeline."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from mtcm_pipeline.datasets.captures import CaptureFolders
from mtcm_pipeline.mtcm.hidden_token_options import HiddenTokenOptions


def hide_tokens_and_predict_them(
    captures: CaptureFolders, options: HiddenTokenOptions, parameters: dict[str, Any]
) -> pd.DataFrame:
    """One row a capture, mask, hidden field, method and measure."""
    from mtcm_pipeline.encoders.registry import load_encoder
    from mtcm_pipeline.math_threads import math_threads
    from mtcm_pipeline.mtcm.hidden_token_evaluation import (
        evaluation_rows,
        tokens_of_photos,
    )

    names = options.captures or [str(parameters["identity"])]
    photos = [captures[name]() for name in names]
    with math_threads(1):
        encoder = load_encoder(options.encoder)
        tokens = {
            each.identity: tokens_of_photos(each, encoder.encode) for each in photos
        }
        rows = [vars(row) for row in evaluation_rows(tokens, options.seeds, options.init)]
    return pd.DataFrame(rows)


def compare_predictions_of_hidden_tokens(
    rows: pd.DataFrame,
) -> tuple[pd.DataFrame, Figure]:
    """Means and the MTCM against the best simple regressor, as a table and a picture."""
    from mtcm_pipeline.figures.hidden_tokens import hidden_token_figure
    from mtcm_pipeline.mtcm.hidden_token_summary import summary

    return summary(rows), hidden_token_figure(rows)
