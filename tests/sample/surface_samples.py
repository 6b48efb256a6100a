"""Points drawn on a generated surface, to compare what is rendered with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.sample.surface import Surface


def surface_points(
    surface: Surface, count: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """(count, 3) points of the surface, metres, spread over all of it."""
    distances = surface.distances.ravel()
    band = np.flatnonzero(np.abs(distances) < 0.75 * surface.voxel_m)
    chosen = rng.choice(band, count)
    place = np.stack(np.unravel_index(chosen, surface.distances.shape)).astype(float)
    place += rng.uniform(-0.5, 0.5, place.shape)
    points = place * surface.voxel_m + surface.origin
    for _ in range(8):
        points -= surface.normals(points) * surface.distance(points)
    return points.T
