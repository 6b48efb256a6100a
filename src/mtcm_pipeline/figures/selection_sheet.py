"""The picture that answers "what did it choose, and what did it refuse?"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mtcm_pipeline.figures.contact_sheet import MOST_TILES, contact_sheet
from mtcm_pipeline.selection.problem import Selection


def selection_sheet(
    thumbnails: Mapping[str, NDArray[np.uint8]],
    selection: Selection,
    scores: pd.DataFrame,
) -> Figure:
    """Chosen frames in rank order, then the frames that were refused, with the reason.

    Where there are too many for a sheet, both have their share of it: the first of the
    ranking, and those that were refused with the highest fault score, in capture order.

    Args:
        thumbnails: uint8 pictures by frame name.
        selection: the ranking.
        scores: of `consistency.scores.score_frames`.
    """
    refused = scores[~scores["usable"]]
    refused = refused[~refused["name"].isin(selection.ranking)]
    states = np.where(refused["faulty"].astype(bool), "faulty", "not usable")
    totals = {"chosen": len(selection.ranking), **Counter(states.tolist())}
    chosen, worst = _shares(len(selection.ranking), len(refused))
    worst_first = np.argsort(-refused["fault_score"].to_numpy(np.float64), kind="stable")
    shown = np.sort(worst_first[:worst])
    names = [*selection.ranking[:chosen], *refused["name"].iloc[shown]]
    captions = [f"#{rank + 1}" for rank in range(chosen)]
    captions += [str(reason) for reason in refused["reason"].iloc[shown]]
    marks = ["chosen"] * chosen + states[shown].tolist()
    return contact_sheet(thumbnails, names, captions, marks, totals=totals)


def _shares(chosen: int, refused: int) -> tuple[int, int]:
    """How many of the chosen and of the refused have a tile; half of them each at least,
    where both have so many."""
    of_chosen = min(chosen, MOST_TILES - min(refused, MOST_TILES // 2))
    return of_chosen, min(refused, MOST_TILES - of_chosen)
