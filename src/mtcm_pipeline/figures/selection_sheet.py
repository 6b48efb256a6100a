"""The picture that answers "what did it choose, and what did it refuse?"."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mtcm_pipeline.figures.contact_sheet import contact_sheet
from mtcm_pipeline.selection.problem import Selection


def selection_sheet(
    thumbnails: Mapping[str, NDArray[np.uint8]],
    selection: Selection,
    scores: pd.DataFrame,
) -> Figure:
    """Chosen frames in rank order, then the frames that were refused, with the reason.

    Args:
        thumbnails: uint8 pictures by frame name.
        selection: the ranking.
        scores: of `consistency.scores.score_frames`.
    """
    refused = scores[~scores["usable"]]
    refused = refused[~refused["name"].isin(selection.ranking)]
    names = [*selection.ranking, *refused["name"]]
    captions = [f"#{rank + 1}" for rank in range(len(selection.ranking))]
    captions += [str(reason) for reason in refused["reason"]]
    marks = ["chosen"] * len(selection.ranking)
    marks += ["faulty" if bad else "not usable" for bad in refused["faulty"]]
    return contact_sheet(thumbnails, names, captions, marks)
