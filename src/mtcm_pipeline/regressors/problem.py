"""One hidden field as a regression problem: who is shown, who is asked, how far apart.

Everything that a regressor may look at is a squared distance between frames, so that a
rotation of the world, a mirror, or another basis of the embeddings changes nothing.

Dimension letters: N frames, F = 5 fields, m numbers of the target, S shown frames,
A asked frames.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.rotations import matrix_from_quat
from mtcm_pipeline.regressors.decomposition import left_singular
from mtcm_pipeline.tokens.layout import CENTRE, FIELDS, QUATERNION, Tokens

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

# (kept components, power of their spread that they are divided by): distances in few
# whitened components see the viewpoint, in many plain ones every change of the picture.
EMBEDDING_VIEWS: tuple[tuple[int, float], ...] = (
    (8, 0.0),
    (8, 1.0),
    (16, 0.5),
    (16, 1.0),
    (32, 0.0),
    (32, 0.5),
)


@dataclass(frozen=True)
class FieldProblem:
    """Predict `target` of the asked frames from that of the shown ones.

    Attributes:
        field: name of the field.
        target: (N, m); a pose is centre (3) and rotation matrix (9, row by row).
        shown: (N,) frames to learn from: target and inputs are known.
        asked: (N,) frames whose target is hidden and whose inputs are known.
        frames_of_time: (N,) place in the sequence, in frames.
        distances: squared distances (N, N) between inputs by name: always `time` (in
            frames); `centre` (median camera distances) and `rotation` (Frobenius) where
            the pose is known; `embedding/<components>/<power>` (over their median).
    """

    field: str
    target: Float
    shown: Bool
    asked: Bool
    frames_of_time: Float
    distances: Mapping[str, Float]

    @property
    def inputs(self) -> tuple[str, ...]:
        """Fields that the target is predicted from, beside the time."""
        names = {"centre": "pose", "embedding/16/0.5": "embedding"}
        return tuple(field for key, field in names.items() if key in self.distances)

    @property
    def learned(self) -> Float:
        """(S, m) targets of the shown frames."""
        return self.target[self.shown]

    def among_shown(self, name: str) -> Float:
        """(S, S) squared distances between shown frames."""
        return self.distances[name][np.ix_(self.shown, self.shown)]

    def to_shown(self, name: str) -> Float:
        """(A, S) squared distances from asked to shown frames."""
        return self.distances[name][np.ix_(self.asked, self.shown)]


def field_problems(
    tokens: Tokens, hidden: Bool, field: str, *, asked_only: bool = True
) -> list[FieldProblem]:
    """The problems that the hidden entries of one field pose.

    Frames whose other field (the pose for an embedding, the embedding for a pose, both
    or the one that is there for a scalar) is known are one problem, those of which only
    the time is known another. A problem with fewer than 3 frames shown is left out.

    Args:
        tokens: of the capture.
        hidden: (N, F) True = not shown.
        field: which.
        asked_only: leave out problems in which nothing is asked.
    """
    known = tokens.present & ~hidden
    wanted = (tokens.present & hidden)[:, FIELDS.index(field)]
    have = known[:, FIELDS.index(field)]
    inputs = _inputs_of(field, known, wanted if wanted.any() else have)
    sees = np.full(len(tokens), bool(inputs))
    for name in inputs:
        sees &= known[:, FIELDS.index(name)]
    target, times = _target(tokens, field), _frames_of_time(tokens)
    by_time = {"time": squared_distances(times[:, None])}
    first = FieldProblem(
        field,
        target,
        have & sees,
        wanted & sees,
        times,
        by_time | _input_distances(tokens, known, inputs),
    )
    rest = FieldProblem(field, target, have, wanted & ~sees, times, by_time)
    return [
        problem
        for problem in ((first, rest) if inputs else (rest,))
        if problem.shown.sum() >= 3
        and (problem.asked.any() or (problem is first and not asked_only))
    ]


def target_parts(field: str) -> tuple[slice, ...]:
    """Parts of a target that are weighted by themselves."""
    return (slice(0, 3), slice(3, 12)) if field == "pose" else (slice(None),)


def squared_distances(points: Float) -> Float:
    """(N, N) squared distances of (N, d) points; NaN where a point is."""
    norms = (points**2).sum(axis=1)
    squared = norms[:, None] + norms[None] - 2.0 * points @ points.T
    return np.maximum(squared, 0.0)


def pose_numbers(tokens: Tokens) -> Float:
    """(N, 12) centre and rotation matrix row by row; NaN without a pose."""
    numbers = np.full((len(tokens), 12), np.nan)
    posed = tokens.has("pose")
    numbers[posed, :3] = tokens.values[posed, CENTRE]
    rotations = matrix_from_quat(tokens.values[posed, QUATERNION])
    numbers[posed, 3:] = rotations.reshape(-1, 9)
    return numbers


def nearest_rotations(numbers: Float) -> Float:
    """(..., 9) any numbers to the nearest (..., 3, 3) rotations (Procrustes, by SVD)."""
    matrices = numbers.reshape(*numbers.shape[:-1], 3, 3)
    left, _, right = np.linalg.svd(matrices)
    left = left.copy()
    left[..., :, 2] *= np.linalg.det(left @ right)[..., None]
    return left @ right


def _inputs_of(field: str, known: Bool, wanted: Bool) -> list[str]:
    """Fields that this one is predicted from, beside the time."""
    counts = {
        name: int((known[:, FIELDS.index(name)] & wanted).sum())
        for name in ("pose", "embedding")
        if name != field
    }
    most = max(counts.values())
    return [name for name, count in counts.items() if count == most and most > 0]


def _target(tokens: Tokens, field: str) -> Float:
    return pose_numbers(tokens) if field == "pose" else tokens.field(field)


def _frames_of_time(tokens: Tokens) -> Float:
    """(N,) times in units of the usual step from frame to frame."""
    steps = np.diff(np.sort(tokens.times))
    step = float(np.median(steps[steps > 0])) if (steps > 0).any() else 1.0
    return (tokens.times - tokens.times.min(initial=0.0)) / step


def _input_distances(tokens: Tokens, known: Bool, names: list[str]) -> dict[str, Float]:
    distances = {}
    if "pose" in names:
        numbers = pose_numbers(tokens)
        distances["centre"] = squared_distances(numbers[:, :3])
        distances["rotation"] = squared_distances(numbers[:, 3:])
    if "embedding" in names:
        visible = known[:, FIELDS.index("embedding")]
        distances |= embedding_distances(tokens.field("embedding"), visible)
    return distances


def embedding_distances(embeddings: Float, visible: Bool) -> dict[str, Float]:
    """Squared distances over their median, in each of `EMBEDDING_VIEWS`.

    Args:
        embeddings: (N, 384).
        visible: (N,) rows that may be looked at; the others' distances are NaN.
    """
    rows = embeddings[visible] - embeddings[visible].mean(axis=0)
    left, spread = left_singular(rows)
    spread = np.maximum(spread, 1e-9 * max(float(spread[0]), 1e-12))
    distances = {}
    for components, power in EMBEDDING_VIEWS:
        scores = (left * spread ** (1.0 - power))[:, :components]
        among = squared_distances(scores)
        middle = np.median(among[np.triu_indices(len(among), 1)])
        whole = np.full((len(embeddings), len(embeddings)), np.nan)
        whole[np.ix_(visible, visible)] = among / max(float(middle), 1e-12)
        distances[f"embedding/{components}/{power:g}"] = whole
    return distances
