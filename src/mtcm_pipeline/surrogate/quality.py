"""How good a reconstruction to expect of a selection, from geometry alone.

A target view is rendered well where each of its points is seen by a selected view from
nearly the same direction:

    q(t) = mean over points p seen in t of  max over selected v seeing p of
           exp(-angle(t, p, v) / decay angle)

It is 1 where every target is selected and 0 where nothing of it is seen. How often a
point is seen plays no part. It does not know sharpness, faults or texture; how well it
follows the PSNR of fits is what the benchmark pipeline reports.

Dimension letters: T targets, S selected, P points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.surrogate.geometry import ViewGeometry

Float = NDArray[np.float64]

# Where a view's worth has fallen to 1/e: about the spacing of 60 views around a subject.
DECAY_ANGLE_DEG = 20.0
# A round number for what a unit is worth in fitted PSNR; captures differ by half of it.
# For people to read. `selection.field_guided` has 13, of one capture: it compares sets of
# one size by it, and figures in docs/benchmark.md rest on that.
DECIBELS_A_UNIT = 10.0


@dataclass(frozen=True)
class ExpectedQuality:
    """What to expect of a selection, in 0..1.

    Attributes:
        mean: over the targets.
        worst: of the targets.
        by_target: (T,) in the order of the targets; NaN for a target that sees nothing.
    """

    mean: float
    worst: float
    by_target: Float


def expected_quality(
    geometry: ViewGeometry,
    selected: Sequence[str],
    targets: Sequence[str],
    *,
    decay_angle_deg: float = DECAY_ANGLE_DEG,
) -> ExpectedQuality:
    """The surrogate of a selection; more views never lower it.

    Args:
        geometry: of the capture, selected and target views among its rows.
        selected: S frames that a field would be trained on.
        targets: T >= 1 frames that it would be asked for.
        decay_angle_deg: how fast a view's worth falls with the angle.

    Raises:
        CaptureError: a frame has no geometry, or no target sees any point.
    """
    rows = geometry.rows_of(targets)
    chosen = geometry.rows_of(selected)
    by_target = np.array(
        [_of_target(geometry, row, chosen, decay_angle_deg) for row in rows.tolist()]
    )
    if not np.isfinite(by_target).any():
        raise CaptureError(f"none of the {len(rows)} target views sees any point")
    return ExpectedQuality(
        float(np.nanmean(by_target)), float(np.nanmin(by_target)), by_target
    )


def worth(
    geometry: ViewGeometry,
    centre_xyz: Float,
    points: NDArray[np.int64],
    views: NDArray[np.int64],
    *,
    decay_angle_deg: float = DECAY_ANGLE_DEG,
) -> NDArray[np.float32]:
    """(S, P') exp(-angle / decay angle) of each view at each point, 0 where it is hidden.

    Args:
        geometry: of the capture.
        centre_xyz: (3,) where the target's camera stands.
        points: (P') rows of points that the target sees.
        views: (S) rows of views.
        decay_angle_deg: where the worth has fallen to 1/e.
    """
    xyz = geometry.points_xyz[points]
    towards_target = _unit(centre_xyz - xyz)  # (P', 3)
    towards_views = _unit(geometry.centres_xyz[views][:, None] - xyz)  # (S, P', 3)
    cosine = np.einsum("spi,pi->sp", towards_views, towards_target)
    angle = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
    seen = geometry.seen[np.ix_(views, points)]
    value = np.where(seen, np.exp(-angle / decay_angle_deg), 0.0)
    return np.asarray(value, dtype=np.float32)


def _of_target(
    geometry: ViewGeometry, target: int, chosen: NDArray[np.int64], decay_angle_deg: float
) -> float:
    points = np.flatnonzero(geometry.seen[target])
    if not len(points):
        return float("nan")
    centre = geometry.centres_xyz[target]
    values = worth(geometry, centre, points, chosen, decay_angle_deg=decay_angle_deg)
    return float(values.max(axis=0, initial=0.0).mean(dtype=np.float64))


def _unit(vectors: Float) -> Float:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(length > 0, length, np.nan))
