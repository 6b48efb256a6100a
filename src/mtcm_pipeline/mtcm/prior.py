"""What the kernel prior says of a capture while some entries are hidden.

The transformer predicts a residual over this: it is given how sure the prior is, how far
its members disagree, and how wrong it was on shown frames while they were left out, and
answers with weights over the members and over the shown frames' residuals. All of it is
made of distances between frames, so that what is learned on one capture holds for
another, turned, mirrored, or seen by another encoder.

Dimension letters: N frames, F = 5 fields, Q = 6 parts, K members, A asked frames,
S shown frames, m numbers of a part, P pair features.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.regressors.ensemble import MEMBERS, choose_members, ensemble_of
from mtcm_pipeline.regressors.estimate import Estimate
from mtcm_pipeline.regressors.folds import like_the_hidden, one_by_one
from mtcm_pipeline.regressors.gaussian import Chosen
from mtcm_pipeline.regressors.problem import (
    FieldProblem,
    embedding_distances,
    field_problems,
    pose_numbers,
    squared_distances,
    target_parts,
)
from mtcm_pipeline.tokens.layout import FIELDS, Tokens

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

# Part of the prediction: the field it belongs to, and its numbers in the field's target.
PARTS: dict[str, tuple[str, slice]] = {
    "embedding": ("embedding", slice(None)),
    "centre": ("pose", slice(0, 3)),
    "rotation": ("pose", slice(3, 12)),
    "timestamp": ("timestamp", slice(None)),
    "mask_area": ("mask_area", slice(None)),
    "focal": ("focal", slice(None)),
}
# Numbers a part adds to a frame's features, beside one a member.
_PLAIN_FEATURES = 6
FEATURE_WIDTH = sum(_PLAIN_FEATURES + len(MEMBERS[f]) for f, _ in PARTS.values())
PAIR_WIDTH = 13
# Hyperparameters by field and by the fields that it is predicted from.
Choices = Mapping[tuple[str, tuple[str, ...]], Mapping[str, Chosen]]
_SMALL = 1e-9
_LEAST_VARIATION = 1e-3


@dataclass(frozen=True)
class FittedPrior:
    """What is kept of the prior with a trained model.

    Attributes:
        choices: hyperparameters for the capture.
        gates: by part, how much of the residual is believed where frames are hidden at
            random among others, 0..1.
    """

    choices: Choices
    gates: Mapping[str, float]


@dataclass(frozen=True)
class PartPrior:
    """One part of the prediction, in token units.

    Attributes:
        name: of the part.
        asked: (A,) rows that are predicted.
        shown: (S,) rows whose truth is known.
        prior: (A, m) the stack's prediction.
        spread: (K, A, m) members minus the stack.
        residual: (S, m) truth minus what the stack said without the frame.
        truth: (A, m) what is hidden; not for the model.
        variance: (A,) expected squared error, summed over the numbers.
        believed: (A,) share of what the regressors say that is believed; where it is
            zero the prior is the mean, for nothing tells more.
        size: typical distance of a shown frame's truth from their mean.
        features: (N, features of the part) see `prior_view`.
    """

    name: str
    asked: NDArray[np.int64]
    shown: NDArray[np.int64]
    prior: Float
    spread: Float
    residual: Float
    truth: Float
    variance: Float
    believed: Float
    size: float
    features: Float


@dataclass(frozen=True)
class PriorView:
    """A window of a capture as the prior sees it.

    Attributes:
        parts: those of which anything is shown.
        features: (N, `FEATURE_WIDTH`) invariant numbers a frame.
        pairs: (N, N, `PAIR_WIDTH`) invariant numbers a pair of frames.
        pose: (N, 12) centre and rotation where shown, else predicted (left-out
            predictions where it is shown are in `left_out_pose`); 0 where neither.
        left_out_pose: (N, 12) predicted while hidden or left out; 0 where it cannot be.
    """

    parts: tuple[PartPrior, ...]
    features: Float
    pairs: Float
    pose: Float
    left_out_pose: Float


def prior_view(
    tokens: Tokens,
    hidden: Bool,
    choices: Choices | None = None,
    *,
    keep: dict[tuple[str, tuple[str, ...]], Mapping[str, Chosen]] | None = None,
) -> PriorView:
    """The prior's predictions of everything hidden, and how it did on what is shown.

    Args:
        tokens: N frames in order of time.
        hidden: (N, F) True = not shown.
        choices: hyperparameters; None to choose them on what is shown.
        keep: is given the hyperparameters that were chosen.
    """
    solved = {
        field: _solve_field(tokens, hidden, field, choices, keep)
        for field in FIELDS
        if tokens.present[:, FIELDS.index(field)].any()
    }
    parts, features = [], []
    for name, (field, numbers) in PARTS.items():
        part = _part(name, numbers, solved.get(field))
        features.append(
            np.zeros((len(tokens), _PLAIN_FEATURES + len(MEMBERS[field])))
            if part is None
            else part.features
        )
        if part is not None:
            parts.append(part)
    pose, left_out = _completed_pose(tokens, hidden, solved.get("pose"))
    pairs = _pair_features(tokens, hidden, pose, solved.get("embedding"))
    return PriorView(tuple(parts), np.hstack(features), pairs, pose, left_out)


def choose_once(tokens: Tokens, sector: Bool) -> Choices:
    """Hyperparameters for many draws of one training capture.

    Args:
        tokens: of the capture.
        sector: (N,) frames of one hidden sector, on which the members that are chosen
            by folds are chosen.
    """
    choices: dict[tuple[str, tuple[str, ...]], Mapping[str, Chosen]] = {}
    for field in FIELDS:
        for fields in ((field,), (field, "pose"), (field, "embedding"), FIELDS):
            hidden = np.zeros_like(tokens.present)
            columns = np.array([FIELDS.index(name) for name in fields])
            hidden[np.ix_(sector, columns)] = True
            for problem in field_problems(tokens, hidden, field):
                key = (field, problem.inputs)
                if key not in choices:
                    choices[key] = choose_members(problem, like_the_hidden(problem))
    return choices


@dataclass(frozen=True)
class _Solved:
    """A field's predictions over all N frames, NaN where there are none."""

    problem: FieldProblem
    members: Float
    stack: Float
    variance: Float
    believed: Float
    asked: Bool
    shown: Bool


