"""Points on the scene's surfaces, as the photographs show them.

Dimension letters: P points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.errors import CaptureError

Float = NDArray[np.float64]
Pixels = NDArray[np.float32]


@dataclass(frozen=True)
class ScenePoints:
    """Points with the colour of the pixel that they were seen in.

    Attributes:
        xyz: (P, 3) float64, in the gauge of the views that they come from.
        rgb: (P, 3) float32 in 0..1.
        spacing: (P,) float64, size of a pixel at the point's depth, in world units.
    """

    xyz: Float
    rgb: Pixels
    spacing: Float

    def __post_init__(self) -> None:
        p = len(self.xyz)
        shapes = {
            "xyz": (self.xyz.shape, (p, 3)),
            "rgb": (self.rgb.shape, (p, 3)),
            "spacing": (self.spacing.shape, (p,)),
        }
        for name, (shape, expected) in shapes.items():
            if shape != expected:
                raise CaptureError(f"scene points: {name} is {shape}, not {expected}")

    def __len__(self) -> int:
        return len(self.xyz)

    def take(self, rows: NDArray[np.int64]) -> ScenePoints:
        """The points at `rows`, in that order."""
        return ScenePoints(self.xyz[rows], self.rgb[rows], self.spacing[rows])
