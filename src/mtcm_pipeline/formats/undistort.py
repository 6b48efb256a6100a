"""The pinhole version of a view, for exports that know no distortion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from mtcm_pipeline.capture.cameras import Camera
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.formats.camera_models import pycolmap_camera

if TYPE_CHECKING:
    import pycolmap

Float = NDArray[np.float64]
UInt8 = NDArray[np.uint8]
Bool = NDArray[np.bool_]

# Lenses beyond this have no pinhole picture of a usable size.
_MIN_SCALE, _MAX_SCALE = 0.2, 2.0
_ROWS_AT_ONCE = 256  # of the new image, so that memory does not grow with it


def is_pinhole(camera: Camera) -> bool:
    """Whether straight lines are straight already: a perspective lens whose distortion,
    if its model has any, is exactly zero."""
    lens = pycolmap_camera(camera)
    if lens.is_perspective_fisheye() or lens.is_spherical():
        return False
    return not any(camera.params[i] for i in lens.extra_params_idxs())


def undistort_view(
    camera: Camera, rgb: UInt8, mask: Bool | None
) -> tuple[Camera, UInt8, Bool | None]:
    """The view as a camera without distortion would have taken it.

    Focal lengths stay, the size is chosen so that no pixel of the new image lies
    outside of the old one (as COLMAP's undistorter does). Colours are interpolated
    linearly, masks take the nearest pixel. A pinhole comes back as it is.

    Args:
        camera: intrinsics of the image; any of COLMAP's models.
        rgb: (H, W, 3) pixels, H and W as the camera says.
        mask: (H, W), True = foreground; None without one.

    Returns:
        The PINHOLE camera, its (H', W', 3) pixels and its (H', W') mask. Pixels that no
        scaling could bring inside are black and not foreground.

    Raises:
        CaptureError: the sizes do not fit, or the model has no pinhole version.
    """
    _check_size(camera, rgb.shape[:2], "image")
    if mask is not None:
        _check_size(camera, mask.shape, "mask")
    if is_pinhole(camera):
        return _as_pinhole(camera), rgb, mask
    pinhole = undistorted_camera(camera)
    out = np.zeros((pinhole.height, pinhole.width, 3), dtype=np.uint8)
    out_mask = None if mask is None else np.zeros(out.shape[:2], dtype=bool)
    for rows, source_xy in _bands(camera, pinhole):
        out[rows] = _sampled(rgb, source_xy)
        if mask is not None and out_mask is not None:
            out_mask[rows] = _nearest(mask, source_xy)
    return pinhole, out, out_mask


def undistort_mask(camera: Camera, mask: Bool) -> Bool:
    """The (H', W') mask of `undistort_view`, without any image.

    Raises:
        CaptureError: as `undistort_view`.
    """
    _check_size(camera, mask.shape, "mask")
    if is_pinhole(camera):
        return mask
    pinhole = undistorted_camera(camera)
    out = np.zeros((pinhole.height, pinhole.width), dtype=bool)
    for rows, source_xy in _bands(camera, pinhole):
        out[rows] = _nearest(mask, source_xy)
    return out


def undistorted_positions(camera: Camera, positions_xy: Float) -> Float:
    """(T, 2) px in the pinhole image of (T, 2) px in the image of `camera`.

    The inverse of the way that pixels take: to a ray through the old lens, from the ray
    through the pinhole. COLMAP's pixels: the centre of the upper left one is (0.5, 0.5).
    A position that the pinhole image does not hold, or that the lens cannot invert,
    is NaN.

    Raises:
        CaptureError: the model has no pinhole version.
    """
    if is_pinhole(camera) or not len(positions_xy):
        return np.array(positions_xy, dtype=np.float64)
    pinhole = undistorted_camera(camera)
    found = pycolmap_camera(camera).cam_ray_from_img(
        np.ascontiguousarray(positions_xy, dtype=np.float64)
    )
    rays = np.asarray(found, dtype=np.float64)  # (T, 3)
    fx, fy, cx, cy = pinhole.params
    with np.errstate(divide="ignore", invalid="ignore"):
        at = rays[:, :2] / rays[:, 2:] * (fx, fy) + (cx, cy)
    inside = np.all((at >= 0) & (at <= (pinhole.width, pinhole.height)), axis=1)
    return np.where((inside & (rays[:, 2] > 0))[:, None], at, np.nan)


def undistorted_camera(camera: Camera) -> Camera:
    """The PINHOLE camera of `undistort_view`, without any pixels.

    Raises:
        CaptureError: the model has no pinhole version (a panorama).
    """
    import pycolmap

    if is_pinhole(camera):
        return _as_pinhole(camera)
    options = pycolmap.UndistortCameraOptions(
        blank_pixels=0.0, min_scale=_MIN_SCALE, max_scale=_MAX_SCALE
    )
    try:
        found = pycolmap.undistort_camera(options, pycolmap_camera(camera))
    except (ValueError, RuntimeError) as error:
        raise CaptureError(
            f"a camera of model {camera.model} has no pinhole version ({error}): export "
            f"to a format that keeps the model"
        ) from error
    return Camera("PINHOLE", found.width, found.height, tuple(found.params))


def _check_size(camera: Camera, shape: tuple[int, ...], what: str) -> None:
    if tuple(shape) != (camera.height, camera.width):
        raise CaptureError(
            f"the {what} is {shape[1]}x{shape[0]} px but its camera is "
            f"{camera.width}x{camera.height} px: undistort the {what} of that camera"
        )


def _as_pinhole(camera: Camera) -> Camera:
    lens = pycolmap_camera(camera)
    focals = (lens.focal_length_x, lens.focal_length_y)
    middle = (lens.principal_point_x, lens.principal_point_y)
    return Camera("PINHOLE", camera.width, camera.height, focals + middle)


def _bands(camera: Camera, pinhole: Camera) -> Iterator[tuple[slice, Float]]:
    """Rows of the new image, some at a time, with their `_source_positions`."""
    lens = pycolmap_camera(camera)
    for start in range(0, pinhole.height, _ROWS_AT_ONCE):
        rows = slice(start, min(start + _ROWS_AT_ONCE, pinhole.height))
        yield rows, _source_positions(lens, pinhole, rows)


def _source_positions(lens: pycolmap.Camera, pinhole: Camera, rows: slice) -> Float:
    """(rows, W', 2) px in the distorted image of each new pixel's centre; NaN outside.

    COLMAP's pixels: the centre of the upper left one is (0.5, 0.5).
    """
    fx, fy, cx, cy = pinhole.params
    x = (np.arange(pinhole.width) + 0.5 - cx) / fx
    y = (np.arange(rows.start, rows.stop) + 0.5 - cy) / fy
    grid_x, grid_y = np.meshgrid(x, y)
    rays = np.stack([grid_x, grid_y, np.ones_like(grid_x)], axis=-1)
    found = np.asarray(lens.img_from_cam(rays.reshape(-1, 3)), dtype=np.float64)
    found = found.reshape(*grid_x.shape, 2)
    inside = np.all((found >= 0) & (found <= (lens.width, lens.height)), axis=-1)
    return np.where(inside[..., None], found, np.nan)


def _sampled(rgb: UInt8, source_xy: Float) -> UInt8:
    """Linear interpolation; black where the position is NaN."""
    inside = np.isfinite(source_xy[..., 0])
    at = np.where(inside[..., None], source_xy, 0.5)
    coordinates = [at[..., 1] - 0.5, at[..., 0] - 0.5]
    channels = [
        map_coordinates(
            rgb[..., c], coordinates, output=np.float32, order=1, mode="nearest"
        )
        for c in range(3)
    ]
    values = np.clip(np.round(np.stack(channels, axis=-1)), 0, 255)
    return np.where(inside[..., None], values, 0).astype(np.uint8)


def _nearest(mask: Bool, source_xy: Float) -> Bool:
    inside = np.isfinite(source_xy[..., 0])
    at = np.floor(np.where(inside[..., None], source_xy, 0.0)).astype(np.int64)
    column = np.minimum(at[..., 0], mask.shape[1] - 1)
    row = np.minimum(at[..., 1], mask.shape[0] - 1)
    return np.logical_and(mask[row, column], inside)
