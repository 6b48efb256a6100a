"""What is kept of the training along the way: a few arrays, some epochs apart.

Dimension letters: N frames, F = 5 fields, E model width, S frames shown in a heatmap.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from mtcm_pipeline.mtcm.fold_prediction import FoldView, fold_views, with_gates
from mtcm_pipeline.mtcm.options import TrainOptions
from mtcm_pipeline.mtcm.prediction import predict_hidden, represent
from mtcm_pipeline.mtcm.prior import Choices
from mtcm_pipeline.mtcm.results import CheckpointStore, TrainedMtcm, TrainingSnapshot
from mtcm_pipeline.mtcm.sequence import as_sequence
from mtcm_pipeline.mtcm.training import train_mtcm, training_fingerprint
from mtcm_pipeline.tokens.layout import FIELD_SLICES, Tokens
from mtcm_pipeline.tokens.standardise import Standardiser

# A heatmap with more rows than this cannot be read, and N x N floats an epoch add up.
_MOST_HEATMAP_FRAMES = 128


def take_snapshot(
    epoch: int,
    trained: TrainedMtcm,
    tokens: Tokens,
    views: Sequence[FoldView] | None = None,
) -> TrainingSnapshot:
    """Predict, represent, and keep what the figures need."""
    if trained.prior is not None:
        trained = with_gates(trained, tokens, views)
    prediction = predict_hidden(trained, tokens, views)
    representation = represent(trained, tokens)
    # Of a long capture, frames of one window: others never attend to each other.
    together = np.flatnonzero(representation.attention[np.argmin(tokens.times)] > 0.0)
    shown = min(len(together), _MOST_HEATMAP_FRAMES)
    rows = together[np.linspace(0, len(together) - 1, shown).round().astype(np.int64)]
    return TrainingSnapshot(
        epoch=epoch,
        latent=representation.latent.astype(np.float32),
        attention=representation.attention[np.ix_(rows, rows)].astype(np.float32),
        attention_rows=rows,
        squared_error=prediction.squared_error,
        centre_error=prediction.centre_error,
        rotation_error_deg=prediction.rotation_error_deg,
        predicted_pose=prediction.values[:, FIELD_SLICES["pose"]],
    )


def train_with_snapshots(
    tokens: Tokens, options: TrainOptions, checkpoints: CheckpointStore | None = None
) -> tuple[TrainedMtcm, list[TrainingSnapshot]]:
    """Train, and take a snapshot every `options.snapshot_every` epochs.

    Snapshots are kept in the checkpoint store as they are taken, so that a resumed run
    has those of before the kill too.
    """
    standardiser = Standardiser.fit(tokens)
    taken: dict[int, TrainingSnapshot] = {}
    asked: list[FoldView] = []

    fingerprint = training_fingerprint(as_sequence(tokens, standardiser), options)

    def views(choices: Choices) -> list[FoldView]:
        if not asked:  # once for all snapshots and the end of the training
            asked.extend(fold_views(tokens, standardiser, choices, options))
        return asked

    def on_snapshot(epoch: int, so_far: TrainedMtcm) -> None:
        known = None if so_far.prior is None else views(so_far.prior.choices)
        taken[epoch] = take_snapshot(epoch, so_far, tokens, known)
        if checkpoints is not None:
            checkpoints.write(f"snapshot_{epoch}", _pack(taken[epoch], fingerprint))

    trained = train_mtcm(
        tokens, options, checkpoints=checkpoints, on_snapshot=on_snapshot, views=views
    )
    for epoch in _snapshot_epochs(options, len(trained.history)):
        stored = checkpoints.read(f"snapshot_{epoch}") if checkpoints else None
        if epoch not in taken and (kept := _unpack(stored, fingerprint)):
            taken[epoch] = kept
    return trained, [taken[epoch] for epoch in sorted(taken)]


def _snapshot_epochs(options: TrainOptions, last: int) -> list[int]:
    """Epochs at which a training of `last` epochs took snapshots."""
    regular = range(options.snapshot_every, last + 1, options.snapshot_every)
    return sorted({*regular, last})


def _pack(snapshot: TrainingSnapshot, fingerprint: str) -> bytes:
    buffer = io.BytesIO()
    arrays: dict[str, Any] = snapshot.to_arrays() | {"fingerprint": np.array(fingerprint)}
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _unpack(content: bytes | None, fingerprint: str) -> TrainingSnapshot | None:
    """The snapshot; None if there is none, or if it is of another training."""
    if content is None:
        return None
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        arrays = dict(stored)
    if str(arrays.pop("fingerprint", "")) != fingerprint:
        return None
    return TrainingSnapshot.from_arrays(arrays)
