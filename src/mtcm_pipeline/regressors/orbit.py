"""Poses as people move: around a subject, looking at about its middle.

A mean of two cameras on an orbit lies inside the orbit, and the mean of their rotations
looks past the subject. Seen as a direction, a distance, and a rotation relative to "look
at the subject with the up side up", the same regressors stay on the orbit.

Tokens live in the canonical gauge: the subject at the origin, +z up.

Dimension letters: N frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.regressors.estimate import Estimate, Regressor
from mtcm_pipeline.regressors.folds import Fold
from mtcm_pipeline.regressors.problem import FieldProblem, nearest_rotations

Float = NDArray[np.float64]

_UP = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True)
class OnOrbit:
    """A regressor of poses that works on orbit numbers instead of plain ones.

    Attributes:
        base: the regressor.
        name: in tables.
    """

    base: Regressor
    name: str

    def estimate(self, problem: FieldProblem, folds: Sequence[Fold]) -> Estimate:
        """See `Regressor`."""
        bent = replace(problem, target=orbit_numbers(problem.target))
        found = self.base.estimate(bent, folds)
        return replace(
            found,
            asked=pose_from_orbit(found.asked),
            left_out=pose_from_orbit(found.left_out),
        )


def orbit_numbers(pose: Float) -> Float:
    """(N, 12) centre and rotation -> (N, 13) direction, distance, relative rotation.

    The relative rotation is between the axes of `aimed_axes` and the camera's.
    """
    distance = np.linalg.norm(pose[:, :3], axis=1, keepdims=True)
    direction = pose[:, :3] / np.maximum(distance, 1e-12)
    rotation = pose[:, 3:].reshape(-1, 3, 3)
    relative = np.swapaxes(aimed_axes(direction), 1, 2) @ rotation
    return np.hstack([direction, distance, relative.reshape(-1, 9)])


def pose_from_orbit(numbers: Float) -> Float:
    """(N, 13) -> (N, 12), the inverse of `orbit_numbers`.

    Directions are brought to length 1 and rotations to the nearest rotation first.
    """
    length = np.linalg.norm(numbers[:, :3], axis=1, keepdims=True)
    direction = numbers[:, :3] / np.maximum(length, 1e-12)
    rotation = aimed_axes(direction) @ nearest_rotations(numbers[:, 4:])
    return np.hstack([direction * numbers[:, 3:4], rotation.reshape(-1, 9)])


def aimed_axes(direction: Float) -> Float:
    """(N, 3, 3) world_from_cam (right, down, forward) of cameras that look at the origin.

    Args:
        direction: (N, 3) unit vectors from the origin to the cameras. Straight above or
            below the origin, right is along +x.
    """
    forward = -direction
    right = np.cross(forward, _UP)
    length = np.linalg.norm(right, axis=1, keepdims=True)
    right = np.where(length > 1e-9, right / np.maximum(length, 1e-9), [1.0, 0.0, 0.0])
    return np.stack([right, np.cross(forward, right), forward], axis=2)
