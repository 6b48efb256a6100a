"""Sectors of the viewing sphere that no kept frame covers.

Dimension letters: N views, M directions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from mtcm_pipeline.missing.band import DIRECTIONS
from mtcm_pipeline.missing.options import MissingOptions
from mtcm_pipeline.viewpoints.sphere import (
    angles_between_deg,
    azimuth_elevation_deg,
    even_directions,
)

Float = NDArray[np.float64]
Int = NDArray[np.int64]

# Neighbours on the lattice are at most this many mean spacings apart.
_NEIGHBOUR = 1.5
# Smaller sectors are what lies between two ordinary neighbours.
_LEAST_SR = 0.02


@dataclass(frozen=True)
class Sector:
    """One connected region without a view.

    Attributes:
        middle: (3,) unit vector from the subject to its deepest point, that which is
            farthest from every view.
        solid_angle_sr: its size.
        gap_deg: angle from the deepest point to the nearest view.
        width_deg: extent in azimuth.
        elevation_deg: (lowest, highest).
    """

    middle: Float
    solid_angle_sr: float
    gap_deg: float
    width_deg: float
    elevation_deg: tuple[float, float]


def uncovered_sectors(views: Float, options: MissingOptions) -> list[Sector]:
    """Regions within the elevations of the capture, the largest first.

    Args:
        views: (N, 3) unit vectors from the subject to the cameras, canonical gauge.
        options: `uncovered_deg`, and how far above and below the cameras counts.
    """
    directions = even_directions(DIRECTIONS)
    _, elevation = azimuth_elevation_deg(directions)
    _, taken = azimuth_elevation_deg(views)
    reach = options.elevation_reach_deg
    level = (elevation >= taken.min() - reach) & (elevation <= taken.max() + reach)
    gap = angles_between_deg(directions, views).min(axis=1)
    rows = np.flatnonzero(level & (gap > options.uncovered_deg))
    sectors = [_sector(directions, gap, part) for part in _connected(directions, rows)]
    large = [sector for sector in sectors if sector.solid_angle_sr >= _LEAST_SR]
    return sorted(large, key=lambda sector: -sector.solid_angle_sr)


def _connected(directions: Float, rows: Int) -> list[Int]:
    """Rows grouped so that neighbours on the lattice are together."""
    if not len(rows):
        return []
    spacing = np.sqrt(4.0 * np.pi / len(directions))
    pairs = cKDTree(directions[rows]).query_pairs(
        _NEIGHBOUR * spacing, output_type="ndarray"
    )
    ones = np.ones(len(pairs))
    graph = coo_matrix((ones, (pairs[:, 0], pairs[:, 1])), shape=(len(rows), len(rows)))
    count, part = connected_components(graph, directed=False)
    return [rows[part == k] for k in range(count)]


def _sector(directions: Float, gap: Float, rows: Int) -> Sector:
    azimuth, elevation = azimuth_elevation_deg(directions[rows])
    deepest = rows[int(gap[rows].argmax())]
    return Sector(
        directions[deepest],
        4.0 * np.pi * len(rows) / len(directions),
        float(gap[deepest]),
        _width_deg(azimuth),
        (float(elevation.min()), float(elevation.max())),
    )


def _width_deg(azimuth: Float) -> float:
    """Smallest arc that holds all azimuths: the circle without its largest gap."""
    ordered = np.sort(azimuth)
    gaps = np.diff(np.append(ordered, ordered[0] + 360.0))
    return float(360.0 - gaps.max())
