"""Which frames are kept from a fit to judge it by.

Dimension letters: N candidates, T held out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.farthest_points import farthest_rows
from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.errors import CaptureError

Float = NDArray[np.float64]

TRAIN, HELD_OUT = "train", "held out"


class HeldOutOptions(Protocol):
    """How many frames are held out, and how; see `choose_held_out`."""

    @property
    def held_out(self) -> int: ...

    @property
    def random_share(self) -> float: ...

    @property
    def seed(self) -> int: ...


def split_table(train: Sequence[str], held_out: Sequence[str]) -> pd.DataFrame:
    """One row a frame: `name`, and `role`, `TRAIN` or `HELD_OUT`."""
    roles = [TRAIN] * len(train) + [HELD_OUT] * len(held_out)
    return pd.DataFrame({"name": [*train, *held_out], "role": roles})


def names_in(split: pd.DataFrame, role: str) -> list[str]:
    """The frames of a role in a table of `split_table`, in its order."""
    return split.loc[split["role"] == role, "name"].tolist()


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
    first = int(random.integers(len(names)))
    far = max(1, count - int(count * random_share))
    chosen = farthest_rows(centres_xyz, far, first).tolist()
    rest = np.setdiff1d(np.arange(len(names)), chosen)
    chosen += random.permutation(rest)[: count - len(chosen)].tolist()
    return tuple(names[i] for i in sorted(chosen))


def hold_unselected_out(
    usable: Sequence[str],
    selected: Sequence[str],
    cameras: PosedCameras,
    gauge: Similarity,
    options: HeldOutOptions,
) -> tuple[str, ...]:
    """Usable frames with a pose that were not selected, spread over the viewpoints.

    Args:
        usable: names that the scores and the user let through.
        selected: names that stay with the training.
        cameras: in the capture's own world.
        gauge: into the canonical one, so that the choice does not know the world.
        options: how many, and how.
    """
    left = [name for name in usable if name not in selected and name in cameras]
    centres = gauge.points(cameras.subset(left).centres_xyz)
    return choose_held_out(
        left,
        centres.reshape(-1, 3),
        options.held_out,
        random_share=options.random_share,
        seed=options.seed,
    )
