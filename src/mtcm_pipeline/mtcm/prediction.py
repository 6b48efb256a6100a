"""Using a trained MTCM: hidden predictions, representations, attention.

A frame is judged only by what was predicted while it was hidden: a field is hidden in
one interleaved share of the frames at a time, and the others are shown.

Dimension letters: N frames, D = 394 token width, F = 5 fields, G = 3 swap groups,
E model width.
"""

from __future__ import annotations

import itertools

import numpy as np
import torch
from numpy.typing import NDArray

from mtcm_pipeline.capture.rotations import matrix_from_quat, rotation_angle_deg
from mtcm_pipeline.mtcm.masking import SWAP_GROUPS, interleaved_folds
from mtcm_pipeline.mtcm.model import MtcmOutput
from mtcm_pipeline.mtcm.results import (
    HiddenPrediction,
    Representation,
    TrainedMtcm,
)
from mtcm_pipeline.mtcm.sequence import FrameSequence, as_bool, as_float, as_sequence
from mtcm_pipeline.tokens.layout import (
    CENTRE,
    FIELD_SLICES,
    FIELDS,
    QUATERNION,
    TOKEN_WIDTH,
    Tokens,
)

Float = NDArray[np.float64]


def predict_hidden(trained: TrainedMtcm, tokens: Tokens) -> HiddenPrediction:
    """Predict every field of every frame while it is hidden."""
    sequence = as_sequence(tokens, trained.standardiser)
    n = len(sequence)
    rows, variance = np.zeros((n, TOKEN_WIDTH)), np.zeros((n, len(FIELDS)))
    for start, stop in context_windows(n, trained.options.context_frames):
        window = sequence.window(start, stop)
        rows[start:stop], variance[start:stop] = _predict_window(trained, window)
    order = np.argsort(tokens.times, kind="stable")
    values, log_variance = np.empty_like(rows), np.empty_like(variance)
    values[order], log_variance[order] = rows, variance
    truth = trained.standardiser.apply(tokens.values)
    errors = np.stack(
        [
            ((values - truth)[:, where] ** 2).mean(axis=1)
            for where in FIELD_SLICES.values()
        ],
        axis=1,
    )
    return _measure(trained.standardiser.invert(values), errors, log_variance, tokens)


def represent(trained: TrainedMtcm, tokens: Tokens) -> Representation:
    """Representations, swap probabilities, attention and the next pose."""
    sequence = as_sequence(tokens, trained.standardiser)
    n = len(sequence)
    latent = np.zeros((n, trained.options.d_model))
    swap, attention = np.zeros((n, len(SWAP_GROUPS))), np.zeros((n, n), np.float32)
    for start, stop in context_windows(n, trained.options.context_frames):
        window = sequence.window(start, stop)
        output = _forward(trained, window, np.zeros_like(window.present), True)
        latent[start:stop] = output.latent.numpy()
        swap[start:stop] = output.swap_logits.sigmoid().numpy()
        attention[start:stop, start:stop] = output.attention[-1].mean(dim=0).numpy()
    order = np.argsort(tokens.times, kind="stable")
    back = np.argsort(order, kind="stable")
    return Representation(
        latent[back],
        swap[back],
        attention[np.ix_(back, back)],
        _next_pose(trained, tokens),
    )


def context_windows(n: int, context: int) -> list[tuple[int, int]]:
    """Contiguous windows of at most `context` frames, equally long, that cover 0..n-1."""
    count = -(-n // context)
    edges = np.linspace(0, n, count + 1).round().astype(int)
    return [(int(a), int(b)) for a, b in itertools.pairwise(edges)]


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


def _next_pose(trained: TrainedMtcm, tokens: Tokens) -> Float:
    """(7,) pose predicted for one more frame, of which everything is hidden."""
    sequence = as_sequence(tokens, trained.standardiser)
    first = max(0, len(sequence) - trained.options.context_frames + 1)
    window = sequence.window(first, len(sequence))
    n, step = len(window), 1.0 / max(len(sequence) - 1, 1)
    extended = FrameSequence(
        np.vstack([window.rows, np.zeros((1, TOKEN_WIDTH))]),
        np.vstack([window.present, np.ones((1, len(FIELDS)), dtype=bool)]),
        np.append(window.times, window.times[-1] + step),
        np.append(window.bearings_rad, np.nan),
    )
    hidden = np.zeros_like(extended.present)
    hidden[n] = True
    output = _forward(trained, extended, hidden, False)
    row = np.zeros((1, TOKEN_WIDTH))
    row[:, FIELD_SLICES["pose"]] = output.next_pose.numpy()[n]
    return _unit_quaternions(trained.standardiser.invert(row))[0, FIELD_SLICES["pose"]]


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
    values: Float, errors: Float, log_variance: Float, tokens: Tokens
) -> HiddenPrediction:
    """Errors in units that people read, from predicted token values (N, D)."""
    values = _unit_quaternions(values)
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


def _unit_quaternions(values: Float) -> Float:
    """Token values with quaternions of length 1 and non-negative w."""
    values = values.copy()
    quats = values[:, QUATERNION]
    lengths = np.linalg.norm(quats, axis=1, keepdims=True)
    quats = np.where(lengths > 1e-9, quats / np.maximum(lengths, 1e-9), [1.0, 0, 0, 0])
    values[:, QUATERNION] = np.where(quats[:, :1] < 0, -quats, quats)
    return values
