"""Intrinsics of transforms.json <-> COLMAP's camera models.

nerfstudio knows two lenses. Perspective: r' = r (1 + k1 r^2 + k2 r^4 + k3 r^6) with
tangential p1, p2 as in OpenCV. Fisheye: theta (1 + k1 theta^2 + ... + k4 theta^8).
Pixels count from the corner of the upper left pixel, as in COLMAP.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from mtcm_pipeline.capture.cameras import Camera
from mtcm_pipeline.errors import ExportError, FileContentError
from mtcm_pipeline.formats.camera_models import make_camera

INTRINSIC_KEYS = (
    *("camera_model", "is_fisheye", "w", "h", "fl_x", "fl_y", "cx", "cy"),
    *("camera_angle_x", "camera_angle_y", "k1", "k2", "k3", "k4", "p1", "p2"),
)
_DISTORTION = ("k1", "k2", "k3", "k4", "p1", "p2")
_PERSPECTIVE = {"SIMPLE_PINHOLE", "PINHOLE", "SIMPLE_RADIAL", "RADIAL", "OPENCV"}
_FISHEYE = {"OPENCV_FISHEYE"}
# The denominator of FULL_OPENCV, which nerfstudio's perspective lens lacks.
_RATIONAL = ("denominator_k4", "denominator_k5", "denominator_k6")

# COLMAP's model -> nerfstudio's lens and the names of what follows fx, fy, cx, cy.
_EXPRESSIBLE: dict[str, tuple[str, tuple[str, ...]]] = {
    "SIMPLE_PINHOLE": ("PINHOLE", ()),
    "PINHOLE": ("PINHOLE", ()),
    "SIMPLE_RADIAL": ("OPENCV", ("k1",)),
    "RADIAL": ("OPENCV", ("k1", "k2")),
    "OPENCV": ("OPENCV", ("k1", "k2", "p1", "p2")),
    "FULL_OPENCV": ("OPENCV", ("k1", "k2", "p1", "p2", "k3", *_RATIONAL)),
    "SIMPLE_FISHEYE": ("OPENCV_FISHEYE", ()),
    "FISHEYE": ("OPENCV_FISHEYE", ()),
    "SIMPLE_RADIAL_FISHEYE": ("OPENCV_FISHEYE", ("k1",)),
    "RADIAL_FISHEYE": ("OPENCV_FISHEYE", ("k1", "k2")),
    "OPENCV_FISHEYE": ("OPENCV_FISHEYE", ("k1", "k2", "k3", "k4")),
}
_ONE_FOCAL = {
    *("SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL", "SIMPLE_FISHEYE"),
    *("SIMPLE_RADIAL_FISHEYE", "RADIAL_FISHEYE"),
}


def camera_from_keys(keys: Mapping, image_size: tuple[int, int] | None) -> Camera:
    """The camera that a frame's intrinsics mean.

    Args:
        keys: the entries of `INTRINSIC_KEYS` that hold for the frame.
        image_size: (width, height) in px of the image, used where `w`, `h` are missing.

    Raises:
        FileContentError: the size or focal length is missing, no such lens is known, or
            the intrinsics hold for an image of a size that is not said.
    """
    width, height = _size(keys, image_size)
    fx, fy = _focals(keys, width, height)
    cx = _number(keys, "cx", width / 2)
    cy = _number(keys, "cy", height / 2)
    if not ("w" in keys and "h" in keys):
        _refuse_another_size((cx, cy), (width, height))
    k = {name: _number(keys, name, 0.0) for name in _DISTORTION}
    pinhole = (fx, fy, cx, cy)
    what = "its camera"
    if _is_fisheye(keys):
        lens = (k["k1"], k["k2"], k["k3"], k["k4"])
        return make_camera("OPENCV_FISHEYE", width, height, pinhole + lens, what)
    if k["k4"] != 0:
        raise FileContentError(
            f"its lens has k4 = {k['k4']:g} without being a fisheye: no camera model of "
            f"COLMAP says that; undistort the images"
        )
    lens = (k["k1"], k["k2"], k["p1"], k["p2"])
    if k["k3"] != 0:
        full = (*pinhole, *lens, k["k3"], 0.0, 0.0, 0.0)
        return make_camera("FULL_OPENCV", width, height, full, what)
    if any(name in keys for name in _DISTORTION):
        return make_camera("OPENCV", width, height, pinhole + lens, what)
    return make_camera("PINHOLE", width, height, pinhole, what)


def keys_from_cameras(
    names: Sequence[str], cameras: Sequence[Camera]
) -> tuple[str, list[dict]]:
    """nerfstudio's `camera_model`, and the intrinsics of each frame.

    Args:
        names: frames, for messages.
        cameras: the camera of each frame.

    Raises:
        ExportError: a camera's distortion cannot be said in nerfstudio's terms, or
            fisheye and perspective cameras are mixed (it knows one lens a file).
    """
    lenses = {c: _lens(n, c) for n, c in zip(names, cameras, strict=True)}
    models = {model for model, _ in lenses.values()}
    if len(models) > 1 and "OPENCV_FISHEYE" in models:
        raise ExportError(
            "fisheye and perspective cameras are in one selection, but transforms.json "
            "knows one lens a file: export undistorted views (the parameter "
            "export.undistort: true), or select from one camera"
        )
    model = "OPENCV" if "OPENCV" in models else next(iter(models), "PINHOLE")
    zero = {
        "PINHOLE": (),
        "OPENCV": ("k1", "k2", "p1", "p2"),
        "OPENCV_FISHEYE": ("k1", "k2", "k3", "k4"),
    }[model]
    padding = dict.fromkeys(zero, 0.0)
    return model, [{**padding, **lenses[camera][1]} for camera in cameras]


def _lens(name: str, camera: Camera) -> tuple[str, dict]:
    """nerfstudio's model and keys of one camera."""
    if camera.model not in _EXPRESSIBLE:
        raise _not_expressible(name, camera)
    model, extra_names = _EXPRESSIBLE[camera.model]
    params = list(camera.params)
    if camera.model in _ONE_FOCAL:
        params.insert(0, params[0])
    fx, fy, cx, cy, *extra = params
    named = dict(zip(extra_names, extra, strict=True))
    denominator = [named.pop(key, 0.0) for key in _RATIONAL]
    if any(denominator):
        raise _not_expressible(name, camera)
    size = {"w": camera.width, "h": camera.height}
    return model, {**size, "fl_x": fx, "fl_y": fy, "cx": cx, "cy": cy, **named}


