"""Focal lengths of cameras, and cameras at another image size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mtcm_pipeline.capture.cameras import Camera
from mtcm_pipeline.formats.camera_models import camera_model_params

_ALONG_X = {"fx", "cx", "w"}
_ALONG_Y = {"fy", "cy", "h"}
_ALONG_BOTH = {"f"}
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
    scale_x, scale_y = width / camera.width, height / camera.height
    factor = dict.fromkeys(_ALONG_X, scale_x) | dict.fromkeys(_ALONG_Y, scale_y)
    factor |= dict.fromkeys(_ALONG_BOTH, (scale_x + scale_y) / 2)
    names = camera_model_params()[camera.model]
    params = tuple(
        value * factor.get(name, 1.0)
        for name, value in zip(names, camera.params, strict=True)
    )
    return replace(camera, width=width, height=height, params=params)
