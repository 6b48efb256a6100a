"""A few numbers that say how well a selection covers the views of its capture.

All are angles between views as seen from the subject, so that neither rotating nor
scaling the capture changes them. Dimension letters: N frames, K chosen frames.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from mtcm_pipeline.selection.pool import has_pose
from mtcm_pipeline.selection.problem import Selection, SelectionProblem
from mtcm_pipeline.selection.viewing_sphere import (
    Float,
    angles_deg,
    nearest_view,
    view_vectors,
)

# Views within 15 degrees share most of what they see; wide-baseline matching needs less
# than about 30 between two of them.
WITHIN_DEG = 15.0


@dataclass(frozen=True)
class PoseDiversity:
    """How a set of views lies on the sphere; NaN where a number has no meaning.

    Attributes:
        views: how many views of the set have a pose.
        spacing_min_deg: angle between the two closest views of the set.
        spacing_mean_deg: mean angle from a view to its nearest other one.
        spacing_max_deg: the largest of those: how lonely the loneliest view is.
        uncovered_mean_deg: mean angle from an eligible frame to its nearest view.
        uncovered_max_deg: the largest of those: the widest gap that the set leaves.
        share_within: share of eligible frames with a view within the asked angle, 0..1.
    """

    views: int
    spacing_min_deg: float
    spacing_mean_deg: float
    spacing_max_deg: float
    uncovered_mean_deg: float
    uncovered_max_deg: float
    share_within: float


def pose_diversity(
    problem: SelectionProblem, names: Collection[str], *, within_deg: float = WITHIN_DEG
) -> PoseDiversity:
    """Numbers about the views `names` of a capture.

    Args:
        problem: the capture; its eligible frames with a pose are what is to be covered.
        names: the views; those without a pose are left out.
        within_deg: bound of `share_within` in degrees.
    """
    vectors = view_vectors(problem.centres_xyz, problem.directions)
    posed = has_pose(problem)
    wanted = set(names)
    inside = np.array([name in wanted for name in problem.names], dtype=bool)
    chosen = vectors[posed & inside]
    spacing = _nearest_other_deg(chosen)
    gaps, _ = nearest_view(vectors[posed & problem.eligible], chosen)
    gaps = gaps[np.isfinite(gaps)]
    return PoseDiversity(
        views=len(chosen),
        spacing_min_deg=_or_nan(spacing, "min"),
        spacing_mean_deg=_or_nan(spacing, "mean"),
        spacing_max_deg=_or_nan(spacing, "max"),
        uncovered_mean_deg=_or_nan(gaps, "mean"),
        uncovered_max_deg=_or_nan(gaps, "max"),
        share_within=float((gaps <= within_deg).mean()) if gaps.size else float("nan"),
    )


def diversity_table(
    problem: SelectionProblem, selection: Selection, budget: int
) -> pd.DataFrame:
    """Pose diversity before and after: all eligible frames against the chosen ones.

    Returns:
        One row a measure of `PoseDiversity`: columns `measure`, `before`, `after`.
    """
    eligible = _names(problem.names, problem.eligible)
    before = asdict(pose_diversity(problem, eligible))
    after = asdict(pose_diversity(problem, selection.ranking[:budget]))
    rows = [
        (measure, float(before[measure]), float(after[measure])) for measure in before
    ]
    return pd.DataFrame(rows, columns=["measure", "before", "after"])


def _nearest_other_deg(views: Float) -> Float:
    """(K) angle from each view to the nearest of the others; empty for less than two."""
    if len(views) < 2:
        return np.empty(0)
    nearest = np.empty(len(views))
    for k, view in enumerate(views):
        nearest[k] = np.delete(angles_deg(view, views), k).min()
    return nearest


def _names(names: Sequence[str], where: np.ndarray) -> list[str]:
    return [name for name, inside in zip(names, where, strict=True) if inside]


def _or_nan(values: Float, how: str) -> float:
    return float(getattr(values, how)()) if values.size else float("nan")