def _solve_field(
    tokens: Tokens,
    hidden: Bool,
    field: str,
    choices: Choices | None,
    keep: dict | None,
) -> _Solved | None:
    problems = field_problems(tokens, hidden, field, asked_only=False)
    if not problems:
        return None
    n, width = problems[0].target.shape
    solved = _Solved(
        problems[0],
        np.full((len(MEMBERS[field]), n, width), np.nan),
        np.full((n, width), np.nan),
        np.full(n, np.nan),
        np.zeros((n, len(target_parts(field)))),
        np.zeros(n, dtype=bool),
        np.zeros(n, dtype=bool),
    )
    # The last first: what the better inputs say of a shown frame overwrites it.
    for problem in reversed(problems):
        _solve_problem(problem, solved, choices, keep)
    return solved


def _solve_problem(
    problem: FieldProblem, into: _Solved, choices: Choices | None, keep: dict | None
) -> None:
    alone = one_by_one(int(problem.shown.sum()))
    folds = like_the_hidden(problem) if problem.asked.any() else alone
    chosen = (choices or {}).get((problem.field, problem.inputs))
    if chosen is None:
        chosen = choose_members(problem, folds)
        if keep is not None:
            keep[problem.field, problem.inputs] = chosen
    elif len(folds) == len(alone) and "folds" in chosen:
        chosen = {**chosen, "folds": chosen["time"]}
    found = ensemble_of(problem, folds, chosen)
    for rows, of_members, mean, variance in (
        (problem.shown, *_left_out_of(found.members, found.stack)),
        (problem.asked, *_asked_of(found.members, found.stack)),
    ):
        into.members[:, rows] = of_members
        into.stack[rows], into.variance[rows] = mean, variance
    into.believed[problem.asked] = found.believed
    into.asked[problem.asked] = True
    into.shown[problem.shown] = True


def _left_out_of(
    members: tuple[Estimate, ...], stack: Estimate
) -> tuple[Float, Float, Float]:
    return (
        np.stack([m.left_out for m in members]),
        stack.left_out,
        stack.left_out_variance,
    )


def _asked_of(
    members: tuple[Estimate, ...], stack: Estimate
) -> tuple[Float, Float, Float]:
    return np.stack([m.asked for m in members]), stack.asked, stack.asked_variance


