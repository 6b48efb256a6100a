"""Which frames are kept from a fit to judge it by.

Dimension letters: N candidates, T held out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.errors import CaptureError

Float = NDArray[np.float64]


def choose_held_out(
    names: Sequence[str],
    centres_xyz: Float,
    count: int,
    *,
    random_share: float,
    seed: int,
) -> tuple[str, ...]:
    """Frames that lie far from one another, and some drawn at random.

    Farthest frames alone would judge the rim of the capture; random ones alone, where
    most frames happen to be.

    Args:
        names: (N) candidates.
        centres_xyz: (N, 3) their camera centres.
        count: T wanted; fewer where there are not so many candidates.
        random_share: of T that is drawn at random, rounded down.
        seed: of the first frame and of the random ones.

    Returns:
        T names in the order of `names`; none where there is no candidate.

    Raises:
        CaptureError: names and centres do not belong together.
    """
    if centres_xyz.shape != (len(names), 3):
        raise CaptureError(
            f"held-out frames: {len(names)} names, but centres are {centres_xyz.shape}"
        )
    count = min(count, len(names))
    if not count:
        return ()
    random = np.random.default_rng(seed)
    chosen = [int(random.integers(len(names)))]
    for _ in range(count - int(count * random_share) - 1):
        apart = centres_xyz[:, None] - centres_xyz[chosen][None]  # (N, chosen, 3)
        nearest = np.linalg.norm(apart, axis=2).min(axis=1)
        nearest[chosen] = -1
        chosen.append(int(nearest.argmax()))
    rest = np.setdiff1d(np.arange(len(names)), chosen)
    chosen += random.permutation(rest)[: count - len(chosen)].tolist()
    return tuple(names[i] for i in sorted(chosen))
