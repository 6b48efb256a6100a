"""Feature places in pixels -> normalised coordinates, distortion undone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.cameras import Camera
from mtcm_pipeline.formats.camera_models import pycolmap_camera
from mtcm_pipeline.ingest.intrinsics import mean_focal_px
from mtcm_pipeline.twoview.epipolar import REFERENCE_PX
from mtcm_pipeline.twoview.features import Features

Float = NDArray[np.float64]


@dataclass(frozen=True)
class FrameRays:
    """The features of a frame whose rays are known.

    Attributes:
        features: those features alone.
        xy: (F, 2) normalised coordinates: the ray is (x, y, 1).
        reference_focal_px: focal length if the longest side had 400 px; brings
            normalised coordinates to the px of the thresholds.
    """

    features: Features
    xy: Float
    reference_focal_px: float


def frame_rays(features: Features, camera: Camera) -> FrameRays:
    """Undo the camera; features that it cannot undo (far outside a fisheye) are left out.

    Args:
        features: in px of the photograph, which may have another scale than the camera.
        camera: any of COLMAP's models; of a panorama, which has no image plane, no
            feature is kept.
    """
    scale = np.array([camera.width, camera.height]) / np.array(features.size)
    pixels = np.ascontiguousarray(features.xy * scale, dtype=np.float64)
    xy = np.zeros((0, 2))
    if len(pixels):
        xy = np.asarray(pycolmap_camera(camera).cam_from_img(pixels)).reshape(-1, 2)
    focal = mean_focal_px(camera) * REFERENCE_PX / max(camera.width, camera.height)
    known = np.isfinite(xy).all(axis=1) & np.isfinite(focal)
    kept = Features(features.xy[known], features.descriptors[known], features.size)
    return FrameRays(kept, xy[known], focal)
