"""Directions spread evenly over the sphere, their angles, and the angles between them.

Dimension letters: A, B directions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.selection.viewing_sphere import angles_deg

Float = NDArray[np.float64]

_GOLDEN_ANGLE = np.pi * (3.0 - np.sqrt(5.0))
# Nearer than 2 degrees to straight up or down, azimuth and roll are noise.
AT_POLE = np.sin(np.radians(2.0))


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
    """(A, B) degrees between unit vectors (A, 3) and (B, 3); 0 for equal ones."""
    if len(a) > len(b):
        return angles_between_deg(b, a).T
    return np.array([angles_deg(view, b) for view in a]).reshape(len(a), len(b))


def azimuth_elevation_deg(directions: Float) -> tuple[Float, Float]:
    """(A,) azimuth from +x towards +y in -180..180, and (A,) elevation over z = 0.

    Near the poles the azimuth means little; `azimuths_deg` says so.
    """
    level = np.hypot(directions[:, 0], directions[:, 1])
    azimuth = np.degrees(np.arctan2(directions[:, 1], directions[:, 0]))
    return azimuth, np.degrees(np.arctan2(directions[:, 2], level))


def azimuths_deg(vectors: Float) -> Float:
    """(A,) angle of unit vectors about +z, from +x towards +y; NaN at the poles."""
    known = np.hypot(vectors[:, 0], vectors[:, 1]) > AT_POLE  # False for NaN
    return np.where(known, azimuth_elevation_deg(vectors)[0], np.nan)


def elevations_deg(vectors: Float) -> Float:
    """(A,) angle of vectors (A, 3) over the horizon, in degrees."""
    return azimuth_elevation_deg(vectors)[1]
