"""The selection as a table: every frame of the capture, chosen or not, and why."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.selection.problem import Selection, SelectionProblem
from mtcm_pipeline.selection.reasons import degrees
from mtcm_pipeline.selection.viewing_sphere import Float, Int, nearest_view, view_vectors

COLUMNS = ("name", "chosen", "rank", "gain", "reason", "quality")


def selection_table(
    problem: SelectionProblem, selection: Selection, budget: int
) -> pd.DataFrame:
    """One row a frame, in capture order.

    Args:
        problem: the capture, with the user's choices worked in (`apply_user_choices`),
            so that frames the user dropped say so.
        selection: a ranking of its frames.
        budget: how many of the ranking are taken.

    Returns:
        Columns `name`; `chosen`; `rank`, from 1, absent for frames that are not ranked;
        `gain`, likewise; `reason`: why the frame was chosen or why not; `quality`.

    Raises:
        CaptureError: the ranking names a frame that the capture does not have.
    """
    ranked = _rows_of(problem, selection)
    size = len(problem.names)
    rank = pd.array([pd.NA] * size, dtype="Int64")
    gain = np.full(size, np.nan)
    rank[ranked] = np.arange(1, len(ranked) + 1)
    gain[ranked] = selection.gains
    chosen = np.zeros(size, dtype=bool)
    chosen[ranked[:budget]] = True
    reason = _reasons_not(problem, ranked[:budget])
    for row, why in zip(ranked[:budget], selection.reasons, strict=False):
        reason[row] = why
    columns = (list(problem.names), chosen, rank, gain, reason, problem.quality)
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))


def _rows_of(problem: SelectionProblem, selection: Selection) -> Int:
    row_of = {name: row for row, name in enumerate(problem.names)}
    for name in selection.ranking:
        if name not in row_of:
            raise CaptureError(
                f"the selection has frame {name!r}, which is not among the "
                f"{len(row_of)} frames of the capture: it was made for another one"
            )
    return np.array([row_of[name] for name in selection.ranking], dtype=np.int64)


def _reasons_not(problem: SelectionProblem, chosen: Int) -> list[str]:
    """(N) why each frame would not be chosen."""
    views = view_vectors(problem.centres_xyz, problem.directions)
    angle, nearest = nearest_view(views, views[chosen])
    reasons = []
    for row, name in enumerate(problem.names):
        if not problem.eligible[row]:
            reasons.append(problem.reasons_out.get(name, "not eligible"))
        elif nearest[row] >= 0:
            near = problem.names[chosen[nearest[row]]]
            reasons.append(
                f"not needed: nearest chosen frame {near} at {degrees(angle[row])}"
            )
        else:
            reasons.append(_most_similar(problem, row, chosen))
    return reasons


def _most_similar(problem: SelectionProblem, row: int, chosen: Int) -> str:
    """Without poses, the chosen frame that looks most alike."""
    similar: Float = problem.similarity[row, chosen]
    if not np.isfinite(similar).any():
        return "not needed: the budget was spent on other frames"
    at = int(np.nanargmax(similar))
    near = problem.names[chosen[at]]
    return f"not needed: most similar chosen frame {near} (similarity {similar[at]:.2f})"
