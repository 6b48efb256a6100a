"""The few numbers that a run ends with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from mtcm_pipeline.selection.user_word import DROPPED

DROPPED_BY_YOU = "dropped by you"


def summary_numbers(
    frames: pd.DataFrame, scores: pd.DataFrame, selection_table: pd.DataFrame
) -> dict[str, str]:
    """Frames in, dropped, kept and chosen, as words for people.

    What the user dropped is counted apart, where there is any.
    """
    by_user = dropped_by_user(scores)
    dropped = ~scores["usable"] & ~by_user
    counts = {"frames in": len(frames), "dropped": int(dropped.sum())}
    if by_user.any():
        counts[DROPPED_BY_YOU] = int(by_user.sum())
    counts["kept"] = int((scores["usable"] & ~by_user).sum())
    counts["chosen"] = int(selection_table["chosen"].sum())
    return {words: str(count) for words, count in counts.items()}


def dropped_by_user(scores: pd.DataFrame) -> pd.Series:
    """(N,) bool; False where the scores do not have the user's word on them.

    Args:
        scores: of `selection.user_word.final_scores`, or without its columns.
    """
    if "user" not in scores:
        return pd.Series(False, index=scores.index)
    return scores["user"] == DROPPED


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
    by_user = dropped_by_user(scores)
    dropped = scores[~scores["usable"] & ~by_user]
    reasons = Counter(kind_of_reason(str(reason)) for reason in dropped["reason"])
    why = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
    lines = [
        f"{identity}: {len(frames)} frames in, {len(dropped)} dropped"
        + (f" ({why})" if why else "")
        + (f", {int(by_user.sum())} {DROPPED_BY_YOU}" if by_user.any() else "")
        + f", {int(selection_table['chosen'].sum())} chosen",
        f"chosen views for a trainer: {export_path}",
        *(f"WARNING: {warning}" for warning in warnings),
    ]
    return "\n".join(lines)


def kind_of_reason(reason: str) -> str:
    """The reason without the frame that it names."""
    return "duplicate" if reason.startswith("duplicate of ") else reason
