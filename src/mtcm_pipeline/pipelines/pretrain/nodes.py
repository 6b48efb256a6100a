"""Nodes of the pretrain pipeline."""

from __future__ import annotations

import logging

import pandas as pd

from mtcm_pipeline.datasets.weights import Weights
from mtcm_pipeline.mtcm.options import TrainOptions
from mtcm_pipeline.mtcm.pretrain_options import PretrainOptions
from mtcm_pipeline.mtcm.results import CheckpointStore

log = logging.getLogger(__name__)

_ENCODER = "efficientnet_lite0"  # comes with its weights, so that anyone can repeat it


def pretrain_hidden_tokens(
    options: PretrainOptions, train: TrainOptions, checkpoints: CheckpointStore
) -> tuple[Weights, pd.DataFrame, str]:
    """Weights in half precision, the losses by epoch, and the card."""
    from mtcm_pipeline.encoders.registry import load_encoder
    from mtcm_pipeline.math_threads import math_threads
    from mtcm_pipeline.mtcm.generated import generated_captures
    from mtcm_pipeline.mtcm.pretraining import pretrain, prior_validation_loss
    from mtcm_pipeline.mtcm.shipping import card, shipped_tensors

    with math_threads(train.threads):
        encoder = load_encoder(_ENCODER)
        captures = generated_captures(options, encoder.encode, checkpoints)
        run = pretrain(captures, options, train, checkpoints)
        validation_losses = (
            prior_validation_loss(run),
            run.best[0] if run.best else float("nan"),
        )
    log.info(
        "held-out loss %.4f by the prior, %.4f with the residual", *validation_losses
    )
    text = card(
        run.model,
        options,
        names=sorted(captures),
        encoder=_ENCODER,
        validation_losses=validation_losses,
    )
    history = pd.DataFrame(run.history)
    return Weights(*shipped_tensors(run.model, train)), history, text
