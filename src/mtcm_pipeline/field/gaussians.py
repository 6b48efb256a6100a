"""What a radiance field is made of here: 3D Gaussians with view-dependent colour.

Dimension letters: N Gaussians.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.errors import CaptureError

Real = NDArray[np.floating]

SH_CONSTANT = 0.28209479177387814
"""Spherical harmonic of degree 0, 1 / (2 sqrt(pi))."""
SH_LINEAR = 0.4886025119029199
"""Factor of the three harmonics of degree 1, sqrt(3 / (4 pi))."""


@dataclass(frozen=True)
class Gaussians:
    """N Gaussians as the optimiser sees them, all numbers unbounded.

    The order of the harmonics and their signs are those of Kerbl et al. 2023 and of
    gsplat: colour = 0.5 + SH_CONSTANT h0 + SH_LINEAR (-y h1 + z h2 - x h3), clipped at
    0 from below, with (x, y, z) the unit direction from the camera to the Gaussian.

    Attributes:
        means_xyz: (N, 3) centres in the world.
        quats_wxyz: (N, 4) rotations, world from the Gaussian's own axes; any length.
        log_scales: (N, 3) logarithm of the standard deviations along its own axes.
        opacity_logits: (N,) logit of the opacity in its centre.
        harmonics: (N, 4, 3) coefficients of the spherical harmonics, by RGB channel.
    """

    means_xyz: Real
    quats_wxyz: Real
    log_scales: Real
    opacity_logits: Real
    harmonics: Real

    def __post_init__(self) -> None:
        n = len(self.means_xyz)
        shapes = {
            "means_xyz": (n, 3),
            "quats_wxyz": (n, 4),
            "log_scales": (n, 3),
            "opacity_logits": (n,),
            "harmonics": (n, 4, 3),
        }
        for name, expected in shapes.items():
            if (shape := getattr(self, name).shape) != expected:
                raise CaptureError(f"Gaussians: {name} is {shape}, not {expected}")

    def __len__(self) -> int:
        return len(self.means_xyz)

    @property
    def opacities(self) -> Real:
        """(N,) opacity in the centre, in 0..1."""
        return np.asarray(1 / (1 + np.exp(-self.opacity_logits)))

    @property
    def scales(self) -> Real:
        """(N, 3) standard deviations along the own axes, in units of the world."""
        return np.asarray(np.exp(self.log_scales))
