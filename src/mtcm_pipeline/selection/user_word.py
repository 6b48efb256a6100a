"""What the user says of single frames (`select.keep`, `select.drop`), and what follows.

The user's word stands above the judge's, and in one table: `final_scores` lays it over
the scores, and every stage after that reads the result. A frame that was dropped is then
used nowhere, and one that is kept counts as sound wherever soundness is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mtcm_pipeline.errors import ParameterError
from mtcm_pipeline.selection.frame_names import named_frames
from mtcm_pipeline.selection.options import SelectOptions

if TYPE_CHECKING:
    import pandas as pd

KEPT, DROPPED = "keep", "drop"
"""What the column `user` of `final_scores` says of a frame; else empty text."""
DROPPED_BY_USER = "dropped by the user (select.drop)"

# What the judge says in words and probabilities; for a kept frame the user has said it.
_JUDGED = ("fault_probability", "verdict", "kind", "field")


@dataclass(frozen=True)
class UserWord:
    """Frames that the user named, as the capture spells them.

    Attributes:
        keep: to be chosen, in the order in which they are ranked first.
        drop: not to be used.
    """

    keep: tuple[str, ...]
    drop: tuple[str, ...]


def user_word(options: SelectOptions, names: Sequence[str]) -> UserWord:
    """The frames of `options.keep` and `options.drop`.

    Args:
        options: what the user said.
        names: file names of the capture's frames.

    Raises:
        ParameterError: a name is not a frame's (the closest ones are given), a frame is
            to be kept and dropped, or more frames are kept than the budget allows.
    """
    keep = named_frames("select.keep", options.keep, names)
    drop = named_frames("select.drop", options.drop, names)
    check_not_both(keep, drop)
    check_budget(keep, options.budget)
    return UserWord(keep, drop)


def check_not_both(forced: Sequence[str], dropped: Sequence[str]) -> None:
    """Raise `ParameterError` with the first frame that is forced and dropped."""
    both = [name for name in forced if name in set(dropped)]
    if both:
        raise ParameterError(
            f"frame {both[0]!r} is both forced (select.keep) and dropped (select.drop): "
            f"remove it from one of them"
        )


def check_budget(forced: Sequence[str], budget: int) -> None:
    """Raise `ParameterError` where more frames are forced than may be chosen."""
    if len(forced) > budget:
        raise ParameterError(
            f"{len(forced)} frames are forced but select.budget is {budget}: "
            f"raise the budget or shorten select.keep"
        )


def check_kept_frames(options: SelectOptions, frames: pd.DataFrame) -> UserWord:
    """The user's word, if every kept frame can be used at all.

    Args:
        options: what the user said.
        frames: columns `name`, `has_image`, `has_pose`, a row a frame of the capture.

    Raises:
        ParameterError: as `user_word`; or a kept frame has no readable photograph or no
            pose, so that it could be neither exported nor reconstructed from.
    """
    word = user_word(options, frames["name"].tolist())
    rows = frames.set_index("name")
    for name in word.keep:
        if not rows["has_image"][name]:
            raise ParameterError(
                f"select.keep names {name!r}, whose photograph cannot be read: remove it "
                f"from select.keep or mend the file"
            )
        if not rows["has_pose"][name]:
            raise ParameterError(
                f"select.keep names {name!r}, which has no pose: remove it from "
                f"select.keep or give it one"
            )
    return word


def final_scores(scores: pd.DataFrame, word: UserWord) -> pd.DataFrame:
    """The scores with the user's word laid over them, a row a frame as before.

    A dropped frame is not `usable`, whatever the judge said; that it is `faulty` the user
    did not say. A kept frame is usable, not faulty and of `fault_score` 0, and the
    judge's own words on it are absent, as of a frame that it did not see. What was
    measured (degrees, evidence) stays.

    Args:
        scores: of `consistency.scores.score_frames` or `judge.score_table`.
        word: of `user_word`.

    Returns:
        The columns of `scores`; `user`: `KEPT`, `DROPPED` or empty; `overruled`: the
        reason against the frame that stood there before, of frames that the user named.
    """
    kept, dropped = scores["name"].isin(word.keep), scores["name"].isin(word.drop)
    table = scores.copy()
    table["usable"] = (scores["usable"].astype(bool) | kept) & ~dropped
    table["faulty"] = scores["faulty"].astype(bool) & ~kept
    table["fault_score"] = scores["fault_score"].mask(kept, 0.0)
    table["reason"] = scores["reason"].mask(kept, "").mask(dropped, DROPPED_BY_USER)
    table["other"] = scores["other"].mask(kept | dropped, "")
    for column in _JUDGED:
        if column in scores:
            table[column] = scores[column].mask(kept, np.nan)
    table["user"] = np.select([kept, dropped], [KEPT, DROPPED], default="")
    table["overruled"] = scores["reason"].where(kept | dropped, "")
    return table


def dropped_frames(final: pd.DataFrame) -> set[str]:
    """The frames that the user dropped, of a table of `final_scores`."""
    return set(final.loc[final["user"] == DROPPED, "name"])
