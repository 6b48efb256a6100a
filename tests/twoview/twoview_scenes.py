"""Scenes with known geometry: points, cameras, and features that need no photograph."""

from __future__ import annotations

import numpy as np

from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.twoview.features import Features
from synthetic import CAMERA, orbit_cameras

DISTORTED = Camera(
    "OPENCV", 400, 300, (350.0, 340.0, 205.0, 148.0, -0.08, 0.02, 0.001, -0.002)
)


class Scene:
    """Points in a ball about the origin, each with a descriptor of its own."""

    def __init__(self, points: int = 150, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        directions = rng.normal(size=(points, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        self.xyz = directions * rng.uniform(0.2, 0.8, (points, 1))
        self.descriptors = rng.integers(0, 180, (points, 128)).astype(np.uint8)

    def seen_by(self, cameras: PosedCameras, name: str) -> Features:
        """Exact projections of all points, in px, distortion included."""
        import pycolmap

        camera = cameras.camera_of(name)
        pose = cameras.pose_of(name)
        in_cam = self.xyz @ pose[:3, :3].T + pose[:3, 3]
        model = pycolmap.Camera(
            model=camera.model,
            width=camera.width,
            height=camera.height,
            params=list(camera.params),
        )
        xy = np.asarray(model.img_from_cam(in_cam), dtype=np.float32)
        return Features(xy, self.descriptors, (camera.width, camera.height))

    def features(self, cameras: PosedCameras) -> dict[str, Features]:
        return {name: self.seen_by(cameras, name) for name in cameras.names}


def ring(n: int = 12, camera: Camera = CAMERA) -> PosedCameras:
    """n cameras around the scene."""
    orbit = orbit_cameras(n, share=0.5)
    return PosedCameras(orbit.names, orbit.cam_from_world, (1,) * n, {1: camera})


def with_pose(
    cameras: PosedCameras, row: int, world_from_cam: np.ndarray
) -> PosedCameras:
    """The same cameras, one of them elsewhere."""
    matrices = cameras.world_from_cam.copy()
    matrices[row] = world_from_cam
    return PosedCameras(
        cameras.names,
        invert_rigid(matrices),
        cameras.camera_ids,
        cameras.cameras,
        cameras.source,
    )
