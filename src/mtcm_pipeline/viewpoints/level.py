"""Which way is up, exactly enough to read elevations from it.

The canonical gauge takes the mean of the cameras' up vectors. Cameras that look down on
a subject from three sides lean towards the fourth, and so does their mean: by 12 degrees
on a turntable capture, more than a bin's border forgives. People hold the horizon level
whatever they aim at, so each camera's right axis is horizontal: up is the direction to
which all of them are perpendicular. Where pictures were stored on their side (a program
dropped the EXIF orientation without turning them), that holds of the down axis instead.

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
# Pictures lie on their side where their right axes leave the plane that they are nearest
# to by 8 degrees or more (as a mean square of sines), their down axes by far less: the
# one of 24 captures that lies on its side 10 times less, of the others none any less.
_NOT_LEVEL = 0.02
_FAR_MORE_LEVEL = 5.0


def on_their_side(world_from_cam: Float) -> bool:
    """Whether the pictures as a whole are turned by a quarter, either way.

    Args:
        world_from_cam: (N, 3, 3) rotations, OpenCV axes; NaN where there is no pose.
    """
    upright = _off_one_plane(world_from_cam[:, :, 0])
    return upright > max(
        _NOT_LEVEL, _FAR_MORE_LEVEL * _off_one_plane(world_from_cam[:, :, 1])
    )


def camera_up(world_from_cam: Float, offsets: Float, roughly_up: Float) -> Float:
    """Up in the world, from how the cameras were held.

    Args:
        world_from_cam: (N, 3, 3) rotations, OpenCV axes; NaN where there is no pose.
        offsets: (N, 3) camera centres relative to the subject.
        roughly_up: (3,) unit vector, the mean of the cameras' up vectors.

    Returns:
        (3,) unit vector by `level_up`. Where the pictures lie on their side, up is to
        their left or right: to the one from which cameras look down on the subject.
    """
    if not on_their_side(world_from_cam):
        return level_up(world_from_cam[:, :, 0], roughly_up)
    aside = np.nanmean(world_from_cam[:, :, 0], axis=0)
    aside /= np.linalg.norm(aside)
    above = np.nanmean(offsets @ aside)
    return level_up(world_from_cam[:, :, 1], aside if above >= 0 else -aside)


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


def _off_one_plane(axes: Float) -> float:
    """Mean square sine between unit vectors (N, 3) and the plane nearest to them."""
    known = axes[np.isfinite(axes).all(axis=1)]
    if not len(known):
        return 0.0
    return float(np.linalg.eigvalsh(known.T @ known / len(known))[0])


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
