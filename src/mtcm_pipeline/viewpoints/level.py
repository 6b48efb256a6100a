"""Which way is up, exactly enough to read elevations from it.

The canonical gauge takes the mean of the cameras' up vectors. Cameras that look down on
a subject from three sides lean towards the fourth, and so does their mean: by 12 degrees
on a turntable capture, more than a bin's border forgives. People hold the horizon level
whatever they aim at, so each camera's right axis is horizontal: up is the direction to
which all of them are perpendicular.

Dimension letter: N frames.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

_ITERATIONS = 50
# Hands hold a camera level to about 2 degrees; up to there all frames count alike.
_LEVEL_TO = np.sin(np.radians(2.0))
# Pull towards the given up direction, as a mean square of sines (2.6 degrees, squared):
# it decides only where all cameras look the same way and roll cannot be told from tilt.
_PULL = 0.002


def level_up(right_axes: Float, roughly_up: Float) -> Float:
    """The direction to which the cameras' right axes are most nearly perpendicular.

    Minimises the sum of |right . up| over the frames (iteratively re-weighted least
    squares, so that a few cameras turned by hand have bounded pull), plus a small pull
    towards `roughly_up`, which also gives the sign.

    Args:
        right_axes: (N, 3) unit vectors; rows of NaN do not count.
        roughly_up: (3,) unit vector.

    Returns:
        (3,) unit vector; `roughly_up` where no frame has an axis.
    """
    rights = right_axes[np.isfinite(right_axes).all(axis=1)]
    pull = _PULL * (np.eye(3) - np.outer(roughly_up, roughly_up))
    up = roughly_up
    for _ in range(_ITERATIONS if len(rights) else 0):
        weights = 1.0 / np.maximum(np.abs(rights @ up), _LEVEL_TO)
        spread = (rights * (weights / weights.sum())[:, None]).T @ rights
        previous, up = up, np.linalg.eigh(spread + pull)[1][:, 0]
        up = up if up @ roughly_up >= 0 else -up
        if np.linalg.norm(up - previous) < 1e-12:
            break
    return up


def turn_to_level(up: Float) -> Float:
    """(3, 3) the smallest rotation that makes `up` the z axis (Rodrigues' formula).

    Args:
        up: (3,) unit vector, not straight down.
    """
    x, y, z = up
    factor = 1.0 / (1.0 + z)
    return np.array(
        [
            [1.0 - factor * x * x, -factor * x * y, -x],
            [-factor * x * y, 1.0 - factor * y * y, -y],
            [x, y, z],
        ]
    )
