"""Poses and view weights of fine-tuning, as an export takes them.

Dimension letters: K selected frames.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from mtcm_pipeline.capture.cameras import PosedCameras

_SHOWN = 5
# What a pose loses of its digits in a file.
_SAME = 1e-9


def with_learned_weights(
    scores: pd.DataFrame, learned: Mapping[str, float]
) -> pd.DataFrame:
    """The scores with the column `fault_score` as `export.weights.view_weights` has it
    for the `learned` weights (0..1, by frame); frames without one keep theirs."""
    weights = scores["name"].map(learned)
    return scores.assign(fault_score=(1.0 - weights).fillna(scores["fault_score"]))


def refined_remark(
    ranking: Sequence[str],
    given: PosedCameras,
    refined: PosedCameras,
    seen: Collection[str],
) -> str:
    """How many of the K poses were moved, and which frames were never looked at.

    Args:
        ranking: the selected frames.
        given: the poses that fine-tuning began with.
        refined: all poses, moved ones in place of the given.
        seen: the frames that fine-tuning looked at.
    """
    before, after = (
        each.subset(list(ranking)).cam_from_world for each in (given, refined)
    )
    same = np.isclose(before, after, rtol=_SAME, atol=_SAME).all(axis=(1, 2))
    text = (
        f"Poses and view weights are those of fine-tuning; {(~same).sum()} of "
        f"{len(ranking)} poses were moved."
    )
    unseen = [name for name in ranking if name not in seen]
    if unseen:
        more = ", ..." if len(unseen) > _SHOWN else ""
        text += (
            f" Frames that it did not see keep what was given: {len(unseen)} "
            f"({', '.join(unseen[:_SHOWN])}{more})."
        )
    return text
