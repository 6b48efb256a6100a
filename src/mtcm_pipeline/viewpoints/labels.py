"""Words for views: the table `pose_labels`.

Dimension letter: N frames.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.viewpoints.angles import Viewpoints
from mtcm_pipeline.viewpoints.bins import (
    FRAMINGS,
    GAZES,
    HEIGHTS,
    SIDES,
    TILTS,
    Bins,
    neutral_sides,
)
from mtcm_pipeline.viewpoints.options import LabelOptions

WORD_COLUMNS = ("side", "height", "framing", "tilt", "gaze")
# What goes without saying is left out of the phrase.
_UNSAID = {"upright", "looking level"}
_NO_POSE = "no pose"
_ALWAYS_COUNTED = {"side", "height"}


def label_bins(front_known: bool) -> dict[str, Bins]:
    """The intervals of each column of words; sides claim a front only if one is known."""
    sides = SIDES if front_known else neutral_sides()
    bins = (sides, HEIGHTS, FRAMINGS, TILTS, GAZES)
    return dict(zip(WORD_COLUMNS, bins, strict=True))


def pose_labels(
    views: Viewpoints, names: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Angles and words, one row a frame, in capture order.

    Args:
        views: of the capture.
        names: other words for the standard ones.

    Returns:
        Columns `name`; `azimuth_deg`, `azimuth_from` (what azimuth 0 is),
        `elevation_deg`, `distance` (in medians of the capture), `roll_deg`, `pitch_deg`,
        NaN where absent; the words `side`, `height`, `framing`, `tilt`, `gaze`, empty
        where absent; `label`, the words as one phrase.
    """
    table = pd.DataFrame({"name": list(views.names)})
    table["azimuth_deg"] = views.azimuth_deg
    table["azimuth_from"] = views.zero
    table["elevation_deg"] = views.elevation_deg
    table["distance"] = views.distance
    table["roll_deg"] = views.roll_deg
    table["pitch_deg"] = views.pitch_deg
    values = _values(views)
    standard = {
        column: bins.words_of(values[column])
        for column, bins in label_bins(views.front_known).items()
    }
    other = dict(names or {})
    for column, words in standard.items():
        table[column] = [other.get(word, word) for word in words]
    said = zip(*standard.values(), strict=True)
    table["label"] = [_phrase(words, other) for words in said]
    return table


def label_counts(
    views: Viewpoints,
    chosen: pd.Series,
    kept: pd.Series,
    names: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """How many frames each word stands for: captured, kept and chosen.

    Sides and heights without any view are listed too, since they are what is missing.

    Args:
        views: of the capture.
        chosen: (N,) bool, rows as in `views`.
        kept: (N,) bool likewise.
        names: other words for the standard ones.

    Returns:
        Columns `what` (the column of words), `word`, `captured`, `kept`, `chosen`; words
        in the order of their intervals, sides from the front on.
    """
    other, values = dict(names or {}), _values(views)
    sets = {
        "captured": np.ones(len(views.names), dtype=bool),
        "kept": kept.to_numpy(bool),
    }
    sets["chosen"] = chosen.to_numpy(bool)
    rows = []
    for column, bins in label_bins(views.front_known).items():
        place = bins.index(values[column])
        for k in _front_first(column, len(bins.distinct)):
            word = bins.distinct[k]
            counts = [int((place[inside] == k).sum()) for inside in sets.values()]
            if counts[0] or column in _ALWAYS_COUNTED:
                rows.append((column, other.get(word, word), *counts))
    return pd.DataFrame(rows, columns=["what", "word", *sets])


def unused_names(options: LabelOptions) -> str:
    """A warning where `labels.names` renames sides that no label uses; else empty.

    Sides have their names only where a front is known.
    """
    if options.front_known:
        return ""
    sides = [word for word in options.names if word in SIDES.distinct]
    if not sides:
        return ""
    return (
        f"labels.names renames {', '.join(map(repr, sides))}, which no label says while "
        f"no front is known: set labels.front_frame or labels.front_azimuth_deg"
    )


def _front_first(column: str, count: int) -> list[int]:
    """Positions of a column's words; the circle of sides is opened at its front."""
    start = count // 2 if column == "side" else 0
    return [(start + k) % count for k in range(count)]


def _values(views: Viewpoints) -> dict[str, NDArray[np.float64]]:
    """The number behind each column of words."""
    return {
        "side": views.azimuth_deg,
        "height": views.elevation_deg,
        "framing": views.distance,
        "tilt": views.roll_deg,
        "gaze": views.pitch_deg,
    }


def _phrase(words: tuple[str, ...], other: Mapping[str, str]) -> str:
    said = [other.get(word, word) for word in words if word and word not in _UNSAID]
    return ", ".join(said) or _NO_POSE
