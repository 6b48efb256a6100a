"""Wrong times: a frame lies elsewhere in the capture than where it was taken.

Dimension letters: N frames in order of time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np


def wrong_place(row: int, frames: int, share: float, rng: np.random.Generator) -> float:
    """Where in the sequence a frame is to stand: between two others.

    Args:
        row: where it stands, 0 .. N - 1.
        frames: N.
        share: of the N by which it moves, at least two places, forward or backward; only
            one way where the sequence ends too soon, and to that end where both do.
        rng: which way.
    """
    steps = max(2, round(share * frames))
    ways = [way for way in (-1, 1) if 0 <= row + way * steps < frames]
    if not ways:
        return -0.5 if row >= frames / 2 else frames - 0.5
    way = int(rng.choice(ways))
    return row + way * (steps + 0.5)


def time_at(
    place: float, names: Sequence[str], seconds: Mapping[str, float]
) -> float | None:
    """Time in s halfway between the frames around a place; None where they have none.

    Before the first and after the last frame it is half a step beyond.

    Args:
        place: between two rows, -0.5 .. N - 0.5.
        names: N >= 2, in order of time.
        seconds: by name.
    """
    low = int(np.clip(np.floor(place), 0, len(names) - 2))
    before, after = seconds.get(names[low]), seconds.get(names[low + 1])
    if before is None or after is None:
        return None
    return before + (place - low) * (after - before)
