"""Every frame predicted while a share of the frames is hidden, by prior and residual.

Dimension letters: N frames, D = 394 token width, F = 5 fields, Q = 6 parts, A asked
frames, m numbers of a part.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from mtcm_pipeline.mtcm.gate import gate_of
from mtcm_pipeline.mtcm.masking import SWAP_GROUPS, interleaved_folds
from mtcm_pipeline.mtcm.options import TrainOptions
from mtcm_pipeline.mtcm.prior import (
    PARTS,
    Choices,
    FittedPrior,
    PartPrior,
    PriorView,
    prior_view,
)
from mtcm_pipeline.mtcm.residual_model import ResidualOutput, TaskTensors
from mtcm_pipeline.mtcm.results import TrainedMtcm
from mtcm_pipeline.mtcm.tasks import in_time_order, quat_pose, take, task_tensors
from mtcm_pipeline.tokens.layout import CENTRE, FIELD_SLICES, FIELDS, QUATERNION, Tokens
from mtcm_pipeline.tokens.standardise import Standardiser

Float = NDArray[np.float64]
Index = NDArray[np.int64]

# A residual changes the expected squared error by at most this factor, in logarithms.
_LARGEST_CHANGE = 3.0
# |q - q'|^2 of quaternions is an eighth of |R - R'|^2 of matrices, for small angles.
_QUATERNION_SHARE = 1.0 / 8.0


@dataclass(frozen=True)
class FoldView:
    """One share of a window's frames hidden in some fields, and the prior's view.

    Attributes:
        start: of the window, in frames in order of time.
        inputs: for the model.
        view: the prior's.
    """

    start: int
    inputs: TaskTensors
    view: PriorView


def context_windows(n: int, context: int) -> list[tuple[int, int]]:
    """Contiguous windows of at most `context` frames, equally long, that cover 0..n-1."""
    count = -(-n // context)
    edges = np.linspace(0, n, count + 1).round().astype(int)
    return [(int(a), int(b)) for a, b in itertools.pairwise(edges)]


def spread_windows(n: int, context: int) -> list[Index]:
    """Interleaved windows of at most `context` frames that cover 0..n-1, each all of it.

    Every window is the capture in small, so that what is made of frames in different
    ones can be compared.
    """
    count = -(-n // context)
    return [np.arange(first, n, count) for first in range(count)]


def fold_views(
    tokens: Tokens, standardiser: Standardiser, choices: Choices, options: TrainOptions
) -> list[FoldView]:
    """The prior's view of every share of the frames, field group by field group.

    It does not depend on the transformer: snapshots of one training share it.
    """
    ordered = in_time_order(tokens)
    views = []
    for start, stop in context_windows(len(ordered), options.context_frames):
        window = take(ordered, np.arange(start, stop))
        for fold in interleaved_folds(len(window), options.folds):
            for fields in SWAP_GROUPS.values():
                columns = np.array([FIELDS.index(name) for name in fields])
                hidden = np.zeros_like(window.present)
                hidden[np.ix_(fold, columns)] = window.present[np.ix_(fold, columns)]
                if not hidden.any():
                    continue
                view = prior_view(window, hidden, choices)
                inputs = task_tensors(window, standardiser, hidden, view)
                views.append(FoldView(start, inputs, view))
    return views


def with_gates(
    trained: TrainedMtcm, tokens: Tokens, views: Sequence[FoldView] | None = None
) -> TrainedMtcm:
    """The trained model with its gates set by what its folds show of this capture."""
    assert trained.prior is not None
    found: dict[str, list[tuple[Float, Float]]] = {name: [] for name in PARTS}
    for fold, output in _outputs(trained, tokens, views):
        for part in fold.view.parts:
            if part.name in output.residuals:
                residual = heard_residual(part, output)
                found[part.name].append((residual, part.truth - part.prior))
    gates = {
        name: gate_of(*(np.concatenate(x) for x in zip(*pairs, strict=True)))
        if pairs
        else 0.0
        for name, pairs in found.items()
    }
    return replace(trained, prior=FittedPrior(trained.prior.choices, gates))


def predict_by_prior(
    trained: TrainedMtcm, tokens: Tokens, views: Sequence[FoldView] | None = None
) -> tuple[Float, Float]:
    """(N, D) token values and (N, F) log of the expected standardised squared error.

    Rows in capture order. Where nothing can be said, the capture's median stands, and
    an error of one standard unit is expected.
    """
    assert trained.prior is not None
    standardiser = trained.standardiser
    values = np.tile(standardiser.shift, (len(tokens), 1))
    squared = np.zeros((len(tokens), len(FIELDS)))
    known = np.zeros((len(tokens), len(FIELDS)), dtype=bool)
    pose = np.full((len(tokens), 12), np.nan)
    for fold, output in _outputs(trained, tokens, views):
        for part in fold.view.parts:
            rows = fold.start + part.asked
            predicted, expected = gated(part, output, trained.prior.gates[part.name])
            field, numbers = PARTS[part.name]
            if field == "pose":
                pose[rows, numbers] = predicted
            else:
                values[rows, FIELD_SLICES[field]] = predicted
            squared[rows, FIELDS.index(field)] += standard_error(
                part.name, expected, standardiser
            )
            known[rows, FIELDS.index(field)] = True
    posed = np.isfinite(pose).all(axis=1)
    values[posed, FIELD_SLICES["pose"]] = quat_pose(pose[posed])
    log_variance = np.where(known, np.log(np.maximum(squared, 1e-8)), 0.0)
    order = np.argsort(tokens.times, kind="stable")
    back = np.argsort(order, kind="stable")
    return values[back], log_variance[back]


def gated(part: PartPrior, output: ResidualOutput, gate: float) -> tuple[Float, Float]:
    """(A, m) prediction and (A,) expected squared error, summed over the numbers."""
    predicted, expected = part.prior.copy(), part.variance.copy()
    if gate > 0.0 and part.name in output.residuals:
        predicted += gate * heard_residual(part, output)
        change = output.log_variances[part.name].double().numpy()
        change = change - np.log(np.maximum(expected, 1e-300))
        change = np.clip(change, -_LARGEST_CHANGE, _LARGEST_CHANGE)
        expected = expected * np.exp(gate * change)
    return predicted, expected


def heard_residual(part: PartPrior, output: ResidualOutput) -> Float:
    """(A, m) what the model adds to the prior; nothing where nothing tells of the frame.

    Where what is known says no more than the mean of the others, a residual is noise.
    """
    residual = output.residuals[part.name].double().numpy()
    return np.where(part.believed[:, None] > 0.0, residual, 0.0)


def standard_error(name: str, expected: Float, standardiser: Standardiser) -> Float:
    """(A,) a part's share of its field's mean squared error in standardised units."""
    if name == "centre":
        return expected / standardiser.scale[CENTRE][0] ** 2 / 7.0
    if name == "rotation":
        scale = standardiser.scale[QUATERNION][0]
        return _QUATERNION_SHARE * expected / scale**2 / 7.0
    where = FIELD_SLICES[PARTS[name][0]]
    return expected / standardiser.scale[where][0] ** 2 / (where.stop - where.start)


def _outputs(
    trained: TrainedMtcm, tokens: Tokens, views: Sequence[FoldView] | None
) -> list[tuple[FoldView, ResidualOutput]]:
    assert trained.prior is not None
    if views is None:
        views = fold_views(
            tokens, trained.standardiser, trained.prior.choices, trained.options
        )
    with torch.inference_mode():
        return [(fold, trained.model(fold.inputs)) for fold in views]
