"""Nodes of the train pipeline."""

from __future__ import annotations

import logging

import pandas as pd

from mtcm_pipeline.mtcm.options import TrainOptions
from mtcm_pipeline.mtcm.results import CheckpointStore, TrainedMtcm, TrainingSnapshot
from mtcm_pipeline.tokens.layout import Tokens

log = logging.getLogger(__name__)


def train_the_mtcm(
    tokens: Tokens, options: TrainOptions, checkpoints: CheckpointStore
) -> tuple[TrainedMtcm, pd.DataFrame, list[TrainingSnapshot]]:
    """The trained model, its history by epoch, and snapshots on the way."""
    from mtcm_pipeline.math_threads import math_threads
    from mtcm_pipeline.mtcm.snapshots import train_with_snapshots

    with math_threads(options.threads):
        trained, snapshots = train_with_snapshots(tokens, options, checkpoints)
    history = trained.history
    if len(history):
        last = history.iloc[-1]
        log.info(
            "trained %d epochs on %d frames: reconstruction %.3f, next pose %.3f",
            len(history),
            len(tokens),
            last["reconstruction"],
            last["next_pose"],
        )
    return trained, history, snapshots
