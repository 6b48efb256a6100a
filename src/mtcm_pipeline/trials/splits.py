"""Which views are held out: by two rules, since the rule alone can favour a selector.

Farthest-point test views lie where farthest view sampling puts its choice; views drawn
at random, one a region of the cameras, do not. Both are fixed by a seed on the clean
capture and known to no selector and no filter.

Dimension letters: N frames, T held out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.farthest_points import farthest_rows
from mtcm_pipeline.errors import CaptureError, ParameterError
from mtcm_pipeline.tokens.gauge import canonical_gauge

Float = NDArray[np.float64]
Int = NDArray[np.int64]

# Eight views tell selections apart to about .1 dB; a small capture cannot spare more
# than every seventh of its own.
MOST_HELD_OUT = 8
_SHARE_HELD_OUT = 0.15
FEWEST_FRAMES = 8


@dataclass(frozen=True)
class HeldOut:
    """One test split.

    Attributes:
        rule: of `SPLIT_RULES`.
        number: which of the rule's splits.
        hidden: T names of test views, in order of the capture.
        shown: the N - T others, in order of the capture.
    """

    rule: str
    number: int
    hidden: tuple[str, ...]
    shown: tuple[str, ...]


def hold_out(cameras: PosedCameras, rule: str, number: int, seed: int) -> HeldOut:
    """Split a clean capture.

    Args:
        cameras: N frames with sound poses.
        rule: of `SPLIT_RULES`.
        number: another number, another split.
        seed: of all splits.

    Raises:
        ParameterError: there is no such rule.
        CaptureError: there are too few frames to hold any out.
    """
    if rule not in SPLIT_RULES:
        raise ParameterError(
            f"unknown split rule {rule!r}; there are: {', '.join(SPLIT_RULES)}"
        )
    n = len(cameras)
    check_frames(n)
    count = min(MOST_HELD_OUT, round(_SHARE_HELD_OUT * n))
    rng = np.random.default_rng([seed, number, list(SPLIT_RULES).index(rule)])
    hidden = set(SPLIT_RULES[rule](cameras, count, rng).tolist())
    return HeldOut(
        rule,
        number,
        tuple(name for row, name in enumerate(cameras.names) if row in hidden),
        tuple(name for row, name in enumerate(cameras.names) if row not in hidden),
    )


def check_frames(n: int) -> None:
    """Refuse a capture of `n` sound posed frames that none can be held out of.

    Raises:
        CaptureError: there are fewer than `FEWEST_FRAMES`.
    """
    if n < FEWEST_FRAMES:
        raise CaptureError(
            f"a benchmark needs {FEWEST_FRAMES} sound posed frames or more, not {n}: add "
            f"frames with poses, or name other captures in benchmark.captures"
        )


def farthest_cameras(cameras: PosedCameras, count: int, rng: np.random.Generator) -> Int:
    """(T) rows of cameras, each farthest from those before, the first one drawn."""
    centres = cameras.centres_xyz
    return farthest_rows(centres, count, first=int(rng.integers(len(centres))))


def stratified_rows(cameras: PosedCameras, count: int, rng: np.random.Generator) -> Int:
    """(T) rows of cameras, one drawn from each of T regions of about equal size."""
    gauge = canonical_gauge(cameras)
    features = np.hstack(
        [
            gauge.points(cameras.centres_xyz),
            gauge.directions(cameras.viewing_directions),
        ]
    )
    regions = equal_regions(features, np.arange(len(features)), count)
    return np.array([rng.choice(region) for region in regions], dtype=np.int64)


def equal_regions(features: Float, rows: Int, count: int) -> list[Int]:
    """`rows` in `count` parts whose sizes differ by one at most a halving.

    Halved across the direction of greatest spread, again and again.

    Args:
        features: (N, F) coordinates.
        rows: those of the rows that are divided.
        count: parts, no more than rows.
    """
    if count == 1:
        return [rows]
    centred = features[rows] - features[rows].mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    along = np.argsort(centred @ axes[:, -1], kind="stable")
    left = count // 2
    cut = round(len(rows) * left / count)
    return [
        *equal_regions(features, rows[along[:cut]], left),
        *equal_regions(features, rows[along[cut:]], count - left),
    ]


SPLIT_RULES: Mapping[str, Callable[[PosedCameras, int, np.random.Generator], Int]] = (
    MappingProxyType({"farthest": farthest_cameras, "stratified": stratified_rows})
)
