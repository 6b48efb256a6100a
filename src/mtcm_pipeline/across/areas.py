"""How well a judge tells faulty frames from sound ones, by kind of fault."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.across.spoilt import SpoiltIdentity
from mtcm_pipeline.judge.checkpoint import Judge

Float = NDArray[np.float64]

START, PLAIN, SHARED, ALONE = "start", "no regulariser", "shared", "alone"
METHODS = (START, PLAIN, SHARED, ALONE)
AREA_COLUMNS = ("identity", "method", "kind", "strength", "frames", "pairs", "won")
SUMMARY_COLUMNS = ("strength", "kind", *METHODS, "shared - alone", "shared - plain")
_ALL = "mean over kinds"


def area_rows(
    judge: Judge, method: str, spoilt: Sequence[SpoiltIdentity]
) -> Iterator[tuple[str, str, str, str, int, int, float]]:
    """Rows of `AREA_COLUMNS`: pairs of a faulty and a sound frame of one spoilt version,
    and those in which the faulty one scores higher (a tie counts half).

    `won / pairs` is the area under the ROC curve (Hanley and McNeil 1982).
    """
    for one in spoilt:
        logits = judge.logits(one.seen).faulty
        sound = logits[~one.faulty]
        marks = list(zip(one.kinds, one.strengths, strict=True))
        for kind, strength in sorted({mark for mark in marks if mark[0]}):
            bad = logits[[mark == (kind, strength) for mark in marks]]
            won = won_pairs(bad, sound)
            pairs = len(bad) * len(sound)
            yield one.identity, method, kind, strength, len(bad), pairs, won


def won_pairs(bad: Float, sound: Float) -> float:
    """Pairs in which the faulty frame's score is the higher one; ties count half."""
    gap = bad[:, None] - sound[None]
    return float((gap > 0).sum() + 0.5 * (gap == 0).sum())


def area_table(rows: Sequence[tuple]) -> pd.DataFrame:
    """The rows as a table, versions of one identity taken together."""
    table = pd.DataFrame(rows, columns=list(AREA_COLUMNS))
    keys = list(AREA_COLUMNS[:4])
    summed = table.groupby(keys, sort=False, as_index=False)[["frames", "pairs", "won"]]
    return summed.sum().assign(area=lambda each: each["won"] / each["pairs"])


def summed_up(areas: pd.DataFrame) -> pd.DataFrame:
    """Mean area over identities by kind and strength, a column a method.

    Returns:
        Columns `SUMMARY_COLUMNS`; the last rows are means over the kinds, by strength
        and over both.
    """
    if areas.empty:
        return pd.DataFrame(columns=list(SUMMARY_COLUMNS))
    keys = ["strength", "kind", "method"]
    means = areas.groupby(keys)["area"].mean().unstack("method")
    means = means.reindex(columns=list(METHODS)).reset_index()
    parts = [means]
    for strength in [*dict.fromkeys(means["strength"]), "both"]:
        inside = means if strength == "both" else means[means["strength"] == strength]
        whole = inside[list(METHODS)].mean().to_frame().T
        parts.append(whole.assign(strength=strength, kind=_ALL))
    table = pd.concat(parts, ignore_index=True)
    table["shared - alone"] = table[SHARED] - table[ALONE]
    table["shared - plain"] = table[SHARED] - table[PLAIN]
    return table[list(SUMMARY_COLUMNS)]


def by_identity(areas: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Identity -> method -> mean area over kinds and strengths."""
    return {
        str(name): {
            str(method): float(mean)
            for method, mean in each.groupby("method")["area"].mean().items()
        }
        for name, each in areas.groupby("identity", sort=False)
    }
