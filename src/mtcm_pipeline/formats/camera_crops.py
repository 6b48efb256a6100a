"""Cameras of a part of their photograph, at another size."""

from __future__ import annotations

from dataclasses import replace

from mtcm_pipeline.capture.cameras import Camera
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.formats.camera_models import camera_model_params

Box = tuple[float, float, float, float]

_FOCAL_X, _FOCAL_Y, _FOCAL = "fx", "fy", "f"
_CENTRE_X, _CENTRE_Y = "cx", "cy"
_SIZE_X, _SIZE_Y = "w", "h"


def cropped_camera(camera: Camera, box: Box, width: int, height: int) -> Camera:
    """The camera of a box of the photograph, resized to `width` x `height` px.

    Focal lengths are in px and scale with the side they lie along; the principal point
    is in px from the corner, which moves with the box; distortion has no unit and stays.

    Args:
        camera: of the whole photograph; any of COLMAP's models.
        box: (left, top, right, bottom) in px of the photograph from its upper left
            corner; fractions of pixels are allowed.
        width: of the result.
        height: of the result.

    Raises:
        CaptureError: the box is empty, or the model is a panorama, of which a part is
            no panorama.
    """
    left, top, right, bottom = box
    if right <= left or bottom <= top:
        raise CaptureError(f"box {box} of a photograph is empty: left < right is needed")
    scale_x, scale_y = width / (right - left), height / (bottom - top)
    names = camera_model_params()[camera.model]
    whole = box == (0, 0, camera.width, camera.height)
    if not whole and {_SIZE_X, _SIZE_Y} & set(names):
        raise CaptureError(
            f"a part of a {camera.model} picture has no camera of that model: leave "
            f"panoramas whole"
        )
    shift = {_CENTRE_X: left, _CENTRE_Y: top}
    factor = dict.fromkeys((_FOCAL_X, _CENTRE_X, _SIZE_X), scale_x)
    factor |= dict.fromkeys((_FOCAL_Y, _CENTRE_Y, _SIZE_Y), scale_y)
    factor[_FOCAL] = (scale_x + scale_y) / 2
    params = tuple(
        (value - shift.get(name, 0.0)) * factor.get(name, 1.0)
        for name, value in zip(names, camera.params, strict=True)
    )
    return replace(camera, width=width, height=height, params=params)
