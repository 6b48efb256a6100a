"""The contact sheet: a card a frame that says what became of it, and why."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.report.pictures import share_of_budget, thumbnail_uri
from mtcm_pipeline.report.summary import DROPPED_BY_YOU, kind_of_reason
from mtcm_pipeline.report.tables import cell_text
from mtcm_pipeline.selection.user_word import DROPPED

STATES = {
    "chosen": "chosen",
    "kept": "kept, not needed",
    "by-you": DROPPED_BY_YOU,
    "dropped": "dropped",
}


@dataclass(frozen=True)
class Card:
    """One frame.

    Attributes:
        name: file name.
        order: position in the capture.
        state: a key of `STATES`.
        picture: data URI; empty without a thumbnail.
        badge: what stands on the picture: the rank of a chosen frame, ✕ for a dropped
            one, − for one that the user dropped.
        why: reason in words.
        kind: kind of fault of a dropped frame, for the filter; empty for others.
        label: the view in words; empty where unknown.
        numbers: gain or fault score, for people.
        score: fault score; -1 where unknown.
        rank: from 1 for chosen frames; 0 for others.
    """

    name: str
    order: int
    state: str
    picture: str
    badge: str
    why: str
    kind: str
    label: str
    numbers: str
    score: float
    rank: int

    @property
    def state_words(self) -> str:
        """The state as it is written on the card."""
        words = STATES[self.state]
        return f"{words}, rank {self.rank}" if self.rank else words

    @property
    def search_text(self) -> str:
        """What a search looks through, as the page's script writes what is typed."""
        text = " ".join([self.name, self.state_words, self.why, self.label])
        return unicodedata.normalize("NFC", text).lower()


def frame_cards(
    frames: pd.DataFrame,
    scores: pd.DataFrame,
    selection: pd.DataFrame,
    labels: pd.DataFrame,
    thumbnails: Mapping[str, NDArray[np.uint8]],
) -> list[Card]:
    """A card for each frame: the chosen by rank, the kept, the dropped (worst last).

    Args:
        frames: `name`, the frames of the capture.
        scores: of `score_frames`, with or without the user's word on them
            (`selection.user_word.final_scores`); frames that are not `usable` were
            dropped.
        selection: of `selection_table`.
        labels: of `pose_labels`; may be empty.
        thumbnails: uint8 pictures by name.
    """
    rows = {
        "verdict": _by_name(scores),
        "choice": _by_name(selection),
        "label": _by_name(labels),
    }
    names = list(
        dict.fromkeys([*_names(frames), *rows["verdict"], *rows["choice"], *thumbnails])
    )
    share = share_of_budget(len(thumbnails))
    cards = []
    for order, name in enumerate(names):
        picture = thumbnail_uri(thumbnails[name], share) if name in thumbnails else ""
        parts = {part: table.get(name, {}) for part, table in rows.items()}
        cards.append(_card(name, order, picture, **parts))
    return sorted(cards, key=_best_first)


def reason_kinds(cards: list[Card]) -> list[str]:
    """The kinds of faults on the sheet, by name."""
    return sorted({card.kind for card in cards if card.kind})


def state_counts(cards: list[Card]) -> list[tuple[str, str, int]]:
    """Key, words and number of frames of every state; what the user did if anything."""
    counts = Counter(card.state for card in cards)
    return [
        (state, words, counts[state])
        for state, words in STATES.items()
        if counts[state] or state != "by-you"
    ]


def _card(
    name: str, order: int, picture: str, *, verdict: dict, choice: dict, label: dict
) -> Card:
    state = _state(verdict, choice)
    score = _number(verdict.get("fault_score"), -1.0)
    rank = int(_number(choice.get("rank"), 0.0)) if state == "chosen" else 0
    why = _why(state, verdict, choice)
    shown = round(score, 3) if score >= 0 else None
    numbers = [f"fault score {cell_text(shown)}"]
    if state == "chosen":
        numbers.append(f"gain {cell_text(choice.get('gain'))}")
    return Card(
        name=name,
        order=order,
        state=state,
        picture=picture,
        badge={"chosen": str(rank), "dropped": "✕", "by-you": "−"}.get(state, ""),
        why=why,
        kind=kind_of_reason(why) if state == "dropped" else "",
        label=str(label.get("label") or ""),
        numbers=" · ".join(numbers),
        score=score,
        rank=rank,
    )


def _state(verdict: dict, choice: dict) -> str:
    if _true(choice.get("chosen")):
        return "chosen"
    if verdict.get("user") == DROPPED:
        return "by-you"
    return "kept" if _true(verdict.get("usable", True)) else "dropped"


def _why(state: str, verdict: dict, choice: dict) -> str:
    """The reason, and for what the user dropped also what was found before."""
    if state == "dropped":
        return str(verdict.get("reason") or "not usable")
    if state == "by-you":
        found = verdict.get("overruled")
        return f"select.drop; found before: {found}" if found else "select.drop"
    return str(choice.get("reason") or "")


def _best_first(card: Card) -> tuple[int, float, int]:
    place = list(STATES).index(card.state)
    within = {"chosen": float(card.rank), "dropped": -card.score}.get(card.state, 0.0)
    return place, within, card.order


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
