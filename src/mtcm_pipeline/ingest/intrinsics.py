"""Focal lengths of cameras, and cameras at another image size."""

from __future__ import annotations

import numpy as np

from mtcm_pipeline.capture.cameras import Camera
from mtcm_pipeline.formats.camera_crops import cropped_camera
from mtcm_pipeline.formats.camera_models import camera_model_params

# Rounding of a side to whole pixels, as resizing tools do.
_ASPECT_SLACK_PX = 1.0


def mean_focal_px(camera: Camera) -> float:
    """Mean of the focal lengths in px; NaN for a model without one (a panorama)."""
    names = camera_model_params()[camera.model]
    focals = [
        value
        for name, value in zip(names, camera.params, strict=True)
        if name in {"f", "fx", "fy"}
    ]
    return float(np.mean(focals)) if focals else np.nan


def same_aspect(camera: Camera, width: int, height: int) -> bool:
    """Whether an image of that size is the camera's image, only resized."""
    scale = width / camera.width
    return abs(height - camera.height * scale) <= max(_ASPECT_SLACK_PX, scale)


def scaled_camera(camera: Camera, width: int, height: int) -> Camera:
    """The camera of the same photograph resized to `width` x `height` px.

    Focal lengths and principal point are in px from the image's corner and scale with
    the side they lie along; distortion has no unit and stays.
    """
    return cropped_camera(camera, (0, 0, camera.width, camera.height), width, height)
