"""A capture on an orbit with generated pictures, and its export written to a folder."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.formats.heif import register_heif
from synthetic import CAMERA, orbit_cameras

OPENCV = Camera("OPENCV", 400, 300, (350, 360, 203, 148, 0.08, -0.03, 0.002, -0.001))


def picture(size: tuple[int, int] = (400, 300), form: str = "JPEG", **options) -> bytes:
    register_heif()
    buffer = io.BytesIO()
    Image.new("RGB", size, "teal").save(buffer, form, **options)
    return buffer.getvalue()


def mask_png(size: tuple[int, int] = (400, 300)) -> bytes:
    return picture(size, "PNG")


def capture(camera: Camera = CAMERA, n: int = 8) -> PosedCameras:
    orbit = orbit_cameras(n)
    return PosedCameras(orbit.names, orbit.cam_from_world, (1,) * n, {1: camera})


def image_loaders(cameras: PosedCameras) -> dict:
    return dict.fromkeys(cameras.names, picture)


def export_to(folder: Path, files: dict) -> Path:
    """What the folder dataset does: write text, bytes, and what functions return."""
    for path, value in files.items():
        content = value() if callable(value) else value
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def points_on_axes(cameras: PosedCameras) -> SparsePoints:
    count = len(cameras)
    return SparsePoints(
        xyz=np.eye(3) * 0.1,
        rgb=np.full((3, 3), 200, dtype=np.uint8),
        error_px=np.full(3, -1.0),
        track_point=np.append(np.repeat([0, 1], count), 2),
        track_image=np.array([*cameras.names * 2, cameras.names[0]]),
        track_xy=np.full((2 * count + 1, 2), 7.0),
    )
