"""The few numbers that a run ends with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pandas as pd


def summary_numbers(
    frames: pd.DataFrame, scores: pd.DataFrame, selection_table: pd.DataFrame
) -> dict[str, str]:
    """Frames in, dropped, kept and chosen, as words for people."""
    dropped = ~scores["usable"]
    return {
        "frames in": str(len(frames)),
        "dropped": str(int(dropped.sum())),
        "kept": str(int(scores["usable"].sum())),
        "chosen": str(int(selection_table["chosen"].sum())),
    }


def summary_text(
    identity: str,
    frames: pd.DataFrame,
    scores: pd.DataFrame,
    selection_table: pd.DataFrame,
    export_path: str,
    *,
    warnings: Sequence[str] = (),
) -> str:
    """The summary that ends a run's log: what went in, what was dropped and why.

    Whatever puts all of it in doubt comes last, where it is read first.
    """
    dropped = scores[~scores["usable"]]
    reasons = Counter(kind_of_reason(str(reason)) for reason in dropped["reason"])
    why = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
    lines = [
        f"{identity}: {len(frames)} frames in, {len(dropped)} dropped"
        + (f" ({why})" if why else "")
        + f", {int(selection_table['chosen'].sum())} chosen",
        f"chosen views for a trainer: {export_path}",
        *(f"WARNING: {warning}" for warning in warnings),
    ]
    return "\n".join(lines)


def kind_of_reason(reason: str) -> str:
    """The reason without the frame that it names."""
    return "duplicate" if reason.startswith("duplicate of ") else reason
