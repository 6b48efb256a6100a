"""Using a trained MTCM: hidden predictions, representations, attention.

A frame is judged only by what was predicted while it was hidden: a field is hidden in
one interleaved share of the frames at a time, and the others are shown.

Dimension letters: N frames, D = 394 token width, F = 5 fields, E model width.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from mtcm_pipeline.capture.rotations import matrix_from_quat, rotation_angle_deg
from mtcm_pipeline.mtcm.fold_prediction import (
    FoldView,
    context_windows,
    predict_by_prior,
    spread_windows,
)
from mtcm_pipeline.mtcm.masking import SWAP_GROUPS, interleaved_folds
from mtcm_pipeline.mtcm.model import MtcmOutput
from mtcm_pipeline.mtcm.prior import prior_view
from mtcm_pipeline.mtcm.residual_model import ResidualOutput
from mtcm_pipeline.mtcm.results import (
    HiddenPrediction,
    Representation,
    TrainedMtcm,
)
from mtcm_pipeline.mtcm.sequence import FrameSequence, as_bool, as_float, as_sequence
from mtcm_pipeline.mtcm.tasks import in_time_order, take, task_tensors
from mtcm_pipeline.tokens.layout import (
    CENTRE,
    FIELD_SLICES,
    FIELDS,
    QUATERNION,
    TOKEN_WIDTH,
    Tokens,
)
from mtcm_pipeline.tokens.standardise import Standardiser

Float = NDArray[np.float64]


def predict_hidden(
    trained: TrainedMtcm, tokens: Tokens, views: Sequence[FoldView] | None = None
) -> HiddenPrediction:
    """Predict every field of every frame while it is hidden.

    Args:
        trained: the model, and the prior that it stands on.
        tokens: of the capture.
        views: of `fold_views`, where they are known already.
    """
    if trained.prior is not None:
        values, log_variance = predict_by_prior(trained, tokens, views)
        return _measure(values, trained.standardiser, log_variance, tokens)
    sequence = as_sequence(tokens, trained.standardiser)
    n = len(sequence)
    rows, variance = np.zeros((n, TOKEN_WIDTH)), np.zeros((n, len(FIELDS)))
    for start, stop in context_windows(n, trained.options.context_frames):
        window = sequence.window(start, stop)
        rows[start:stop], variance[start:stop] = _predict_window(trained, window)
    order = np.argsort(tokens.times, kind="stable")
    values, log_variance = np.empty_like(rows), np.empty_like(variance)
    values[order], log_variance[order] = rows, variance
    values = trained.standardiser.invert(values)
    return _measure(values, trained.standardiser, log_variance, tokens)


def represent(trained: TrainedMtcm, tokens: Tokens) -> Representation:
    """Representations, attention and the next pose.

    A representation depends on the frames it was made among. Where the capture is longer
    than a window, each window therefore takes frames from all of it (`spread_windows`):
    of representations from one part of a walk each, two views of the same side would be
    told apart by the part alone.
    """
    ordered = in_time_order(tokens)
    n = len(ordered)
    latent = np.zeros((n, trained.options.d_model))
    attention = np.zeros((n, n), np.float32)
    for rows in spread_windows(n, trained.options.context_frames):
        window = take(ordered, rows)
        nothing = np.zeros_like(window.present)
        output = _seen(trained, window, nothing, keep_attention=True)
        latent[rows] = output.latent.numpy()
        attention[np.ix_(rows, rows)] = output.attention[-1].mean(dim=0).numpy()
    back = np.argsort(np.argsort(tokens.times, kind="stable"), kind="stable")
    return Representation(
        latent[back],
        attention[np.ix_(back, back)],
        _next_pose(trained, ordered),
    )


def _seen(
    trained: TrainedMtcm, window: Tokens, hidden: np.ndarray, *, keep_attention: bool
) -> MtcmOutput | ResidualOutput:
    """One forward pass over frames in order of time, whichever the model is."""
    if trained.prior is None:
        sequence = as_sequence(window, trained.standardiser)
        return _forward(trained, sequence, hidden, keep_attention)
    view = prior_view(window, hidden, trained.prior.choices)
    inputs = task_tensors(window, trained.standardiser, hidden, view)
    with torch.inference_mode():
        return trained.model(inputs, keep_attention=keep_attention)


def _predict_window(trained: TrainedMtcm, window: FrameSequence) -> tuple[Float, Float]:
    """(n, D) and (n, F): standardised predictions and log variances of a window."""
    n = len(window)
    values, variance = np.zeros((n, TOKEN_WIDTH)), np.zeros((n, len(FIELDS)))
    for fold in interleaved_folds(n, trained.options.folds):
        for fields in SWAP_GROUPS.values():
            columns = np.array([FIELDS.index(name) for name in fields])
            hidden = np.zeros_like(window.present)
            hidden[np.ix_(fold, columns)] = window.present[np.ix_(fold, columns)]
            output = _forward(trained, window, hidden, False)
            variance[np.ix_(fold, columns)] = output.log_variance.numpy()[fold][
                :, columns
            ]
            for name in fields:
                where = FIELD_SLICES[name]
                values[fold, where] = output.tokens.numpy()[fold, where]
    return values, variance


def _next_pose(trained: TrainedMtcm, ordered: Tokens) -> Float:
    """(7,) pose predicted for one more frame, of which everything is hidden."""
    first = max(0, len(ordered) - trained.options.context_frames + 1)
    window = take(ordered, np.arange(first, len(ordered)))
    extended = _with_one_more(window, 1.0 / max(len(ordered) - 1, 1))
    hidden = np.zeros_like(extended.present)
    hidden[-1] = True
    output = _seen(trained, extended, hidden, keep_attention=False)
    row = np.zeros((1, TOKEN_WIDTH))
    row[:, FIELD_SLICES["pose"]] = output.next_pose.numpy()[-1]
    return unit_quaternions(trained.standardiser.invert(row))[0, FIELD_SLICES["pose"]]


def _with_one_more(window: Tokens, step: float) -> Tokens:
    """The frames and one after them, of which nothing is known."""
    row = np.zeros((1, TOKEN_WIDTH))
    row[0, QUATERNION] = [1.0, 0.0, 0.0, 0.0]  # never shown
    return Tokens(
        (*window.names, ""),
        np.vstack([window.values, row]),
        np.vstack([window.present, np.ones((1, len(FIELDS)), dtype=bool)]),
        np.append(window.times, window.times[-1] + step),
    )


def _forward(
    trained: TrainedMtcm, window: FrameSequence, hidden: np.ndarray, keep_attention: bool
) -> MtcmOutput:
    with torch.inference_mode():
        return trained.model(
            as_float(window.rows),
            as_bool(window.present),
            as_bool(hidden),
            as_float(window.times),
            keep_attention=keep_attention,
        )


def _measure(
    values: Float, standardiser: Standardiser, log_variance: Float, tokens: Tokens
) -> HiddenPrediction:
    """Errors in units that people read, from predicted token values (N, D)."""
    same_sign = as_signed(values, tokens.values)
    missed = standardiser.apply(same_sign) - standardiser.apply(tokens.values)
    errors = np.stack(
        [(missed[:, where] ** 2).mean(axis=1) for where in FIELD_SLICES.values()], axis=1
    )
    values = unit_quaternions(values)
    centre = np.linalg.norm(values[:, CENTRE] - tokens.values[:, CENTRE], axis=1)
    rotation = np.full(len(tokens), np.nan)
    posed = tokens.has("pose")
    rotation[posed] = rotation_angle_deg(
        matrix_from_quat(values[posed, QUATERNION]),
        matrix_from_quat(tokens.values[posed, QUATERNION]),
    )
    where = FIELD_SLICES["embedding"]
    predicted = values[:, where]
    lengths = np.maximum(np.linalg.norm(predicted, axis=1), 1e-12)
    cosine = (predicted * tokens.values[:, where]).sum(axis=1) / lengths
    return HiddenPrediction(values, errors, log_variance, centre, rotation, cosine)


def as_signed(values: Float, truth: Float) -> Float:
    """(N, D) token values whose quaternions have the signs of the truth's.

    q and -q are one rotation: the convention w >= 0 tears apart two that are near each
    other where w is near 0, by half a turn in numbers.
    """
    opposite = (values[:, QUATERNION] * truth[:, QUATERNION]).sum(axis=1) < 0
    signed = values.copy()
    signed[opposite, QUATERNION] *= -1.0
    return signed


def unit_quaternions(values: Float) -> Float:
    """(N, D) token values with quaternions of length 1 and non-negative w."""
    values = values.copy()
    quats = values[:, QUATERNION]
    lengths = np.linalg.norm(quats, axis=1, keepdims=True)
    quats = np.where(lengths > 1e-9, quats / np.maximum(lengths, 1e-9), [1.0, 0, 0, 0])
    values[:, QUATERNION] = np.where(quats[:, :1] < 0, -quats, quats)
    return values
