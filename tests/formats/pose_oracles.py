"""Random cameras and lens formulas written out, independent of the readers."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.capture.points import SparsePoints

# One believable lens for every model that pycolmap 4 knows.
LENSES: dict[str, tuple[float, ...]] = {
    "SIMPLE_PINHOLE": (500, 321, 239),
    "PINHOLE": (500, 510, 321, 239),
    "SIMPLE_RADIAL": (500, 321, 239, 0.05),
    "SIMPLE_RADIAL_FISHEYE": (500, 321, 239, 0.02),
    "RADIAL": (500, 321, 239, 0.05, -0.01),
    "RADIAL_FISHEYE": (500, 321, 239, 0.02, -0.004),
    "OPENCV": (500, 510, 321, 239, 0.06, -0.02, 0.001, -0.002),
    "OPENCV_FISHEYE": (500, 510, 321, 239, 0.02, -0.01, 0.003, -0.001),
    "FULL_OPENCV": (
        500,
        510,
        321,
        239,
        0.06,
        -0.02,
        1e-3,
        -2e-3,
        0.01,
        0.02,
        0.01,
        0.003,
    ),
    "FOV": (500, 510, 321, 239, 0.3),
    "THIN_PRISM_FISHEYE": (
        *(500, 510, 321, 239, 0.02, -0.01, 1e-3, -1e-3),
        *(2e-3, -1e-3, 1e-3, -1e-3),
    ),
    "RAD_TAN_THIN_PRISM_FISHEYE": (
        *(500, 510, 321, 239, 0.02, -0.01, 2e-3, -1e-3),
        *(1e-4, -1e-4, 1e-3, -1e-3, 1e-3, -1e-3, 1e-4, -1e-4),
    ),
    "SIMPLE_DIVISION": (500, 321, 239, -0.05),
    "DIVISION": (500, 510, 321, 239, -0.05),
    "SIMPLE_FISHEYE": (500, 321, 239),
    "FISHEYE": (500, 510, 321, 239),
    "EUCM": (500, 510, 321, 239, 0.5, 1.1),
    "EQUIRECTANGULAR": (640, 480),
}
NERFSTUDIO_MODELS = (
    *("SIMPLE_PINHOLE", "PINHOLE", "SIMPLE_RADIAL", "RADIAL", "OPENCV"),
    *("SIMPLE_FISHEYE", "FISHEYE", "SIMPLE_RADIAL_FISHEYE", "RADIAL_FISHEYE"),
    "OPENCV_FISHEYE",
)


def lens(model: str) -> Camera:
    return Camera(model, 640, 480, LENSES[model])


def random_cameras(
    n: int = 6, *, cameras: tuple[Camera, ...] = (lens("OPENCV"),), seed: int = 0
) -> PosedCameras:
    """n random rigid poses; the cameras are given to the frames in turn."""
    rng = np.random.default_rng(seed)
    poses = np.tile(np.eye(4), (n, 1, 1))
    poses[:, :3, :3] = Rotation.random(n, random_state=seed).as_matrix()
    poses[:, :3, 3] = rng.normal(size=(n, 3))
    ids = tuple(i % len(cameras) + 1 for i in range(n))
    names = tuple(f"IMG {i:02d}.jpg" for i in range(n))
    return PosedCameras(names, poses, ids, dict(enumerate(cameras, start=1)))


def random_points(
    names: tuple[str, ...], *, seed: int = 0, count: int = 30
) -> SparsePoints:
    """Points observed by random subsets of the images, some of them by one only."""
    rng = np.random.default_rng(seed)
    seen = [
        (point, image)
        for point in range(count)
        for image in rng.permutation(len(names))[: rng.integers(1, len(names))]
    ]
    rows, images = np.array(seen).T
    return SparsePoints(
        xyz=rng.normal(size=(count, 3)),
        rgb=rng.integers(0, 256, (count, 3)).astype(np.uint8),
        error_px=rng.uniform(0.1, 1, count),
        track_point=rows.astype(np.int64),
        track_image=np.array(names)[images],
        track_xy=rng.uniform(0, 400, (len(seen), 2)),
    )


def opencv_project(params: tuple[float, ...], in_camera: np.ndarray) -> np.ndarray:
    """(M, 3) camera points to px by OpenCV's formula (pinhole with 4 parameters)."""
    fx, fy, cx, cy, k1, k2, p1, p2 = (*params, 0, 0, 0, 0)[:8]
    x, y = (in_camera[:, :2] / in_camera[:, 2:]).T
    r2 = x * x + y * y
    radial = 1 + k1 * r2 + k2 * r2**2
    xd = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
    yd = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
    return np.stack([fx * xd + cx, fy * yd + cy], axis=1)


def assert_same_cameras(found: PosedCameras, meant: PosedCameras) -> None:
    """The same frames with the same poses and intrinsics, in any order of camera ids."""
    assert set(found.names) == set(meant.names)
    for name in meant.names:
        np.testing.assert_allclose(found.pose_of(name), meant.pose_of(name), atol=1e-12)
        assert found.camera_of(name) == meant.camera_of(name)
