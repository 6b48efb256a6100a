"""Who is near whom, by pose, by appearance, in time; and what is odd beside them.

Dimension letters: N frames, k neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.consistency.neighbours import nearest
from mtcm_pipeline.judge.capture_evidence import CaptureEvidence

Float = NDArray[np.float64]
Index = NDArray[np.int64]

# Eight lie on all sides of a frame on a band of cameras; more reach other views.
_COUNT = 8
_TIME_OFFSETS = (-3, -2, -1, 1, 2, 3)


@dataclass(frozen=True)
class Neighbourhoods:
    """Rows of the nearest frames, -1 where there are fewer.

    Attributes:
        pose: (N, k) by camera centre and viewing direction.
        embedding: (N, k) by embedding.
        time: (N, 6) before and after.
        both: (N, 2k) the first two together.
    """

    pose: Index
    embedding: Index
    time: Index

    @property
    def both(self) -> Index:
        """(N, 2k) neighbours by pose and by appearance."""
        return np.hstack([self.pose, self.embedding])

    def by_name(self) -> dict[str, Index]:
        """The three kinds."""
        return {"pose": self.pose, "embedding": self.embedding, "time": self.time}


def neighbourhoods(evidence: CaptureEvidence) -> Neighbourhoods:
    """The nearest frames of every frame, three ways."""
    poses = pose_places(evidence.world_from_cam)
    by_pose, _ = nearest(poses, _COUNT)
    by_looks, _ = nearest(evidence.embeddings, _COUNT)
    n = len(evidence)
    in_time = np.arange(n)[:, None] + np.array(_TIME_OFFSETS)
    in_time = np.where((in_time >= 0) & (in_time < n), in_time, -1)
    return Neighbourhoods(by_pose, by_looks, in_time)


def pose_places(world_from_cam: Float) -> Float:
    """(N, 6) centre and viewing direction; NaN without a pose."""
    return np.hstack([world_from_cam[:, :3, 3], world_from_cam[:, :3, 2]])


def of_neighbours(values: Float, neighbours: Index) -> Float:
    """(N, k, ...) the neighbours' values, NaN where there is no neighbour."""
    picked = np.asarray(values, dtype=np.float64)[neighbours]
    absent = (neighbours < 0).reshape(*neighbours.shape, *[1] * (picked.ndim - 2))
    return np.where(absent, np.nan, picked)


def beside(values: Float, neighbours: Index) -> Float:
    """(N,) each value less the median of its neighbours'."""
    return values - median(of_neighbours(values, neighbours))


def median(values: Float, axis: int = 1) -> Float:
    """Median over an axis of what is finite; NaN where nothing is."""
    return quantile(values, 0.5, axis)


def quantile(values: Float, q: float, axis: int = 1) -> Float:
    """Quantile over an axis of what is finite; NaN where nothing is."""
    moved = np.moveaxis(np.asarray(values, dtype=np.float64), axis, -1)
    known = np.isfinite(moved)
    ordered = np.sort(np.where(known, moved, np.nan), axis=-1)  # NaN comes last
    last = known.sum(axis=-1) - 1
    place = q * np.maximum(last, 0)
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(last, 0))
    low = np.take_along_axis(ordered, below[..., None], axis=-1)[..., 0]
    high = np.take_along_axis(ordered, above[..., None], axis=-1)[..., 0]
    return np.asarray(low + (high - low) * (place - below))


def logarithm(values: Float) -> Float:
    """Natural logarithm; NaN where there is none."""
    return np.log(np.where(values > 0, values, np.nan))


def robust_z(values: Float, least_spread: float) -> Float:
    """(N,) robust standard deviations from the capture's median; NaN stays NaN.

    Args:
        values: (N,).
        least_spread: a standard deviation that is natural, in the values' unit, so that
            a capture whose frames hardly differ has no outliers by accident.
    """
    if not np.isfinite(values).any():
        return np.full(len(values), np.nan)
    middle = np.nanmedian(values)
    spread = 1.4826 * float(np.nanmedian(np.abs(values - middle)))
    return (values - middle) / max(spread, least_spread)
