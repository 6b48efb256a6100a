"""What the page says of missing views: the next pictures, and what no view covers.

Dimension letters: N frames, P proposals.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mtcm_pipeline.missing.find import FEWEST_POSED
from mtcm_pipeline.missing.options import MissingOptions
from mtcm_pipeline.viewpoints.angles import Viewpoints

_SHOWN = ("rank", "label", "from_frame", "how", "nearest_deg", "gain_db", "uncertainty")


@dataclass(frozen=True)
class MissingSection:
    """The section of the page.

    Attributes:
        proposals: a table of pictures to take next, best first; may be empty.
        sectors: a table of uncovered sectors, the largest first; may be empty.
        why_none: a sentence that stands in for an empty table of proposals.
        coverage: a sentence on the sectors; empty where nothing is known of them.
        drawing: of the proposals.
    """

    proposals: pd.DataFrame = field(default_factory=pd.DataFrame)
    sectors: pd.DataFrame = field(default_factory=pd.DataFrame)
    why_none: str = ""
    coverage: str = ""
    drawing: Figure | None = None


def missing_section(
    views: Viewpoints,
    kept: NDArray[np.bool_],
    proposals: pd.DataFrame,
    sectors: pd.DataFrame,
    options: MissingOptions,
    *,
    drawing: Figure | None = None,
) -> MissingSection:
    """The section of a capture.

    Args:
        views: of the N frames.
        kept: (N,) bool, the usable frames.
        proposals: P rows of `missing.find.MissingViews.proposals`.
        sectors: its `sectors`.
        options: that both were made with.
        drawing: of the proposals.
    """
    unknown = why_unknown(views, kept)
    nothing = (
        "No view was asked for (missing.count=0)."
        if options.count == 0
        else "No further view is proposed: none would add much to the kept ones."
    )
    return MissingSection(
        proposals[list(_SHOWN)],
        sectors,
        unknown or ("" if len(proposals) else nothing),
        "" if unknown else _coverage(len(sectors), options.uncovered_deg),
        drawing,
    )


def why_unknown(views: Viewpoints, kept: NDArray[np.bool_]) -> str:
    """Why nothing can be said of missing views; empty where something can."""
    posed = np.isfinite(views.views).all(axis=1)
    if not posed.any():
        return "Which views are missing is not known: no frame has a pose."
    if not (posed & kept).any():
        return "Which views are missing is not known: no frame with a pose was kept."
    if posed.sum() < FEWEST_POSED:
        return (
            "Which views are missing is not known: one frame alone has a pose, which "
            "does not tell where the subject is."
        )
    return ""


def _coverage(sectors: int, uncovered_deg: float) -> str:
    far = f"{uncovered_deg:g}°"
    if not sectors:
        return (
            f"At the heights of the kept views no sector is more than {far} from all of "
            f"them."
        )
    which, whose = "This sector", "its"
    if sectors > 1:
        which, whose = "These sectors", "a sector's"
    return (
        f"{which} at the heights of the kept views: more than {far} from all of them. "
        f"The gap is the angle from {whose} deepest point to the nearest view. A picture "
        f"is proposed only where somebody could plausibly stand."
    )
