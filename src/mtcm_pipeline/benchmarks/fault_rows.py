"""One line of the fault benchmark a method, spoilt capture and kind of fault; and files
of such lines that a stopped run goes on with.

Dimension letters: N frames.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.benchmarks.fault_metrics import caught_at_loss, won_pairs
from mtcm_pipeline.benchmarks.fault_store import SpoiltCapture
from mtcm_pipeline.benchmarks.fault_tables import ALL_KINDS
from mtcm_pipeline.judge.kinds import GROUP_OF

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]


@dataclass(frozen=True)
class Judged:
    """What a method says of the frames of one spoilt capture.

    Attributes:
        scores: (N,) larger is worse.
        dropped: (N,) at the threshold carried over from other captures; None without.
        groups: (N,) group of reasons that a dropped frame is given; None without.
        probability: (N,) of a fault; None without.
    """

    scores: Float
    dropped: Bool | None = None
    groups: Sequence[str] | None = None
    probability: Float | None = None


@dataclass(frozen=True)
class Method:
    """A scorer by name."""

    name: str
    judge: Callable[[SpoiltCapture], Judged]


@dataclass(frozen=True)
class BenchmarkRow:
    """One method on one kind of fault in one spoilt capture.

    Attributes:
        capture: identity.
        plan: of faults.
        seed: of the faults.
        kind: of fault, or `all` for the spoilt capture as a whole.
        strength: gross or subtle.
        method: who scored.
        frames: faulty frames of the kind.
        sound: sound frames.
        won: pairs of a faulty and a sound frame in which the faulty scored higher.
        caught_2: faulty frames found where 2 percent of the sound are lost.
        caught_5: the same at 5 percent.
        caught: faulty frames found at the threshold carried over from other captures.
        lost: sound frames lost at it.
        reasons: of the caught, how many have the right reason.
    """

    capture: str
    plan: str
    seed: int
    kind: str
    strength: str
    method: str
    frames: int
    sound: int
    won: float
    caught_2: int
    caught_5: int
    caught: float = np.nan
    lost: float = np.nan
    reasons: float = np.nan


@dataclass(frozen=True)
class FrameRow:
    """What one method says of one frame, in a spoilt capture as in `BenchmarkRow`."""

    capture: str
    plan: str
    seed: int
    method: str
    name: str
    kind: str
    score: float
    probability: float


_OF_RUN = ["capture", "plan", "seed", "method"]


def rows_of(one: SpoiltCapture, name: str, said: Judged) -> list[BenchmarkRow]:
    """Rows of one method on one spoilt capture: every kind in it, then all together."""
    bad = one.truth.loc[one.faulty, ["kind", "strength"]].drop_duplicates()
    kinds = [(str(kind), str(how)) for kind, how in bad.itertuples(index=False)]
    strength = "subtle" if "subtle" in one.plan else "gross"
    return [
        _row(one, name, said, kind, how) for kind, how in [*kinds, (ALL_KINDS, strength)]
    ]


def _row(
    one: SpoiltCapture, name: str, said: Judged, kind: str, strength: str
) -> BenchmarkRow:
    truth, sound, scores = one.truth, ~one.faulty, said.scores
    chosen = one.faulty
    if kind != ALL_KINDS:
        chosen = ((truth["kind"] == kind) & (truth["strength"] == strength)).to_numpy()
    return BenchmarkRow(
        one.capture,
        one.plan,
        one.seed,
        kind,
        strength,
        name,
        int(chosen.sum()),
        int(sound.sum()),
        won_pairs(scores, chosen, sound)[0],
        caught_at_loss(scores, chosen, sound, 0.02),
        caught_at_loss(scores, chosen, sound, 0.05),
        *_at_threshold(said, chosen, one),
    )


def _at_threshold(
    said: Judged, chosen: Bool, one: SpoiltCapture
) -> tuple[float, float, float]:
    """Caught and lost frames, and right reasons, at the carried threshold."""
    if said.dropped is None:
        return np.nan, np.nan, np.nan
    caught = np.flatnonzero(said.dropped & chosen).tolist()
    right = np.nan
    if said.groups is not None:
        right = float(sum(said.groups[i] == GROUP_OF[one.kinds[i]] for i in caught))
    return float(len(caught)), float((said.dropped & ~one.faulty).sum()), right


def frame_rows(one: SpoiltCapture, name: str, said: Judged) -> list[FrameRow]:
    """What a method that gives probabilities says of every frame."""
    if said.probability is None:
        return []
    columns = (one.seen.names, one.kinds, said.scores, said.probability)
    return [
        FrameRow(one.capture, one.plan, one.seed, name, frame, kind, float(s), float(p))
        for frame, kind, s, p in zip(*columns, strict=True)
    ]


class RowFile:
    """A CSV of rows that belong together by capture, plan, seed and method.

    Args:
        place: the file; what is in it stays.
        row_type: dataclass of a row.
    """

    def __init__(self, place: Path, row_type: type) -> None:
        self.place, self.columns = place, [field.name for field in fields(row_type)]

    def read(self) -> pd.DataFrame:
        """All rows so far; of rows that were written twice the later ones."""
        if not self.place.is_file():
            return pd.DataFrame(columns=self.columns)
        table = pd.read_csv(self.place, keep_default_na=False, na_values={
            name: ["", "nan"] for name in self.columns if name not in ("kind", "name")
        })  # fmt: skip
        single = [c for c in ("kind", "strength", "name") if c in self.columns]
        named = [c for c in single if c != "kind" or "name" not in self.columns]
        return table.drop_duplicates([*_OF_RUN, *named], keep="last")

    def known(self) -> set[tuple]:
        """Runs (capture, plan, seed, method) whose last row is there."""
        table = self.read()
        whole = table[table["kind"] == ALL_KINDS]
        return set(whole[_OF_RUN].itertuples(index=False, name=None))

    def add(self, rows: Iterable) -> None:
        """Append rows; they are on the disk when this returns."""
        new = not self.place.is_file()
        self.place.parent.mkdir(parents=True, exist_ok=True)
        with self.place.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self.columns)
            if new:
                writer.writeheader()
            writer.writerows(asdict(row) for row in rows)
