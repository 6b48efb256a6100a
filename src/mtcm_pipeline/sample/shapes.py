"""Signed distances of simple solids and how they melt into each other.

Formulas: I. Quilez, "Distance functions" (exact for capsules, spheres and tori, a
first-order bound for ellipsoids) and "Smooth minimum" (polynomial, quadratic).

Dimension letters: P points. Points are (3, P) in metres; distances (P,), negative inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
Triple = Sequence[float]


def _column(values: Triple) -> Array:
    return np.asarray(values, dtype=np.float32).reshape(3, 1)


def _length(vectors: Array) -> Array:
    return np.sqrt((vectors * vectors).sum(axis=0))


def mirrored(points: Array) -> Array:
    """The points with |x|: a solid on the left stands on the right as well."""
    return np.concatenate([np.abs(points[:1]), points[1:]])


def ball(points: Array, centre: Triple, radius: float) -> Array:
    """Distance to a ball."""
    return _length(points - _column(centre)) - radius


def ellipsoid(points: Array, centre: Triple, radii: Triple) -> Array:
    """First-order distance to an axis-parallel ellipsoid."""
    scaled = (points - _column(centre)) / _column(radii)
    k0 = _length(scaled)
    k1 = _length(scaled / _column(radii))
    return k0 * (k0 - 1.0) / np.maximum(k1, 1e-6)


def capsule(
    points: Array, start: Triple, end: Triple, radius: float, end_radius: float = -1.0
) -> Array:
    """Distance to a line with thickness; the radius may change linearly to its end."""
    axis = _column(end) - _column(start)
    offset = points - _column(start)
    along = np.clip((offset * axis).sum(axis=0) / float((axis * axis).sum()), 0.0, 1.0)
    last = radius if end_radius < 0 else end_radius
    return _length(offset - axis * along) - (radius + (last - radius) * along)


def upright_cylinder(points: Array, centre: Triple, radius: float, half: float) -> Array:
    """Distance to a cylinder about the y axis through `centre`."""
    offset = points - _column(centre)
    side = np.hypot(offset[0], offset[2]) - radius
    cap = np.abs(offset[1]) - half
    outside = np.hypot(np.maximum(side, 0.0), np.maximum(cap, 0.0))
    return outside + np.minimum(np.maximum(side, cap), 0.0)


def torus(
    points: Array, centre: Triple, normal: Triple, radius: float, tube: float
) -> Array:
    """Distance to a ring of radius `radius` in the plane normal to `normal`."""
    offset = points - _column(centre)
    unit = _column(normal) / float(np.linalg.norm(normal))
    height = (offset * unit).sum(axis=0)
    radial = _length(offset - unit * height) - radius
    return np.hypot(radial, height) - tube


def union(first: Array, second: Array, blend_m: float = 0.0) -> Array:
    """Both solids; within `blend_m` they melt together."""
    if blend_m <= 0:
        return np.minimum(first, second)
    near = np.maximum(blend_m - np.abs(first - second), 0.0)
    return np.minimum(first, second) - near * near / (4.0 * blend_m)


def without(first: Array, second: Array, blend_m: float = 0.0) -> Array:
    """`first` with `second` carved out of it."""
    return -union(-first, second, blend_m)
