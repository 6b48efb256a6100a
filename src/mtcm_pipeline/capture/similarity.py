"""Similarity transforms between world frames: x_new = scale * R (x - origin)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.errors import CaptureError

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Similarity:
    """A change of world frame; cameras keep their pixels under it.

    Attributes:
        scale: new units per old unit, positive.
        rotation: (3, 3) proper rotation, new axes from old axes.
        origin_xyz: (3,) the new origin, in old coordinates.
    """

    scale: float
    rotation: Float
    origin_xyz: Float

    def __post_init__(self) -> None:
        rotation = np.asarray(self.rotation, dtype=np.float64).reshape(3, 3)
        origin = np.asarray(self.origin_xyz, dtype=np.float64).reshape(3)
        object.__setattr__(self, "rotation", rotation)
        object.__setattr__(self, "origin_xyz", origin)
        orthonormal = np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-6)
        if not (self.scale > 0 and orthonormal and np.linalg.det(rotation) > 0):
            raise CaptureError(
                f"not a similarity transform: scale {self.scale}, rotation {rotation}"
            )

    def points(self, xyz: Float) -> Float:
        """(..., 3) points from old to new coordinates."""
        return self.scale * (np.asarray(xyz) - self.origin_xyz) @ self.rotation.T

    def directions(self, vectors: Float) -> Float:
        """(..., 3) directions from old to new axes; lengths are kept."""
        return np.asarray(vectors) @ self.rotation.T

    def world_from_cam(self, world_from_cam: Float) -> Float:
        """(..., 4, 4) rigid camera-to-world transforms, from old to new world."""
        moved = np.array(world_from_cam, dtype=np.float64)
        moved[..., :3, :3] = self.rotation @ moved[..., :3, :3]
        moved[..., :3, 3] = self.points(moved[..., :3, 3])
        return moved

    def cam_from_world(self, cam_from_world: Float) -> Float:
        """(..., 4, 4) rigid world-to-camera transforms, from old to new world."""
        return invert_rigid(self.world_from_cam(invert_rigid(cam_from_world)))

    def inverse(self) -> Similarity:
        """The transform back from new to old coordinates."""
        origin = -self.scale * self.rotation @ self.origin_xyz
        return Similarity(1.0 / self.scale, self.rotation.T, origin)

    def to_dict(self) -> dict:
        """Plain numbers, for JSON."""
        return {
            "scale": float(self.scale),
            "rotation": self.rotation.tolist(),
            "origin_xyz": self.origin_xyz.tolist(),
        }

    @classmethod
    def from_dict(cls, content: dict) -> Similarity:
        """The inverse of `to_dict`."""
        return cls(
            float(content["scale"]),
            np.array(content["rotation"], dtype=np.float64),
            np.array(content["origin_xyz"], dtype=np.float64),
        )
