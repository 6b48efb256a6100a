"""The views of an export as pinhole cameras would have taken them.

Dimension letters: T observations of points in images.
"""

from __future__ import annotations

import numpy as np

from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.errors import CaptureError, ExportError
from mtcm_pipeline.formats.images import (
    decode_image,
    encode_remapped,
    strip_private_metadata,
)
from mtcm_pipeline.formats.undistort import (
    is_pinhole,
    undistort_view,
    undistorted_camera,
    undistorted_positions,
)


def pinhole_cameras(cameras: PosedCameras) -> PosedCameras:
    """The same poses with the PINHOLE version of each camera.

    Raises:
        ExportError: a camera has none (a panorama); the message names a frame of it.
    """
    pinholes: dict[int, Camera] = {}
    for name, camera_id in zip(cameras.names, cameras.camera_ids, strict=True):
        if camera_id in pinholes:
            continue
        try:
            pinholes[camera_id] = undistorted_camera(cameras.cameras[camera_id])
        except CaptureError as error:
            raise ExportError(f"frame {name!r} cannot be undistorted: {error}") from error
    return PosedCameras(
        cameras.names,
        cameras.cam_from_world,
        cameras.camera_ids,
        pinholes,
        cameras.source,
    )


def undistorted_points(points: SparsePoints, cameras: PosedCameras) -> SparsePoints:
    """The points with their observations where the pinhole images show them.

    Args:
        points: with observations in px of the images as they were.
        cameras: the cameras of those images, with their lenses.

    Returns:
        The same points; observations outside of the pinhole images, or in frames that
        `cameras` lacks, are dropped. Mean errors stay as the model told them, as COLMAP
        leaves them.
    """
    moved_xy = np.full(points.track_xy.shape, np.nan)  # (T, 2)
    camera_id_of = dict(zip(cameras.names, cameras.camera_ids, strict=True))
    ids = np.array([camera_id_of.get(n, -1) for n in points.track_image.tolist()], int)
    for camera_id in set(cameras.camera_ids):
        rows = np.flatnonzero(ids == camera_id)
        moved_xy[rows] = undistorted_positions(
            cameras.cameras[camera_id], points.track_xy[rows]
        )
    kept = np.isfinite(moved_xy).all(axis=1)
    return SparsePoints(
        points.xyz,
        points.rgb,
        points.error_px,
        points.track_point[kept],
        points.track_image[kept],
        moved_xy[kept],
    )


def undistorted_image(data: bytes, name: str, camera: Camera) -> bytes:
    """The image file as a pinhole camera would have taken it, without private metadata.

    Where there is nothing to undistort, pixels stay as they are
    (`strip_private_metadata`); else the file is encoded anew (`encode_remapped`), and
    transparent pixels lie over white.

    Raises:
        FileContentError: truncated or unreadable.
        ExportError: the image has not the size of its camera.
    """
    size = camera.size
    if is_pinhole(camera):
        return strip_private_metadata(data, name, size)
    rgb = decode_image(data, name, size).rgb
    try:
        _, remapped, _ = undistort_view(camera, rgb, None)
    except CaptureError as error:
        raise ExportError(f"frame {name!r} cannot be undistorted: {error}") from error
    return encode_remapped(remapped, data)
