"""How varied a set of views is, before and after: the table `pose_diversity`.

All are angles seen from the subject, shares, or distances of unit vectors, so that no
similarity transform of the capture changes them.
Dimension letters: N frames, K frames of a set, D embedding width.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.selection.viewing_sphere import angles_deg, nearest_view
from mtcm_pipeline.viewpoints.angles import Viewpoints
from mtcm_pipeline.viewpoints.bins import HEIGHTS, SIDES
from mtcm_pipeline.viewpoints.sphere import azimuths_deg, elevations_deg, even_directions

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

# Views within 15 degrees share most of what they see; wide-baseline matching needs less
# than about 30 between two of them.
WITHIN_DEG = 15.0
# 10,000 lattice points are 2 degrees apart: a share of the sphere to half a percent.
_LATTICE = 10_000
# Of more views than this, every k-th stands for all where pairs are counted.
_PAIRED = 2000

# The heights that a capture means to cover reach this far past its views, in degrees: a
# turntable's single ring becomes a band that the lattice has points in.
_BAND_MARGIN_DEG = 2.5

# Measure -> unit, and what it says in words.
MEASURES: dict[str, tuple[str, str]] = {
    "views": ("", "views with a pose"),
    "covered_solid_angle": (
        "sr",
        "directions with a view within 15°, of 12.6 in all",
    ),
    "covered_share": ("", "the same as a share of the sphere"),
    "widest_azimuth_gap": ("°", "widest sector around the subject without a view"),
    "largest_gap": ("°", "from any direction at the kept views' heights to the nearest"),
    "largest_gap_kept": ("°", "from the loneliest kept view to the nearest of the set"),
    "mean_gap_kept": ("°", "from a kept view to the nearest of the set, mean"),
    "kept_within_15": ("", "share of kept views with one of the set within 15°"),
    "nearest_view_min": ("°", "from a view to its nearest other, smallest"),
    "nearest_view_mean": ("°", "from a view to its nearest other, mean"),
    "nearest_view_max": ("°", "from a view to its nearest other, largest"),
    "baseline_median": ("°", "between two views of the set, median"),
    "baseline_good_share": ("", "share of views with another 5° to 30° away"),
    "occupied_cells": ("", "of the 25 cells of side and height, those with a view"),
    "cell_entropy": ("bit", "evenness over those cells (all alike: 4.64)"),
    "appearance_spread": ("", "mean cosine distance of two embeddings"),
}


def diversity_table(
    viewpoints: Viewpoints, embeddings: Float, sets: Mapping[str, Bool], asked: Bool
) -> pd.DataFrame:
    """All measures of several sets of the capture's views.

    Args:
        viewpoints: of the capture.
        embeddings: (N, D) unit appearance vectors; NaN where absent.
        sets: (N,) bool by the name of a set, in order.
        asked: (N,) bool, the kept frames: where these see the subject from is what a set
            is asked to cover, so that all sets answer the same question.

    Returns:
        Rows `measure`, `unit`, one column a set, `meaning`; NaN where a number has no
        meaning (fewer than two views, no pose, no embedding).
    """
    posed = np.isfinite(viewpoints.views).all(axis=1)
    columns = {
        name: diversity(
            viewpoints.views[posed & inside],
            viewpoints.views[posed & asked],
            zero_azimuth_deg=viewpoints.zero_azimuth_deg,
            embeddings=embeddings[inside],
        )
        for name, inside in sets.items()
    }
    rows = [
        (measure, unit, *(columns[name][measure] for name in sets), meaning)
        for measure, (unit, meaning) in MEASURES.items()
    ]
    return pd.DataFrame(rows, columns=["measure", "unit", *sets, "meaning"])


def diversity(
    views: Float, asked: Float, *, zero_azimuth_deg: float, embeddings: Float
) -> dict[str, float]:
    """The numbers of `MEASURES` for one set.

    Args:
        views: (K, 3) unit vectors from the subject to the cameras, +z up.
        asked: (N, 3) the kept views, which are to be covered.
        zero_azimuth_deg: where the cells of side and height begin.
        embeddings: (K', D) unit appearance vectors of the set.
    """
    covered = covered_share(views)
    gaps = _known(nearest_view(asked, views)[0])
    near = nearest_other_deg(views)
    counts = cell_counts(views, zero_azimuth_deg)
    return {
        "views": float(len(views)),
        "covered_solid_angle": 4.0 * np.pi * covered,
        "covered_share": covered,
        "widest_azimuth_gap": widest_azimuth_gap_deg(views),
        "largest_gap": largest_gap_deg(views, asked),
        "largest_gap_kept": _or_nan(gaps, "max"),
        "mean_gap_kept": _or_nan(gaps, "mean"),
        "kept_within_15": _or_nan((gaps <= WITHIN_DEG).astype(float), "mean"),
        "nearest_view_min": _or_nan(near, "min"),
        "nearest_view_mean": _or_nan(near, "mean"),
        "nearest_view_max": _or_nan(near, "max"),
        "baseline_median": median_baseline_deg(views),
        "baseline_good_share": good_baseline_share(views),
        "occupied_cells": float((counts > 0).sum()),
        "cell_entropy": entropy_bits(counts),
        "appearance_spread": appearance_spread(embeddings),
    }


def covered_share(views: Float, within_deg: float = WITHIN_DEG) -> float:
    """Share of all directions that have one of the (K, 3) views within an angle, 0..1."""
    if not len(views):
        return float("nan")
    gaps, _ = nearest_view(even_directions(_LATTICE), views)
    return float((gaps <= within_deg).mean())


def largest_gap_deg(views: Float, asked: Float) -> float:
    """How far a direction can be from every view, at heights where there are views.

    Args:
        views: (K, 3) unit vectors of the set.
        asked: (N, 3) unit vectors; their heights, all around, are what is looked at.
    """
    if not len(asked):
        return float("nan")
    heights = elevations_deg(asked)
    lattice = even_directions(_LATTICE)
    level = elevations_deg(lattice)
    inside = (level >= heights.min() - _BAND_MARGIN_DEG) & (
        level <= heights.max() + _BAND_MARGIN_DEG
    )
    return _or_nan(_known(nearest_view(lattice[inside], views)[0]), "max")


def widest_azimuth_gap_deg(views: Float) -> float:
    """Widest sector of azimuth between two neighbours of (K, 3) views; 360 for one."""
    azimuths = azimuths_deg(views)
    around = np.sort(azimuths[np.isfinite(azimuths)])
    if not around.size:
        return float("nan")
    return float(np.diff(around, append=around[0] + 360.0).max())


def nearest_other_deg(views: Float) -> Float:
    """(K,) angle from each view to the nearest of the others; empty for less than two."""
    if len(views) < 2:
        return np.empty(0)
    nearest = np.empty(len(views))
    for k, view in enumerate(views):
        angles = angles_deg(view, views)
        angles[k] = np.inf
        nearest[k] = angles.min()
    return nearest


def median_baseline_deg(views: Float) -> float:
    """Median angle between two of (K, 3) views; of 2000 views where there are more."""
    chosen = views[:: max(1, -(-len(views) // _PAIRED))]
    if len(chosen) < 2:
        return float("nan")
    first, second = np.triu_indices(len(chosen), k=1)
    cosines = (chosen @ chosen.T)[first, second]
    return float(np.degrees(np.arccos(np.clip(np.median(cosines), -1.0, 1.0))))


def good_baseline_share(
    views: Float, low_deg: float = 5.0, high_deg: float = 30.0
) -> float:
    """Share of (K, 3) views that have another at an angle good for triangulation."""
    if len(views) < 2:
        return float("nan")
    good = [
        ((angles >= low_deg) & (angles <= high_deg)).any()
        for angles in (angles_deg(view, views) for view in views)
    ]
    return float(np.mean(good))


def cell_counts(views: Float, zero_azimuth_deg: float) -> NDArray[np.int64]:
    """(25,) views in each cell of side and height; overhead is one cell.

    Cells run side by side (in the order of `SIDES.distinct`) through low angle,
    eye level and high angle, then overhead.
    """
    azimuth = azimuths_deg(views) - zero_azimuth_deg
    side = SIDES.index((azimuth + 180.0) % 360.0 - 180.0)
    height = HEIGHTS.index(elevations_deg(views))
    sides, top = len(SIDES.distinct), len(HEIGHTS.distinct) - 1
    level = np.where(height == top, 0, np.maximum(side, 0))
    return np.bincount(height * sides + level, minlength=top * sides + 1)


def entropy_bits(counts: NDArray[np.int64]) -> float:
    """Shannon entropy of the shares that the counts are, in bits (Shannon 1948)."""
    if not counts.sum():
        return float("nan")
    share = counts[counts > 0] / counts.sum()
    return float(np.sum(share * np.log2(1.0 / share)))


def appearance_spread(embeddings: Float) -> float:
    """Mean of 1 - cosine over all pairs of different (K, D) unit vectors.

    From the mean vector alone: the sum of all cosines is the squared length of the sum.
    """
    known = embeddings[np.isfinite(embeddings).all(axis=1)]
    k = len(known)
    if k < 2:
        return float("nan")
    cosines = float(np.sum(known.sum(axis=0) ** 2)) - float(np.sum(known**2))
    return 1.0 - cosines / (k * (k - 1))


def _known(values: Float) -> Float:
    return values[np.isfinite(values)]


def _or_nan(values: Float, how: str) -> float:
    return float(getattr(values, how)()) if values.size else float("nan")
