"""Places where the poses tear frames apart that were taken one after another.

Frames before and after the place match each other, but ask for a turn that the poses do
not make, and no pair across it agrees with the poses. A single wrong pose is no such
place: its neighbours on both sides still agree with each other.

Dimension letters: P pairs, N frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.twoview.frame_evidence import pair_agreement
from mtcm_pipeline.twoview.options import TwoViewOptions

Float = NDArray[np.float64]
Index = NDArray[np.int64]

# Frames so near in the sequence speak for a place between them.
_REACH = 3
# Pairs of a right pose disagree by less, whatever the noise.
_TURN_DEG = 30.0
_FEWEST_PAIRS = 3
_FEWEST_FRAMES = 2  # on either side; a frame alone is the judge's


@dataclass(frozen=True)
class Seam:
    """A place in the sequence.

    Attributes:
        before: name of the last frame before it.
        after: name of the first frame after it.
        turn_deg: median turn between what the poses say and the matches.
        pairs: pairs across it that match; none of them agrees with the poses.
    """

    before: str
    after: str
    turn_deg: float
    pairs: int


def seams(
    pairs: pd.DataFrame,
    names: Sequence[str],
    sequence_times: Float,
    options: TwoViewOptions,
) -> tuple[Seam, ...]:
    """The seams of a capture, in the order of its sequence.

    Args:
        pairs: columns as in `twoview.table.PairRow`.
        names: (N) frames; every pair is of two of them.
        sequence_times: (N,) what orders them, as of `tokens.build.sequence_times`.
        options: of the pairs.
    """
    if pairs.empty:
        return ()
    order = np.argsort(sequence_times, kind="stable")
    place_of = {names[row]: place for place, row in enumerate(order)}
    ends = np.array(
        [
            [place_of[a], place_of[b]]
            for a, b in zip(pairs["name_a"], pairs["name_b"], strict=True)
        ]
    )
    low, high = ends.min(axis=1), ends.max(axis=1)
    agreement = pair_agreement(pairs, options)
    turn = pairs["rotation_disagreement_deg"].to_numpy(np.float64)
    near = (high - low <= _REACH) & np.isfinite(agreement)
    against = near & (agreement < 0.0) & (turn > _TURN_DEG)
    found = []
    for place in np.unique(low[against]):
        across = (low <= place) & (high > place)
        if (across & near & (agreement > 0.0)).any():
            continue
        torn = across & against
        sides = (np.unique(low[torn]), np.unique(high[torn]))
        if torn.sum() < _FEWEST_PAIRS or min(map(len, sides)) < _FEWEST_FRAMES:
            continue
        found.append(
            Seam(
                names[order[place]],
                names[order[place + 1]],
                float(np.median(turn[torn])),
                int(torn.sum()),
            )
        )
    return tuple(found)
