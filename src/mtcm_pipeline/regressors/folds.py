"""Which shown frames are left out together, to see how a prediction would have done.

A frame left out alone is predicted from its neighbours; where a whole sector is hidden,
the asked frames have no such neighbours, and an error measured one by one promises too
much. So shown frames can also be left out in neighbourhoods as large as the hidden ones.

Dimension letters: N frames, S shown frames, A asked frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.regressors.problem import FieldProblem

Float = NDArray[np.float64]
Rows = NDArray[np.int64]

# More than this share of the shown frames is never left out at once.
_LARGEST_SHARE = 0.35


@dataclass(frozen=True)
class Fold:
    """Shown frames that are left out together.

    Attributes:
        out: rows among the shown frames that are not learned from.
        scored: those of them that count; every shown frame counts in one fold.
    """

    out: Rows
    scored: Rows


def one_by_one(count: int) -> list[Fold]:
    """Leave-one-out: every one of `count` frames is a fold."""
    return [Fold(np.array([row]), np.array([row])) for row in range(count)]


def like_the_hidden(problem: FieldProblem) -> list[Fold]:
    """Neighbourhoods of shown frames as far from the rest as the asked ones are.

    For time and for the known inputs apart: the size of neighbourhood is taken whose
    frames lie as far (median distance to the nearest frame left) as the asked frames lie
    from the shown ones. A fold is as large as the largest of these and takes the frames
    that are near in any of them; all of each together would leave out more than is
    hidden. Where frames are hidden at random, all sizes are 1: leave-one-out.

    Returns:
        Folds in which every shown frame is scored once.
    """
    spaces = [problem_space(problem, name) for name in _spaces(problem)]
    sizes = [_matching_size(among, across) for among, across in spaces]
    count = int(problem.shown.sum())
    if max(sizes) == 1:
        return one_by_one(count)
    folds: list[Fold] = []
    covered = np.zeros(count, dtype=bool)
    rank = np.min(
        [_ranks(among) / size for (among, _), size in zip(spaces, sizes, strict=True)],
        axis=0,
    )
    while not covered.all():
        seed = int(np.flatnonzero(~covered)[0])
        out = np.sort(np.argsort(rank[seed], kind="stable")[: max(sizes)])
        folds.append(Fold(out, out[~covered[out]]))
        covered[out] = True
    return folds


def _ranks(among: Float) -> Rows:
    """(S, S) place of every frame among the neighbours of each; itself is 0."""
    order = np.argsort(among, axis=1, kind="stable")
    return np.argsort(order, axis=1, kind="stable")


def problem_space(problem: FieldProblem, name: str) -> tuple[Float, Float]:
    """(S, S) and (A, S) distances in one input; a pose is centre and rotation."""
    if name == "pose":
        among = problem.among_shown("centre") + 0.25 * problem.among_shown("rotation")
        across = problem.to_shown("centre") + 0.25 * problem.to_shown("rotation")
        return np.sqrt(among), np.sqrt(across)
    return np.sqrt(problem.among_shown(name)), np.sqrt(problem.to_shown(name))


def _spaces(problem: FieldProblem) -> list[str]:
    names = ["time"]
    if "centre" in problem.distances:
        names.append("pose")
    embeddings = [name for name in problem.distances if name.startswith("embedding")]
    return names + (["embedding/16/0.5"] if embeddings else [])


def _matching_size(among: Float, across: Float) -> int:
    """Size of neighbourhood whose frames are as far from the rest as the asked are."""
    wanted = float(np.median(across.min(axis=1)))
    order = np.argsort(among, axis=1, kind="stable")
    count = len(among)
    most = max(1, int(_LARGEST_SHARE * count))
    best, least = 1, np.inf
    for size in range(1, most + 1):
        gap = abs(_typical_gap(among, order[:, :size]) - wanted)
        if gap < least - 1e-12:
            best, least = size, gap
    return best


def _typical_gap(among: Float, balls: Rows) -> float:
    """Median over a few balls' frames of the distance to the nearest frame outside."""
    gaps = []
    for ball in balls[:: max(1, len(balls) // 16)]:
        outside = np.ones(len(among), dtype=bool)
        outside[ball] = False
        gaps.append(among[np.ix_(ball, outside)].min(axis=1))
    return float(np.median(np.concatenate(gaps)))
