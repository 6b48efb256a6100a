"""How the kernels see Gaussians, camera and splats: plain arrays with named columns.

Dimension letters: N Gaussians.
"""

from __future__ import annotations

from typing import Any, NamedTuple

TILE = 8
"""Side of the square tiles of pixels, in px."""
NEAR = 0.05
"""Depth before which nothing is drawn, in median camera distances."""
BLUR = 0.3
"""Variance that the pixel grid adds to every splat, in px^2 (Kerbl et al. 2023)."""
MIN_ALPHA = 1 / 255
"""A fainter contribution to a pixel is left out (Kerbl et al. 2023)."""
MAX_ALPHA = 0.99
"""No splat hides more than this (Kerbl et al. 2023); keeps 1 / (1 - alpha) bounded."""
TAN_MARGIN = 0.3
"""Beyond the picture by this share of half its width, the Jacobian is held still."""

# Columns of the splats, (N, SPLAT) and of their gradients, (N, GRADIENT).
U, V = 0, 1  # centre in px
XX, XY, YY = 2, 3, 4  # inverse of the 2D covariance, 1/px^2
OPACITY = 5
RED, GREEN, BLUE = 6, 7, 8
DEPTH = 9  # z in the camera
GRADIENT = 10
CUTOFF = 10  # -log of the falloff at which the splat is fainter than MIN_ALPHA
SPLAT = 11


class GaussianArrays(NamedTuple):
    """The five arrays of `Gaussians`, contiguous and of one float type."""

    means: Any
    quats: Any
    log_scales: Any
    opacity_logits: Any
    harmonics: Any


class CameraArrays(NamedTuple):
    """Pose (4, 4), cam_from_world; intrinsics (4,): fx, fy, cx, cy in px; size in px."""

    pose: Any
    intrinsics: Any
    width: int
    height: int
