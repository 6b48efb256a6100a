"""A solid on a voxel grid: distances, baked light, and where rays meet it.

The grid's trilinear interpolant IS the surface: every view, every point and every test
sees the same one.

Dimension letters: P points, R rays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates, zoom

Array = NDArray[np.floating[Any]]
Index = NDArray[np.integer[Any]]

_COARSER = 4  # voxels of the fine grid along one of the coarse grid
_HIT_M = 0.0003
_NEAR = 1.8  # voxels: a hit and the eight nodes about it are at most sqrt(3) apart
_STEPS = 64
# Unit vector towards the one lamp: ahead of the subject, to its left, above.
LIGHT_TO = np.array([0.50, 0.66, 0.56]) / np.linalg.norm([0.50, 0.66, 0.56])
_LAMP_RGB = np.array([[1.12], [1.02], [0.88]])
_SKY_RGB = np.array([[0.40], [0.45], [0.52]])
_FLOOR_RGB = np.array([[0.24], [0.20], [0.17]])


class Solid(Protocol):
    """Anything with a signed distance, a colour and a box that holds it."""

    @property
    def lower(self) -> tuple[float, float, float]: ...
    @property
    def upper(self) -> tuple[float, float, float]: ...
    def distance(self, points: Array) -> Array: ...
    def base_colour(self, points: Array) -> Array: ...
    def detail(self, points: Array) -> Array: ...


@dataclass(frozen=True)
class Surface:
    """A solid's distances and lit colours on a grid.

    Attributes:
        solid: what was sampled; it gives the fine paint.
        origin: (3, 1) position of the grid's first node, metres.
        voxel_m: spacing.
        distances: (X, Y, Z) float32 signed distances, metres, negative inside.
        lit: (3, X, Y, Z) float32 colour times light near the surface.
    """

    solid: Solid
    origin: Array
    voxel_m: float
    distances: Array
    lit: Array

    @property
    def corners(self) -> tuple[Array, Array]:
        """(3, 1) lower and upper corner of the grid, metres."""
        size = (np.array(self.distances.shape) - 1).reshape(3, 1) * self.voxel_m
        return self.origin, self.origin + size

    def distance(self, points: Array) -> Array:
        """(P,) interpolated signed distance of (3, P) points."""
        return _interpolate(self.distances, points, self.origin, self.voxel_m)

    def colour(self, points: Array) -> Array:
        """(3, P) linear radiance at points of the surface."""
        lit = [_interpolate(c, points, self.origin, self.voxel_m) for c in self.lit]
        return np.maximum(np.stack(lit) * self.solid.detail(points), 0.0)

    def normals(self, points: Array) -> Array:
        """(3, P) outward unit vectors."""
        shift = self.voxel_m * np.eye(3).reshape(3, 3, 1)
        slopes = [self.distance(points + s) - self.distance(points - s) for s in shift]
        gradient = np.stack(slopes)
        return gradient / np.maximum(np.linalg.norm(gradient, axis=0), 1e-9)


def _interpolate(grid: Array, points: Array, origin: Array, voxel_m: float) -> Array:
    place = (points - origin) * (1.0 / voxel_m)
    return map_coordinates(grid, place, order=1, mode="nearest", prefilter=False)


def build_surface(solid: Solid, voxel_m: float) -> Surface:
    """Sample `solid` on a grid, exactly near its surface, and bake the light.

    Args:
        solid: the shape.
        voxel_m: spacing of the grid in metres.
    """
    origin = np.array(solid.lower).reshape(3, 1)
    coarse_m = _COARSER * voxel_m
    extent = np.array(solid.upper) - np.array(solid.lower)
    coarse_shape = np.ceil(extent / coarse_m).astype(int) + 1
    every = np.arange(int(np.prod(coarse_shape)))
    coarse_nodes = _nodes(tuple(coarse_shape), every, origin, coarse_m)
    coarse = solid.distance(coarse_nodes).reshape(coarse_shape).astype(np.float32)
    distances = _refined(solid, coarse, origin, voxel_m)
    unlit = np.zeros((3, *distances.shape), np.float32)
    bare = Surface(solid, origin, voxel_m, distances, unlit)
    return Surface(solid, origin, voxel_m, distances, _bake(bare))


def _nodes(shape: tuple[int, ...], flat: Index, origin: Array, voxel_m: float) -> Array:
    """(3, P) positions of the grid nodes with the flat indices (P,)."""
    index = np.stack(np.unravel_index(flat, shape)).astype(np.float32)
    return index * np.float32(voxel_m) + origin.astype(np.float32)


def _refined(solid: Solid, coarse: Array, origin: Array, voxel_m: float) -> Array:
    """Fine grid: exact within a band about the surface, a cautious guess elsewhere."""
    shape = tuple((n - 1) * _COARSER + 1 for n in coarse.shape)
    factors = np.array(shape) / coarse.shape
    fine = zoom(coarse, factors, order=1, prefilter=False).ravel()
    band = np.flatnonzero(np.abs(fine) < 1.3 * _COARSER * voxel_m)
    fine -= np.sign(fine) * np.float32(0.3 * _COARSER * voxel_m)
    fine[band] = solid.distance(_nodes(shape, band, origin, voxel_m))
    return fine.reshape(shape)


def _bake(surface: Surface) -> Array:
    """Lamp with shadow, sky and floor light with occlusion, times the base colour."""
    near = np.flatnonzero(np.abs(surface.distances) < _NEAR * surface.voxel_m)
    nodes = _nodes(surface.distances.shape, near, surface.origin, surface.voxel_m)
    normals = surface.normals(nodes)
    points = nodes - normals * surface.distances.ravel()[near]
    lamp = np.maximum((normals * LIGHT_TO.reshape(3, 1)).sum(axis=0), 0.0)
    open_to = _ambient_openness(surface, points, normals)
    upward = 0.5 + 0.5 * normals[1]
    ambient = (_SKY_RGB * upward + _FLOOR_RGB * (1.0 - upward)) * open_to
    facing = lamp > 0  # the rest is dark without a look for shadows
    lamp[facing] *= _shadow(surface, points[:, facing], normals[:, facing])
    light = ambient + _LAMP_RGB * lamp
    lit = np.zeros((3, surface.distances.size), np.float32)
    lit[:, near] = light * surface.solid.base_colour(points)
    return lit.reshape(3, *surface.distances.shape)


def _ambient_openness(surface: Surface, points: Array, normals: Array) -> Array:
    """(P,) 1 in the open, less in creases (distance along the normal, Evans 2006)."""
    openness = np.ones(points.shape[1])
    for reach_m, weight in ((0.010, 0.45), (0.025, 0.35), (0.060, 0.25)):
        free = surface.distance(points + normals * reach_m)
        openness -= weight * np.clip(1.0 - free / reach_m, 0.0, 1.0)
    return np.maximum(openness, 0.12)


def _shadow(surface: Surface, points: Array, normals: Array) -> Array:
    """(P,) share of the lamp that reaches the points, with soft edges."""
    start = points + normals * (2.0 * surface.voxel_m)
    toward = LIGHT_TO.reshape(3, 1)
    way = np.full(points.shape[1], 2.0 * surface.voxel_m)
    light = np.ones(points.shape[1])
    lower, upper = surface.corners
    for _ in range(28):
        place = start + toward * way
        free = surface.distance(place)
        inside = ((place > lower) & (place < upper)).all(axis=0)
        light = np.where(
            inside, np.minimum(light, np.clip(9.0 * free / way, 0, 1)), light
        )
        way += np.clip(free, 0.004, 0.05)
    return light


def box_span(origin: Array, directions: Array, lower: Array, upper: Array) -> Array:
    """Where rays enter and leave a box (slab method; Kay and Kajiya 1986).

    Args:
        origin: (3, 1) common origin.
        directions: (3, R), no component is zero.
        lower: (3, 1) corner.
        upper: (3, 1) opposite corner.

    Returns:
        (2, R) ray lengths; a ray misses where the first is not below the second.
    """
    first = (lower - origin) / directions
    second = (upper - origin) / directions
    enter = np.minimum(first, second).max(axis=0)
    leave = np.maximum(first, second).min(axis=0)
    return np.stack([np.maximum(enter, 0.0), leave])


def trace(surface: Surface, origin: Array, directions: Array, start: Array) -> Array:
    """Sphere tracing (Hart 1996): how far each ray is from the surface.

    Args:
        surface: what to hit.
        origin: (3, 1) common origin of the rays, metres.
        directions: (3, R) unit vectors.
        start: (R,) ray lengths before which nothing can be.

    Returns:
        (R,) ray lengths in metres, infinite where the ray misses.
    """
    enter, leave = box_span(origin, directions, *surface.corners)
    way = np.maximum(enter, start)
    lengths = np.full(way.shape, np.inf)
    alive = np.flatnonzero(way < leave)
    for _ in range(_STEPS):
        free = surface.distance(origin + directions[:, alive] * way[alive])
        hit = free < _HIT_M
        lengths[alive[hit]] = way[alive[hit]]
        way[alive] += np.maximum(free * 0.95, 0.5 * _HIT_M)
        alive = alive[~hit & (way[alive] < leave[alive])]
        if not len(alive):
            break
    return lengths


def march_cones(
    surface: Surface, origin: Array, directions: Array, widening: float
) -> Array:
    """How far a bundle of rays is free as a whole; infinite where it misses.

    Args:
        surface: what to hit.
        origin: (3, 1) common origin.
        directions: (3, R) unit vectors of the bundles' axes.
        widening: radius of a bundle per unit of length.

    Returns:
        (R,) ray lengths that are safe to start from, metres.
    """
    lower, upper = surface.corners
    margin = widening * float(np.abs(origin).max() + np.abs(upper - lower).max())
    enter, leave = box_span(origin, directions, lower - margin, upper + margin)
    way, safe = enter.copy(), np.full(enter.shape, np.inf)
    alive = np.flatnonzero(enter < leave)
    for _ in range(_STEPS):
        place = origin + directions[:, alive] * way[alive]
        held = np.clip(place, lower, upper)
        off = np.linalg.norm(place - held, axis=0)  # outside, the box bounds it too
        free = np.maximum(surface.distance(held) - off, off) - widening * way[alive]
        near = free < surface.voxel_m
        safe[alive[near]] = way[alive[near]]
        way[alive] += np.maximum(free * 0.9, 0.0)
        alive = alive[~near & (way[alive] < leave[alive])]
        if not len(alive):
            break
    safe[alive] = way[alive]
    return safe