def _part(name: str, numbers: slice, solved: _Solved | None) -> PartPrior | None:
    if solved is None:
        return None
    asked, shown = np.flatnonzero(solved.asked), np.flatnonzero(solved.shown)
    truth = solved.problem.target[:, numbers]
    stack, members = solved.stack[:, numbers], solved.members[:, :, numbers]
    residual = truth[shown] - stack[shown]
    squared = (residual**2).sum(axis=1)
    centred = truth[shown] - truth[shown].mean(axis=0)
    size = float(np.sqrt((centred**2).sum(axis=1).mean()))
    # A field that hardly varies (one lens) must not be judged in units of its rounding.
    size = max(size, _LEAST_VARIATION * float(np.linalg.norm(truth[shown].mean(axis=0))))
    whole = ((solved.problem.learned - solved.stack[solved.problem.shown]) ** 2).sum(1)
    share = squared.mean() / max(float(whole.mean()), _SMALL**2)
    variance = solved.variance * share  # of this part of the field's numbers
    spread = members - stack
    features = _frame_features(solved, spread, variance, squared, size)
    return PartPrior(
        name,
        asked,
        shown,
        stack[asked],
        spread[:, asked],
        residual,
        truth[asked],
        variance[asked],
        solved.believed[asked, target_parts(solved.problem.field).index(numbers)],
        max(size, _SMALL),
        features,
    )


def _frame_features(
    solved: _Solved, spread: Float, variance: Float, squared: Float, size: float
) -> Float:
    """(N, 6 + K): shown, asked, size, expected and left-out error, disagreement."""
    n = len(variance)
    typical = np.sqrt(max(float(np.median(squared)), (1e-4 * size) ** 2, _SMALL**2))
    known = solved.asked | solved.shown
    features = np.zeros((n, _PLAIN_FEATURES + len(spread)))
    features[:, 0], features[:, 1] = solved.shown, solved.asked
    features[:, 2] = np.log(typical / max(size, _SMALL) + 1e-3)
    expected = np.log(np.sqrt(np.maximum(variance[known], 0.0)) / typical + 1e-2)
    features[known, 3] = expected
    left_out = np.sqrt(squared) / typical
    features[solved.shown, 4] = np.log(left_out + 1e-2)
    features[known, 5] = np.sqrt(np.maximum(variance[known], 0.0)) / max(size, _SMALL)
    apart = np.sqrt((spread[:, known] ** 2).sum(axis=2)) / typical  # (K, known)
    features[known, _PLAIN_FEATURES:] = np.log1p(apart).T
    return np.clip(features, -6.0, 6.0)


def _completed_pose(
    tokens: Tokens, hidden: Bool, solved: _Solved | None
) -> tuple[Float, Float]:
    shown = (tokens.present & ~hidden)[:, FIELDS.index("pose")]
    left_out = (
        np.zeros((len(tokens), 12)) if solved is None else np.nan_to_num(solved.stack)
    )
    pose = np.where(shown[:, None], np.nan_to_num(pose_numbers(tokens)), left_out)
    return pose, left_out


def _pair_features(
    tokens: Tokens, hidden: Bool, pose: Float, embedding: _Solved | None
) -> Float:
    """(N, N, 13) how near two frames are in pose, looks and time."""
    known = tokens.present & ~hidden
    looks = np.zeros((len(tokens), tokens.field("embedding").shape[1]))
    seen = known[:, FIELDS.index("embedding")]
    looks[seen] = tokens.field("embedding")[seen]
    if embedding is not None:
        predicted = embedding.asked
        looks[predicted] = embedding.stack[predicted]
        seen = seen | predicted
    apart = np.zeros((len(tokens), len(tokens)))
    if seen.sum() >= 3:
        whole = embedding_distances(looks, seen)["embedding/32/0"]
        apart = np.sqrt(np.nan_to_num(whole, nan=4.0))
    places = (pose != 0).any(axis=1)
    both = (places[:, None] & places[None]).astype(np.float64)
    centre = np.sqrt(squared_distances(pose[:, :3]))
    turn = np.sqrt(squared_distances(pose[:, 3:]))
    step = np.abs(tokens.times[:, None] - tokens.times[None])
    gaps = np.diff(np.sort(tokens.times))
    step = step / max(float(np.median(gaps)) if len(gaps) else 1.0, 1e-6)
    given = known[:, FIELDS.index("pose")].astype(np.float64)
    shown = known[:, FIELDS.index("embedding")].astype(np.float64)
    return np.stack(
        [
            both * np.exp(-centre / 0.25),
            both * np.exp(-centre),
            both * np.exp(-turn / 0.4),
            both * np.exp(-turn / 1.2),
            np.exp(-apart / 0.4),
            np.exp(-apart),
            np.exp(-step / 2.0),
            np.exp(-step / 8.0),
            np.exp(-step / 30.0),
            given[:, None] * given[None],
            shown[:, None] * shown[None],
            both,
            np.eye(len(tokens)),
        ],
        axis=2,
    )
