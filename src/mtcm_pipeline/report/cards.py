"""Which frame goes where on the page: chosen, dropped, kept but not needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.report.pictures import jpeg_uri
from mtcm_pipeline.report.tables import cell_text


@dataclass(frozen=True)
class Card:
    """One frame on the contact sheet.

    Attributes:
        name: file name.
        picture: data URI; empty without a thumbnail.
        badge: what stands on the picture, the rank of a chosen frame.
        why: reason in words.
        numbers: a line of numbers; may be empty.
    """

    name: str
    picture: str
    badge: str
    why: str
    numbers: str


@dataclass(frozen=True)
class Cards:
    """The frames by what became of them: each frame is in exactly one."""

    chosen: list[Card]
    dropped: list[Card]
    unneeded: list[Card]


def sort_frames(
    frames: pd.DataFrame,
    scores: pd.DataFrame,
    selection: pd.DataFrame,
    thumbnails: Mapping[str, NDArray[np.uint8]],
) -> Cards:
    """Cards of all frames, the chosen ones by rank, the dropped ones by score.

    Args:
        frames: `name`, the frames of the capture.
        scores: of `score_frames`; frames that are not `usable` were dropped.
        selection: of `selection_table`.
        thumbnails: uint8 pictures by name.
    """
    verdicts = _by_name(scores)
    choices = _by_name(selection)
    names = list(dict.fromkeys([*_names(frames), *verdicts, *choices, *thumbnails]))
    chosen = [n for n in names if _true(choices.get(n, {}).get("chosen"))]
    dropped = [n for n in names if not _true(verdicts.get(n, {}).get("usable", True))]
    dropped = [n for n in dropped if n not in set(chosen)]
    placed = {*chosen, *dropped}
    unneeded = [n for n in names if n not in placed]
    chosen.sort(key=lambda n: _number(choices[n].get("rank"), np.inf))
    dropped.sort(key=lambda n: -_number(verdicts[n].get("fault_score"), -np.inf))
    return Cards(
        [_chosen_card(n, choices[n], thumbnails) for n in chosen],
        [_dropped_card(n, verdicts[n], thumbnails) for n in dropped],
        [_plain_card(n, choices.get(n, {}), thumbnails) for n in unneeded],
    )


def _chosen_card(name: str, row: dict, thumbnails: Mapping) -> Card:
    gain = cell_text(row.get("gain"))
    return Card(
        name,
        _picture(name, thumbnails),
        cell_text(row.get("rank")),
        str(row.get("reason") or ""),
        f"gain {gain}",
    )


def _dropped_card(name: str, row: dict, thumbnails: Mapping) -> Card:
    score = cell_text(row.get("fault_score"))
    return Card(
        name,
        _picture(name, thumbnails),
        "✕",
        str(row.get("reason") or "not usable"),
        f"fault score {score}",
    )


def _plain_card(name: str, row: dict, thumbnails: Mapping) -> Card:
    return Card(name, _picture(name, thumbnails), "", str(row.get("reason") or ""), "")


def _picture(name: str, thumbnails: Mapping) -> str:
    return jpeg_uri(thumbnails[name]) if name in thumbnails else ""


def _by_name(table: pd.DataFrame) -> dict[str, dict]:
    rows = table.to_dict("records")
    return {str(row["name"]): row for row in rows} if "name" in table else {}


def _names(table: pd.DataFrame) -> list[str]:
    return [str(name) for name in table["name"]] if "name" in table else []


def _true(value: object) -> bool:
    return isinstance(value, bool | np.bool_) and bool(value)


def _number(value: object, otherwise: float) -> float:
    if isinstance(value, int | float | np.number) and np.isfinite(value):
        return float(value)
    return otherwise
