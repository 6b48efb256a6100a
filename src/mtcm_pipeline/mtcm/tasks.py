"""Sequences with hidden and swapped entries, and the prior's view of them, as tensors.

Dimension letters: N frames, D = 394 token width, F = 5 fields, G = 3 swap groups.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtcm_pipeline.capture.rotations import quat_from_matrix
from mtcm_pipeline.mtcm.masking import apply_swaps, draw_hidden, draw_swaps
from mtcm_pipeline.mtcm.options import TrainOptions
from mtcm_pipeline.mtcm.prior import Choices, PartPrior, PriorView, prior_view
from mtcm_pipeline.mtcm.residual_model import PartTensors, TaskTensors
from mtcm_pipeline.mtcm.sequence import as_bool, as_float, azimuths_rad
from mtcm_pipeline.mtcm.step import swap_targets
from mtcm_pipeline.regressors.problem import nearest_rotations
from mtcm_pipeline.tokens.layout import FIELD_SLICES, Tokens
from mtcm_pipeline.tokens.standardise import Standardiser

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]


@dataclass(frozen=True)
class TrainingTask:
    """One draw of what is hidden and swapped.

    Attributes:
        inputs: for the model.
        swapped: (N, G) bool, True = belongs to another frame.
        judged: (N, G) bool, groups that are shown.
        last: row of the last posed frame, which is hidden; None without a pose.
        true_pose: (N, 7) standardised poses.
    """

    inputs: TaskTensors
    swapped: Tensor
    judged: Tensor
    last: int | None
    true_pose: Tensor


def in_time_order(tokens: Tokens) -> Tokens:
    """The same frames by their times."""
    return take(tokens, np.argsort(tokens.times, kind="stable"))


def take(tokens: Tokens, rows: NDArray[np.integer]) -> Tokens:
    """The frames at `rows`, (K,), in that order."""
    names = tuple(tokens.names[row] for row in rows)
    return Tokens(names, tokens.values[rows], tokens.present[rows], tokens.times[rows])


def draw_task(
    tokens: Tokens,
    standardiser: Standardiser,
    options: TrainOptions,
    rng: np.random.Generator,
    choices: Choices | None = None,
) -> TrainingTask:
    """Hide, swap, and ask the prior.

    Args:
        tokens: N frames in order of time.
        standardiser: of the capture.
        options: mask ratio and modes, swap ratio.
        rng: the only source of randomness.
        choices: hyperparameters of the prior; None to choose them on what is shown.
    """
    hidden = draw_hidden(
        tokens.present,
        azimuths_rad(tokens),
        ratio=options.mask_ratio,
        modes=options.mask_modes,
        rng=rng,
    )
    posed = np.flatnonzero(tokens.has("pose"))
    last = int(posed[-1]) if len(posed) else None
    if last is not None:
        hidden[last] = tokens.present[last]
    source = draw_swaps(tokens.present, hidden, ratio=options.swap_ratio, rng=rng)
    values, present = apply_swaps(tokens.values, tokens.present, source)
    swapped = replace(tokens, values=values, present=present)
    rows = np.nan_to_num(standardiser.apply(tokens.values))
    targets, judged = swap_targets(rows, tokens.present, hidden, source)
    hidden = hidden & present
    return TrainingTask(
        task_tensors(swapped, standardiser, hidden, prior_view(swapped, hidden, choices)),
        targets,
        judged,
        last,
        as_float(rows[:, FIELD_SLICES["pose"]]),
    )


def task_tensors(
    tokens: Tokens, standardiser: Standardiser, hidden: Bool, view: PriorView
) -> TaskTensors:
    """What the model is given.

    Args:
        tokens: N frames in order of time.
        standardiser: of the capture.
        hidden: (N, F) True = not shown.
        view: the prior's, with the same entries hidden.
    """
    rows = np.nan_to_num(standardiser.apply(tokens.values))
    for column, where in enumerate(FIELD_SLICES.values()):
        rows[hidden[:, column], where] = 0.0
    return TaskTensors(
        as_float(rows),
        as_bool(tokens.present),
        as_bool(hidden),
        as_float(tokens.times),
        as_float(view.features),
        as_float(view.pairs),
        as_float(_standard_pose(view.left_out_pose, standardiser)),
        {part.name: _part_tensors(part) for part in view.parts},
    )


def quat_pose(pose: Float) -> Float:
    """(N, 12) centre and any 9 numbers -> (N, 7) centre and unit quaternion."""
    rotations = nearest_rotations(pose[:, 3:])
    return np.hstack([pose[:, :3], quat_from_matrix(rotations)])


def _standard_pose(pose: Float, standardiser: Standardiser) -> Float:
    """(N, 7) standardised; 0 where there is none."""
    known = (pose != 0).any(axis=1)
    where = FIELD_SLICES["pose"]
    standard = np.zeros((len(pose), 7))
    shift, scale = standardiser.shift[where], standardiser.scale[where]
    standard[known] = (quat_pose(pose[known]) - shift) / scale
    return standard


def _part_tensors(part: PartPrior) -> PartTensors:
    return PartTensors(
        torch.from_numpy(part.asked),
        torch.from_numpy(part.shown),
        as_float(part.prior),
        as_float(part.spread),
        as_float(part.residual),
        as_float(part.truth),
        as_float(np.log(np.maximum(part.variance, (1e-4 * part.size) ** 2))),
        part.size,
    )
