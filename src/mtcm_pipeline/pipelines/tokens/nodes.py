"""Nodes of the tokens pipeline."""

from __future__ import annotations

import logging

import pandas as pd

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.ingest.embeddings import EmbeddingTable
from mtcm_pipeline.tokens.build import build_tokens
from mtcm_pipeline.tokens.layout import FIELDS, Tokens

log = logging.getLogger(__name__)


def make_tokens(
    frames: pd.DataFrame, embeddings: EmbeddingTable, cameras: PosedCameras
) -> tuple[Tokens, Similarity]:
    """Tokens in the canonical gauge, and the gauge."""
    tokens, gauge = build_tokens(frames, embeddings.vectors, cameras)
    counts = dict(zip(FIELDS, tokens.present.sum(axis=0).tolist(), strict=True))
    present = ", ".join(f"{name} {count}" for name, count in counts.items())
    log.info("%d tokens; fields present: %s", len(tokens), present)
    return tokens, gauge
