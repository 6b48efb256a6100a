"""What is wrong with the poses as a whole, in words with a remedy.

A verdict on a frame compares it with the others; here it is the others that may be wrong.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.twoview.frame_evidence import pair_agreement
from mtcm_pipeline.twoview.options import TwoViewOptions
from mtcm_pipeline.twoview.seams import Seam, seams
from mtcm_pipeline.twoview.torn_views import TornViews, torn_views

# Of the pairs that stand side by side: sound reconstructions have none, a folded one had
# 11 % (docs/measurements.md).
_TORN_SHARE = 0.03
_FEWEST_TORN = 3
_SHOWN = 3

_REMEDY = (
    "photograph the subject with something around it that looks different from every "
    "side (a patterned mat, the room), without masks that hide that, and with pictures "
    "in between, or bring poses from elsewhere"
)


def pose_warnings(
    cameras: PosedCameras,
    points: SparsePoints,
    pairs: pd.DataFrame,
    *,
    names: Sequence[str],
    sequence_times: NDArray[np.float64],
    options: TwoViewOptions,
) -> tuple[str, ...]:
    """Warnings of poses that contradict each other in large parts; none as a rule.

    Args:
        cameras: of those frames that have a pose.
        points: the sparse model that came with the poses; empty without one.
        pairs: columns as in `twoview.table.PairRow`.
        names: (N) all frames.
        sequence_times: (N,) what orders them, as of `tokens.build.sequence_times`.
        options: of the pairs.
    """
    torn = _not_refuted(torn_views(cameras, points), pairs, options)
    places = seams(pairs, names, sequence_times, options)
    found: list[str] = []
    if len(torn.torn) >= max(_FEWEST_TORN, _TORN_SHARE * torn.beside):
        found.append(_in_words(torn))
    if places:
        found.append(_seams_in_words(places))
    return tuple(found)


def _not_refuted(
    torn: TornViews, pairs: pd.DataFrame, options: TwoViewOptions
) -> TornViews:
    """Without the pairs whose own matches agree with the poses, and none at all where
    most do: a path that passes a place twice, say, whose laps were never compared."""
    ends = zip(pairs["name_a"], pairs["name_b"], strict=True)
    agreement = {
        frozenset(pair): value
        for pair, value in zip(ends, pair_agreement(pairs, options), strict=True)
    }
    agrees = [agreement.get(frozenset(pair), 0.0) > 0.0 for pair in torn.torn]
    compared = sum(frozenset(pair) in agreement for pair in torn.torn)
    if sum(agrees) > compared / 2:
        return TornViews(torn.beside, ())
    kept = (pair for pair, agree in zip(torn.torn, agrees, strict=True) if not agree)
    return TornViews(torn.beside, tuple(kept))


def _in_words(torn: TornViews) -> str:
    shown = ", ".join(f"{a} and {b}" for a, b in _spread(torn.torn))
    return (
        f"{len(torn.torn)} of {torn.beside} pairs of cameras that the poses put side by "
        f"side see hardly a point in common, for example {shown}. Look at these "
        f"pictures: if they show different sides, the poses have laid sides that look "
        f"alike on top of each other, and no reconstruction from them can be right. "
        f"Then {_REMEDY}."
    )


def _seams_in_words(places: Sequence[Seam]) -> str:
    shown = ", ".join(
        f"{seam.before} and {seam.after} ({seam.turn_deg:.0f}°)"
        for seam in places[:_SHOWN]
    )
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    return (
        f"the poses break between {shown}{more}: pictures taken one after another match "
        f"across the break, and all these matches ask for another turn than the poses "
        f"make, so one part stands in the wrong place. Keep one part (select.drop with "
        f"the frames of the other, which no later stage uses then) or take pictures in "
        f"between; if the subject looks alike from several sides, {_REMEDY}."
    )


def _spread(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """A few pairs from all over the list, of different frames where there are such."""
    shown: list[tuple[str, str]] = []
    for pair in pairs:
        if not {name for other in shown for name in other} & set(pair):
            shown.append(pair)
    return shown[:_SHOWN]