def _not_expressible(name: str, camera: Camera) -> ExportError:
    return ExportError(
        f"the camera of frame {name!r} ({camera.model} {camera.params}) cannot be said "
        f"in nerfstudio's terms: export undistorted views (the parameter "
        f"export.undistort: true)"
    )


def _is_fisheye(keys: Mapping) -> bool:
    model = keys.get("camera_model")
    if model is None:
        return bool(keys.get("is_fisheye", False))
    if model in _FISHEYE:
        return True
    if model in _PERSPECTIVE:
        return bool(keys.get("is_fisheye", False))
    known = ", ".join(sorted(_PERSPECTIVE | _FISHEYE))
    raise FileContentError(f"its camera_model is {model!r}; known: {known}")


def _size(keys: Mapping, image_size: tuple[int, int] | None) -> tuple[int, int]:
    if "w" in keys and "h" in keys:
        return round(_number(keys, "w", 0.0)), round(_number(keys, "h", 0.0))
    if image_size is None:
        raise FileContentError(
            "its image size is unknown: there is neither 'w' and 'h' nor a readable image"
        )
    return image_size


def _refuse_another_size(
    principal_px: tuple[float, float], size: tuple[int, int]
) -> None:
    """Raise where a principal point tells that the intrinsics are not of this size."""
    for place, extent in zip(principal_px, size, strict=True):
        if not extent / 4 <= place <= 3 * extent / 4:
            raise FileContentError(
                f"its principal point ({principal_px[0]:g}, {principal_px[1]:g}) px is "
                f"far off the middle of the image, which has {size[0]}x{size[1]} px: "
                f"write the size for which fl_x, cx and cy hold as 'w' and 'h'"
            )


def _focals(keys: Mapping, width: int, height: int) -> tuple[float, float]:
    """Focal lengths in px; what is given for one axis holds for the other as well."""
    fx = _focal(keys, "fl_x", "camera_angle_x", width)
    fy = _focal(keys, "fl_y", "camera_angle_y", height)
    if fx is None and fy is None:
        raise FileContentError("it has neither fl_x nor camera_angle_x: no focal length")
    if fx is None or fy is None:
        only = fx or fy or 0.0
        return only, only
    # An angle of a rounded size must not make pixels oblong: fl_x counts for both axes.
    return (fx, fx) if "fl_x" in keys and "fl_y" not in keys else (fx, fy)


def _focal(keys: Mapping, focal: str, angle: str, extent: int) -> float | None:
    if keys.get(focal) is not None:
        return _number(keys, focal, 0.0)
    if keys.get(angle) is None:
        return None
    angle_rad = _number(keys, angle, 0.0)
    if not 0 < angle_rad < math.pi:
        raise FileContentError(f"its {angle} is {angle_rad:g} rad, not between 0 and pi")
    return 0.5 * extent / math.tan(0.5 * angle_rad)


def _number(keys: Mapping, key: str, default: float) -> float:
    value = keys.get(key, default)
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise FileContentError(f"its {key} is {value!r}, not a number") from error
    if not math.isfinite(number):
        raise FileContentError(f"its {key} is {number}: not finite")
    return number
