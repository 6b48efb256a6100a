"""Small synthetic captures that tests are argued on: cameras on a known orbit."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.spatial.transform import Rotation

from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.capture.similarity import Similarity

CAMERA = Camera("PINHOLE", 400, 300, (350.0, 350.0, 200.0, 150.0))


def look_at(centre: np.ndarray, target: np.ndarray, up: np.ndarray) -> np.ndarray:
    """(4, 4) world_from_cam in OpenCV axes of a camera at `centre` facing `target`."""
    forward = (target - centre) / np.linalg.norm(target - centre)
    right = np.cross(forward, up)
    right /= np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    matrix[:3, 3] = centre
    return matrix


def orbit_cameras(n: int = 40, *, seed: int = 0, share: float = 0.8) -> PosedCameras:
    """n cameras about 3 units from the origin, +z up, over `share` of a turn."""
    rng = np.random.default_rng(seed)
    azimuth = np.linspace(0, 2 * np.pi * share, n, endpoint=False)
    elevation = 0.3 * np.sin(3 * azimuth) + 0.2
    distance = 3 + 0.2 * rng.normal(size=n)
    centres = distance[:, None] * np.stack(
        [
            np.cos(azimuth) * np.cos(elevation),
            np.sin(azimuth) * np.cos(elevation),
            np.sin(elevation),
        ],
        axis=1,
    )
    targets = 0.05 * rng.normal(size=(n, 3))
    world_from_cam = np.stack(
        [
            look_at(c, t, np.array([0.0, 0.0, 1.0]))
            for c, t in zip(centres, targets, strict=True)
        ]
    )
    names = tuple(f"f{i:03d}.jpg" for i in range(n))
    return PosedCameras(names, invert_rigid(world_from_cam), (1,) * n, {1: CAMERA})


def moved(cameras: PosedCameras, transform: Similarity) -> PosedCameras:
    """The same cameras in another world frame."""
    return PosedCameras(
        cameras.names,
        transform.cam_from_world(cameras.cam_from_world),
        cameras.camera_ids,
        cameras.cameras,
    )


def random_similarity(seed: int) -> Similarity:
    rng = np.random.default_rng(seed)
    return Similarity(
        float(np.exp(rng.normal())),
        Rotation.random(rng=rng).as_matrix(),
        rng.normal(size=3) * 5,
    )


def smooth_embeddings(cameras: PosedCameras, seed: int = 0) -> np.ndarray:
    """(N, 384) unit vectors that vary smoothly with the viewing direction."""
    rng = np.random.default_rng(seed)
    basis = rng.normal(size=(4, 384))
    features = np.hstack([cameras.viewing_directions, np.ones((len(cameras), 1))])
    vectors = features @ basis + 0.05 * rng.normal(size=(len(cameras), 384))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def frame_table(cameras: PosedCameras, seed: int = 0) -> pd.DataFrame:
    """One complete row a frame, a second apart."""
    n = len(cameras)
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "name": list(cameras.names),
            "width": 400,
            "height": 300,
            "timestamp_s": 1_700_000_000.0 + np.arange(n),
            "mask_area": 0.3 + 0.02 * rng.normal(size=n),
            "focal_px": 350.0,
        }
    )
