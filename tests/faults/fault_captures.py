"""Small captures in memory that faults are put into."""

from __future__ import annotations

import numpy as np

from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.tokens.gauge import axes_intersection
from synthetic import orbit_cameras

SMALL = Camera("PINHOLE", 160, 120, (140.0, 140.0, 80.0, 60.0))


def small_orbit(n: int = 40, seed: int = 0) -> PosedCameras:
    orbit = orbit_cameras(n, seed=seed)
    return PosedCameras(orbit.names, orbit.cam_from_world, orbit.camera_ids, {1: SMALL})


def orbit_photos(
    n: int = 40, seed: int = 0, *, identity: str = "orbit", masks: bool = True
) -> PosedPhotos:
    """Noise in blocks with a brighter disc, the foreground; a frame a second."""
    cameras = small_orbit(n, seed)
    rng = np.random.default_rng(seed)
    y, x = np.indices((120, 160))
    disc = np.hypot(x - 80, y - 60) < 28
    images = {}
    for name in cameras.names:
        blocks = np.kron(rng.integers(20, 120, (15, 20, 3)), np.ones((8, 8, 1)))
        images[name] = (blocks + 100 * disc[..., None]).astype(np.uint8)
    return PosedPhotos(
        identity,
        cameras,
        images,
        dict.fromkeys(cameras.names, disc) if masks else {},
        {name: float(row) for row, name in enumerate(cameras.names)},
    )


def object_of(cameras: PosedCameras) -> np.ndarray:
    return axes_intersection(cameras.centres_xyz, cameras.viewing_directions)


def content(photos: PosedPhotos) -> dict:
    """Everything in a capture as bytes, to be compared."""
    return {
        "names": photos.names,
        "poses": photos.cameras.cam_from_world.tobytes(),
        "ids": photos.cameras.camera_ids,
        "cameras": dict(photos.cameras.cameras),
        "images": {name: rgb.tobytes() for name, rgb in photos.images.items()},
        "masks": {name: mask.tobytes() for name, mask in photos.masks.items()},
        "seconds": dict(photos.seconds),
    }
