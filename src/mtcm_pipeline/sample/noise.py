"""Value noise in 3D: paint and roughness that belong to the point, not to the picture.

Dimension letters: P points.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from scipy.spatial.transform import Rotation

Array = NDArray[np.floating[Any]]

_LATTICE = 64


class Noise3D:
    """Periodic value noise (Perlin 1985's lattice idea with values at the nodes)."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        shape = (_LATTICE, _LATTICE, _LATTICE)
        self._table = rng.uniform(-1.0, 1.0, shape).astype(np.float32)
        # Turned lattices hide the noise's own axes where octaves are added.
        self._turns = Rotation.random(16, random_state=seed).as_matrix()
        self._shifts = rng.uniform(0.0, _LATTICE, (16, 3, 1))

    def __call__(self, points: Array, spacing_m: float, layer: int = 0) -> Array:
        """Noise in [-1, 1] that varies over about twice `spacing_m`.

        Args:
            points: (3, P) positions in metres.
            spacing_m: distance of the lattice's nodes.
            layer: 0 to 15; each is an independent field.

        Returns:
            (P,) float32.
        """
        turned = self._turns[layer] @ (points / spacing_m) + self._shifts[layer]
        cell = np.floor(turned)
        part = turned - cell
        smooth = cell + part * part * (3.0 - 2.0 * part)
        return map_coordinates(
            self._table, smooth, order=1, mode="grid-wrap", prefilter=False
        )


def smoothstep(low: float, high: float, value: Array) -> Array:
    """0 below `low`, 1 above `high`, a smooth ramp between (`low` may exceed `high`)."""
    part = np.clip((value - low) / (high - low), 0.0, 1.0)
    return part * part * (3.0 - 2.0 * part)
