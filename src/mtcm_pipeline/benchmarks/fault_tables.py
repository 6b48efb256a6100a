"""The rows of the fault benchmark, summed up for people."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
import pandas as pd
from rich.table import Table

from mtcm_pipeline.judge.calibration import reliability

# The kind of the rows of a spoilt capture as a whole.
ALL_KINDS = "all"
Value = Callable[[pd.DataFrame], float]


def summary(rows: pd.DataFrame, value: Value) -> pd.DataFrame:
    """Means over captures of a value of grouped rows, by kind and method; their mean
    over kinds and strengths last."""
    keys = ["kind", "strength", "method", "capture"]
    by_capture = _each(rows, keys, value)
    table = by_capture.groupby(level=keys[:3]).mean().unstack("method")
    table.loc[("mean", "of all"), :] = table.mean()
    return table


def reliability_table(frames: pd.DataFrame) -> pd.DataFrame:
    """Brier score, and the mean distance between probability and observed share over
    the frames of each bin, by method.

    Args:
        frames: of `fault_rows.FrameRow`; methods without probabilities are left out.
    """
    table = {}
    for method, mine in frames[frames["probability"].notna()].groupby("method"):
        said = mine["probability"].to_numpy(np.float64)
        faulty = (mine["kind"] != "").to_numpy()
        bins = np.array(reliability(said, faulty))  # (B, 3) said, observed, frames
        apart = np.abs(bins[:, 0] - bins[:, 1])
        table[method] = {
            "Brier score": float(((said - faulty) ** 2).mean()),
            "distance": float(np.average(apart, weights=bins[:, 2])),
            "frames": float(len(mine)),
        }
    return pd.DataFrame(table).T


def _each(rows: pd.DataFrame, keys: list[str], value: Value) -> pd.Series:
    """The value of every group."""
    found = {key: value(group) for key, group in rows.groupby(keys)}
    index = pd.MultiIndex.from_tuples(found, names=keys)
    return pd.Series(list(found.values()), index=index, dtype=float)


def roc_area(rows: pd.DataFrame) -> float:
    """Share of won pairs."""
    return float(rows["won"].sum() / (rows["frames"] * rows["sound"]).sum())


def recall_at_5(rows: pd.DataFrame) -> float:
    """Share of faulty frames found where 5 percent of the sound are lost."""
    return float(rows["caught_5"].sum() / rows["frames"].sum())


def recall_at_2(rows: pd.DataFrame) -> float:
    """The same at 2 percent."""
    return float(rows["caught_2"].sum() / rows["frames"].sum())


def printed(title: str, table: pd.DataFrame) -> Table:
    """A table of numbers for people."""
    shown = Table("fault", *[str(c) for c in table.columns], title=title)
    for key, values in table.iterrows():
        words = " ".join(key) if isinstance(key, tuple) else str(key)
        shown.add_row(words, *["–" if np.isnan(v) else f"{v:.3f}" for v in values])
    return shown


def carried_table(rows: pd.DataFrame) -> pd.DataFrame:
    """At the threshold carried from other captures: percent of sound frames lost (mean
    and worst capture), faulty caught, and right reasons of those, by method."""
    whole = rows[(rows["kind"] == ALL_KINDS) & rows["caught"].notna()]
    table = {}
    for method, mine in whole.groupby("method"):
        lost = mine.groupby("capture")[["lost", "sound"]].sum()
        percent = 100 * lost["lost"] / lost["sound"]
        by_capture = mine.groupby("capture")[["caught", "frames", "reasons"]].sum()
        table[method] = {
            "lost %": percent.mean(),
            "lost %, least": percent.min(),
            "lost %, most": percent.max(),
            "caught": (by_capture["caught"] / by_capture["frames"]).mean(),
            "right reason": (by_capture["reasons"] / by_capture["caught"]).mean(),
        }
    return pd.DataFrame(table).T


def by_capture(rows: pd.DataFrame, kind: str) -> pd.DataFrame:
    """ROC area of one kind of fault by strength, capture and method."""
    mine = rows[rows["kind"] == kind]
    found = _each(mine, ["strength", "capture", "method"], roc_area)
    return found.unstack("method")


def blocks_and_many(rows: pd.DataFrame, unordered: Collection[str] = ()) -> pd.DataFrame:
    """Recall at 5 percent lost for large blocks and for many faults, worst block area.

    Args:
        rows: of the benchmark.
        unordered: captures whose frames do not follow each other: a wrong time changes
            nothing there, and the last column leaves those faults out.
    """
    unseen = (rows["kind"] == "timestamp") & rows["capture"].isin(list(unordered))
    table = {}
    for method, mine in rows.groupby("method"):
        blocks = mine[mine["kind"] == "block"]
        large = blocks[blocks["plan"].str.contains("_30")]
        many = mine[mine["plan"].str.contains("_45") & (mine["kind"] == ALL_KINDS)]
        singly = mine[mine["plan"].str.contains("_45") & (mine["kind"] != ALL_KINDS)]
        area = _each(blocks, ["capture"], roc_area)
        table[method] = {
            "block area": area.mean(),
            "worst capture": area.min(),
            "block of 30 %, recall at 5": _mean_recall(large),
            "45 % faulty, recall at 5": _mean_recall(many),
            "without unseen times": _mean_recall(singly[~unseen[singly.index]]),
        }
    return pd.DataFrame(table).T


def of_each_capture(
    rows: pd.DataFrame, method: str, unordered: Collection[str] = ()
) -> pd.DataFrame:
    """One method, a capture a line: percent of the sound frames lost at the threshold
    carried over, in all versions and frames in the clean one; share of the faulty found;
    where 45 % are faulty recall at 5 percent lost, and blocks, as in `blocks_and_many`.

    Args:
        rows: of the benchmark.
        method: whose.
        unordered: see `blocks_and_many`.
    """
    table = {}
    for capture, mine in rows[rows["method"] == method].groupby("capture"):
        whole = mine[mine["kind"] == ALL_KINDS]
        many = mine["plan"].str.contains("_45")
        unseen = (mine["kind"] == "timestamp") & (capture in set(unordered))
        singly = mine[many & (mine["kind"] != ALL_KINDS) & ~unseen]
        blocks = mine[mine["kind"] == "block"]
        table[capture] = {
            "lost %": 100.0 * float(whole["lost"].sum() / whole["sound"].sum()),
            "lost, clean": float(whole.loc[whole["plan"] == "clean", "lost"].sum()),
            "found": float(whole["caught"].sum() / max(whole["frames"].sum(), 1)),
            "45 % faulty, recall at 5": _mean_recall(whole[many[whole.index]]),
            "without unseen times": _mean_recall(singly),
            "block area": roc_area(blocks) if len(blocks) else np.nan,
            "block of 30 %": _mean_recall(blocks[blocks["plan"].str.contains("_30")]),
        }
    return pd.DataFrame(table).T


def _mean_recall(rows: pd.DataFrame) -> float:
    if rows.empty:
        return np.nan
    return float(_each(rows, ["capture"], recall_at_5).mean())
