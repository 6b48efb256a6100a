"""The camera of a rendering: a pinhole without a photograph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.scene.views import PinholeView

Float = NDArray[np.float64]


@dataclass(frozen=True)
class FieldCamera:
    """Where a picture is taken from, and its size.

    Attributes:
        cam_from_world: (4, 4) rigid, OpenCV axes.
        focal_px: (fx, fy) in px.
        principal_px: (cx, cy) in px; the centre of the upper left pixel is (0.5, 0.5).
        width: in px.
        height: in px.
    """

    cam_from_world: Float
    focal_px: tuple[float, float]
    principal_px: tuple[float, float]
    width: int
    height: int

    @property
    def intrinsics(self) -> Float:
        """(4,) fx, fy, cx, cy in px."""
        return np.array([*self.focal_px, *self.principal_px])

    @property
    def matrix(self) -> Float:
        """(3, 3) of the intrinsics, px from camera rays."""
        (fx, fy), (cx, cy) = self.focal_px, self.principal_px
        return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])


def camera_of(view: PinholeView) -> FieldCamera:
    """The camera that took `view`."""
    return FieldCamera(
        view.cam_from_world, view.focal_px, view.principal_px, view.width, view.height
    )
