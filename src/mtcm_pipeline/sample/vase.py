"""The foreign subject: a glazed jar with handles, nothing like a head.

Same frame as `sample.head` (x left, y up, z forward, metres). Dimension letter: P points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.sample import shapes
from mtcm_pipeline.sample.noise import Noise3D, smoothstep

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Vase:
    """A jar of revolution with two handles and glazed bands."""

    belly: float
    neck: float
    noise: Noise3D
    lower: tuple[float, float, float] = (-0.216, -0.408, -0.176)
    upper: tuple[float, float, float] = (0.216, 0.104, 0.176)

    def distance(self, points: Array) -> Array:
        """(P,) signed distance of (3, P) points, metres, negative inside."""
        half = shapes.mirrored(points)
        body = shapes.ellipsoid(points, (0, -0.20, 0), (self.belly, 0.15, self.belly))
        foot = shapes.upright_cylinder(points, (0, -0.375, 0), 0.07, 0.024)
        neck = shapes.upright_cylinder(points, (0, -0.02, 0), self.neck, 0.09)
        lip = shapes.torus(points, (0, 0.075, 0), (0, 1, 0), self.neck + 0.008, 0.014)
        hollow = shapes.upright_cylinder(points, (0, 0.09, 0), self.neck - 0.016, 0.10)
        handle = shapes.torus(half, (0.125, -0.06, 0), (0, 0, 1), 0.06, 0.013)
        solid = shapes.union(shapes.union(body, foot, 0.03), neck, 0.04)
        solid = shapes.without(shapes.union(solid, lip, 0.008), hollow, 0.004)
        return shapes.union(solid, handle, 0.012)

    def base_colour(self, points: Array) -> Array:
        """(3, P) linear reflectance: blue glaze with a pale shoulder."""
        pale = smoothstep(-0.13, -0.11, points[1]) * smoothstep(-0.03, -0.05, points[1])
        blue = np.array([[0.03], [0.16], [0.36]])
        return blue + (np.array([[0.62], [0.66], [0.58]]) - blue) * pale

    def detail(self, points: Array) -> Array:
        """(3, P) factors of fine paint: crackle and leaf-like spots."""
        leaf = smoothstep(0.2, 0.34, self.noise(points, 0.02, 0))
        crackle = smoothstep(0.10, 0.0, np.abs(self.noise(points, 0.012, 1)))
        grain = 1.0 + 0.2 * self.noise(points, 0.005, 2)
        factors = np.stack([1.0 + 1.6 * leaf, 1.0 + 0.9 * leaf, 1.0 - 0.3 * leaf])
        return factors * (1.0 - 0.5 * crackle) * grain


def random_vase(rng: np.random.Generator) -> Vase:
    """A jar with random proportions."""
    return Vase(
        belly=rng.uniform(0.125, 0.155),
        neck=rng.uniform(0.05, 0.07),
        noise=Noise3D(int(rng.integers(2**31))),
    )
