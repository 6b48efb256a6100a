"""What the MTCM says of places where no picture was taken yet.

How uncertain it is of what would be seen there, and where the capture plausibly goes on.

Dimension letters: N frames, M candidate poses, F = 5 fields.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from mtcm_pipeline.capture.rotations import matrix_from_quat, quat_from_matrix
from mtcm_pipeline.mtcm.fold_prediction import gated
from mtcm_pipeline.mtcm.prediction import represent
from mtcm_pipeline.mtcm.prior import FittedPrior, prior_view
from mtcm_pipeline.mtcm.results import TrainedMtcm
from mtcm_pipeline.mtcm.sequence import as_bool, as_float, as_sequence
from mtcm_pipeline.mtcm.tasks import in_time_order, take, task_tensors
from mtcm_pipeline.regressors.ensemble import choose_members
from mtcm_pipeline.regressors.folds import one_by_one
from mtcm_pipeline.regressors.gaussian import FittedProcess
from mtcm_pipeline.regressors.problem import field_problems
from mtcm_pipeline.tokens.layout import (
    CENTRE,
    FIELD_SLICES,
    FIELDS,
    QUATERNION,
    Tokens,
)

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

# Asked at once: enough to be quick, few enough that the frames still outnumber them.
_ASKED_AT_ONCE = 48
# With fewer frames that have both, nothing can be said of how pose and picture go
# together.
_FEWEST = 4


def picture_uncertainty(
    trained: TrainedMtcm, tokens: Tokens, shown: Bool, poses: Float
) -> Float:
    """(M,) expected squared error of the embedding of a picture taken from each pose.

    The predictive variance of the kernel prior's Gaussian process over poses (Rasmussen
    and Williams 2006, eq. 2.26; time takes no part, since who goes back to a place goes
    back later), changed by the transformer as far as its gate lets it. A plain model
    says it by itself.

    Args:
        trained: on the capture.
        tokens: of the capture.
        shown: (N,) frames that may be looked at; those without pose or embedding are
            not. Captures longer than the context are thinned evenly.
        poses: (M, 4, 4) `world_from_cam` in the tokens' gauge.

    Returns:
        In units of the model, comparable between poses only; all 1 where fewer than
        four frames have both pose and embedding.
    """
    frames = _known_frames(trained, tokens, shown)
    if len(frames) < _FEWEST:
        return np.ones(len(poses))
    if trained.prior is None:
        return _in_parts(trained, frames, poses, _plain_variance)
    variance = _process_variance(trained.prior, frames, poses)
    gate = trained.prior.gates["embedding"]
    if gate == 0.0:
        return variance
    change = _in_parts(trained, frames, poses, _change)
    return np.asarray(variance * np.exp(gate * change))


def suggested_pose(trained: TrainedMtcm, tokens: Tokens, shown: Bool) -> Float | None:
    """(4, 4) `world_from_cam` that plausibly follows the last shown frame.

    Args:
        trained: on the capture.
        tokens: of the capture.
        shown: (N,) frames that may be looked at.

    Returns:
        In the tokens' gauge; None where fewer than four shown frames have a pose.
    """
    posed = in_time_order(take(tokens, np.flatnonzero(shown & tokens.has("pose"))))
    if len(posed) < _FEWEST:
        return None
    # One window is all that the model looks at; its frames are one step apart.
    last = take(posed, np.arange(len(posed))[-trained.options.context_frames :])
    steady = replace(last, times=np.linspace(0.0, 1.0, len(last)))
    found = represent(trained, steady).next_pose
    pose = np.eye(4)
    pose[:3, :3] = matrix_from_quat(found[None, 3:])[0]
    pose[:3, 3] = found[:3]
    return pose if np.isfinite(pose).all() else None


def _known_frames(trained: TrainedMtcm, tokens: Tokens, shown: Bool) -> Tokens:
    rows = np.flatnonzero(shown & tokens.has("pose") & tokens.has("embedding"))
    room = max(trained.options.context_frames - _ASKED_AT_ONCE, _FEWEST)
    if len(rows) > room:
        rows = rows[np.linspace(0, len(rows) - 1, room).round().astype(np.int64)]
    return in_time_order(take(tokens, rows))


def _process_variance(prior: FittedPrior, frames: Tokens, poses: Float) -> Float:
    """(M,) of the Gaussian process over poses, summed over the embedding's numbers."""
    extended, hidden = _with_poses(frames, poses)
    (problem, *_) = field_problems(extended, hidden, "embedding")
    chosen = prior.choices.get((problem.field, problem.inputs))
    if chosen is None:
        chosen = choose_members(problem, one_by_one(len(frames)))
    process = FittedProcess.fit(problem, chosen["plain"], robust=True)
    return process.estimate(problem.learned, one_by_one(len(frames))).asked_variance


def _in_parts(
    trained: TrainedMtcm,
    frames: Tokens,
    poses: Float,
    ask: Callable[[TrainedMtcm, Tokens, Bool], Float],
) -> Float:
    """(M,) answers, a few poses at a time; every so-manieth, so that they lie apart."""
    found = np.empty(len(poses))
    parts = -(-len(poses) // _ASKED_AT_ONCE)
    for part in range(parts):
        found[part::parts] = ask(trained, *_with_poses(frames, poses[part::parts]))
    return found


def _change(trained: TrainedMtcm, extended: Tokens, hidden: Bool) -> Float:
    """(m,) by how much the transformer changes the prior's log variance, bounded."""
    assert trained.prior is not None
    view = prior_view(extended, hidden, trained.prior.choices)
    with torch.inference_mode():
        output = trained.model(task_tensors(extended, trained.standardiser, hidden, view))
    part = next(part for part in view.parts if part.name == "embedding")
    return np.log(gated(part, output, 1.0)[1] / part.variance)


def _plain_variance(trained: TrainedMtcm, extended: Tokens, hidden: Bool) -> Float:
    """(m,) of a model without a prior, in standardised units."""
    sequence = as_sequence(extended, trained.standardiser)
    with torch.inference_mode():
        output = trained.model(
            as_float(sequence.rows),
            as_bool(sequence.present),
            as_bool(hidden),
            as_float(sequence.times),
        )
    column = FIELDS.index("embedding")
    variance = output.log_variance.double().numpy()[:, column]
    return np.asarray(np.exp(variance[hidden[:, column]]))


def _with_poses(frames: Tokens, poses: Float) -> tuple[Tokens, Bool]:
    """The frames in order of time and, after them, frames that stand at the poses.

    Also (N + m, F) what is hidden: their embeddings.
    """
    rows = np.full((len(poses), frames.values.shape[1]), np.nan)
    rows[:, CENTRE] = poses[:, :3, 3]
    rows[:, QUATERNION] = quat_from_matrix(poses[:, :3, :3])
    rows[:, FIELD_SLICES["embedding"]] = 0.0  # never shown
    present = np.zeros((len(poses), len(FIELDS)), dtype=bool)
    present[:, [FIELDS.index("pose"), FIELDS.index("embedding")]] = True
    step = 1.0 / max(len(frames) - 1, 1)
    extended = Tokens(
        (*frames.names, *([""] * len(poses))),
        np.vstack([frames.values, rows]),
        np.vstack([frames.present, present]),
        np.append(frames.times, np.full(len(poses), frames.times[-1] + step)),
    )
    hidden = np.zeros_like(extended.present)
    hidden[len(frames) :, FIELDS.index("embedding")] = True
    return extended, hidden
