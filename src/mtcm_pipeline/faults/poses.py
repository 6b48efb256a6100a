"""Wrong poses. The camera is carried about the object, so that it still looks there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Float = NDArray[np.float64]


def rotation_by(degrees: float, rng: np.random.Generator) -> Float:
    """(3, 3) rotation by an angle about an axis of any direction."""
    return np.asarray(
        Rotation.from_rotvec(np.radians(degrees) * random_direction(rng)).as_matrix()
    )


def random_direction(rng: np.random.Generator) -> Float:
    """(3,) unit vector, uniform on the sphere."""
    direction = rng.normal(size=3)
    return np.asarray(direction / np.linalg.norm(direction))


def carried(world_from_cam: Float, object_xyz: Float, turn: Float) -> Float:
    """(..., 4, 4) poses carried about a point: it stays where it is in the picture.

    Args:
        world_from_cam: (..., 4, 4) rigid.
        object_xyz: (3,) the point.
        turn: (3, 3) rotation in the world.
    """
    moved = np.array(world_from_cam, dtype=np.float64)
    moved[..., :3, :3] = turn @ moved[..., :3, :3]
    moved[..., :3, 3] = object_xyz + (moved[..., :3, 3] - object_xyz) @ turn.T
    return moved


def shifted(world_from_cam: Float, shift_xyz: Float) -> Float:
    """(..., 4, 4) poses whose centres moved by a vector of the world."""
    moved = np.array(world_from_cam, dtype=np.float64)
    moved[..., :3, 3] += shift_xyz
    return moved


def trembled(
    world_from_cam: Float, distance: float, degrees: float, rng: np.random.Generator
) -> Float:
    """(4, 4) nearly the same pose, as structure from motion gives the same picture twice.

    Args:
        world_from_cam: (4, 4) rigid.
        distance: of the camera to its object, world units.
        degrees: standard deviation of the turn about each axis; the centre moves by the
            same angle as seen from the object.
        rng: source of the tremor.
    """
    spread = np.radians(degrees)
    moved = np.array(world_from_cam, dtype=np.float64)
    turn = Rotation.from_rotvec(rng.normal(0.0, spread, 3)).as_matrix()
    moved[:3, :3] = moved[:3, :3] @ turn
    moved[:3, 3] += rng.normal(0.0, spread * distance, 3)
    return moved
