"""Directions spread evenly over the sphere, and angles between directions.

Dimension letters: A, B directions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

_GOLDEN_ANGLE = np.pi * (3.0 - np.sqrt(5.0))


def even_directions(count: int) -> Float:
    """(count, 3) unit vectors on a Fibonacci lattice (González 2010, Math. Geosci. 42).

    Each stands for the solid angle 4 pi / count.
    """
    step = np.arange(count)
    height = 1.0 - (2.0 * step + 1.0) / count
    ring = np.sqrt(1.0 - height**2)
    azimuth = step * _GOLDEN_ANGLE
    return np.stack([ring * np.cos(azimuth), ring * np.sin(azimuth), height], axis=1)


def angles_between_deg(a: Float, b: Float) -> Float:
    """(A, B) degrees between unit vectors (A, 3) and (B, 3)."""
    return np.degrees(np.arccos(np.clip(a @ b.T, -1.0, 1.0)))


def azimuth_elevation_deg(directions: Float) -> tuple[Float, Float]:
    """(A,) azimuth from +x towards +y in -180..180, and (A,) elevation over z = 0."""
    level = np.hypot(directions[:, 0], directions[:, 1])
    azimuth = np.degrees(np.arctan2(directions[:, 1], directions[:, 0]))
    return azimuth, np.degrees(np.arctan2(directions[:, 2], level))
