"""The frames among which one strategy chooses, and what it answers.

Dimension letters: N frames of the capture, P frames in the pool, B frames of a batch.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.selection.options import SelectOptions
from mtcm_pipeline.selection.problem import SelectionProblem
from mtcm_pipeline.selection.user_word import DROPPED_BY_USER, check_not_both, user_word
from mtcm_pipeline.selection.viewing_sphere import view_vectors

Float = NDArray[np.float64]
Int = NDArray[np.int64]

UNKNOWN_QUALITY = 0.5


@dataclass(frozen=True)
class Pick:
    """One chosen frame: its index in the pool, its gain, and why, in a sentence."""

    index: int
    gain: float
    reason: str


@dataclass(frozen=True)
class Pool:
    """Frames that may be chosen and have what the strategy needs, in capture order.

    Attributes:
        problem: the whole capture.
        rows: (P) ascending rows of the problem.
        forced: indices into `rows` that come first, in this order.
        budget: how many to choose, forced ones included; at most P.
    """

    problem: SelectionProblem
    rows: Int
    forced: tuple[int, ...]
    budget: int

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def centres_xyz(self) -> Float:
        """(P, 3) camera centres."""
        return self.problem.centres_xyz[self.rows]

    @cached_property
    def directions(self) -> Float:
        """(P, 3) viewing directions."""
        return self.problem.directions[self.rows]

    @cached_property
    def views(self) -> Float:
        """(P, 3) unit vectors from the subject to the cameras."""
        return view_vectors(self.problem.centres_xyz, self.problem.directions)[self.rows]

    @cached_property
    def embeddings(self) -> Float:
        """(P, D) appearance vectors."""
        return self.problem.embeddings[self.rows]

    @cached_property
    def times(self) -> Float:
        """(P) positions in the sequence, 0..1."""
        return self.problem.times[self.rows]

    @property
    def seconds(self) -> Float | None:
        """(P,) capture times in s, None where not all are known."""
        seconds = self.problem.seconds
        return None if seconds is None else seconds[self.rows]

    @cached_property
    def quality(self) -> Float:
        """(P) quality clipped to 0..1; unknown (NaN) counts as 0.5."""
        quality = self.problem.quality[self.rows]
        return np.clip(np.where(np.isnan(quality), UNKNOWN_QUALITY, quality), 0.0, 1.0)

    def similarity_rows(self, indices: Int) -> Float:
        """(B, P) learned similarity of the frames `indices` with the pool."""
        rows = self.problem.similarity[self.rows[indices]]  # (B, N), a copy
        return rows if len(self.rows) == rows.shape[1] else rows[:, self.rows]


def has_pose(problem: SelectionProblem) -> NDArray[np.bool_]:
    """(N) whether each frame has a camera centre and a viewing direction."""
    both = np.hstack([problem.centres_xyz, problem.directions])
    return np.all(np.isfinite(both), axis=1)


def has_embedding(problem: SelectionProblem) -> NDArray[np.bool_]:
    """(N) whether each frame has an appearance vector."""
    if not problem.embeddings.shape[1]:
        return np.zeros(len(problem.names), dtype=bool)
    return np.all(np.isfinite(problem.embeddings), axis=1)


def apply_user_choices(
    problem: SelectionProblem, options: SelectOptions
) -> SelectionProblem:
    """The problem with the user's `keep` and `drop` worked in; twice is the same as once.

    Args:
        problem: the capture.
        options: `keep` joins the forced frames, which become eligible whatever was said
            of them; `drop` makes frames ineligible, with the reason.

    Returns:
        A new problem; the given one is untouched.

    Raises:
        ParameterError: a name is not in the capture (the closest names are given), a
            frame is to be kept and dropped, or more are kept than the budget allows.
    """
    word = user_word(options, problem.names)
    forced = tuple(dict.fromkeys((*problem.forced, *word.keep)))
    check_not_both(forced, word.drop)
    dropped = set(word.drop)
    stays = np.array([name not in dropped for name in problem.names], dtype=bool)
    reasons = dict(problem.reasons_out) | dict.fromkeys(word.drop, DROPPED_BY_USER)
    return dataclasses.replace(
        problem, eligible=problem.eligible & stays, reasons_out=reasons, forced=forced
    )
