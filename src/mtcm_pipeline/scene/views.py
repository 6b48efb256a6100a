"""Photographs as small pinhole views: what the field, the sweep and the hull work on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mtcm_pipeline.capture.cameras import Camera
from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.formats.undistort import undistort_view
from mtcm_pipeline.tokens.gauge import canonical_gauge

Float = NDArray[np.float64]
Pixels = NDArray[np.float32]


@dataclass(frozen=True)
class PinholeView:
    """One photograph without distortion, small.

    Pixels as COLMAP counts them: the centre of the upper left one is (0.5, 0.5).

    Attributes:
        name: of the frame.
        rgb: (H, W, 3) float32 in 0..1.
        mask: (H, W) float32, share of the pixel that is foreground; None without one.
        cam_from_world: (4, 4) rigid, OpenCV axes, translation in units of the world.
        focal_px: (fx, fy) in px of this size.
        principal_px: (cx, cy) in px of this size.
    """

    name: str
    rgb: Pixels
    mask: Pixels | None
    cam_from_world: Float
    focal_px: tuple[float, float]
    principal_px: tuple[float, float]

    @property
    def height(self) -> int:
        """Of the picture in px."""
        return int(self.rgb.shape[0])

    @property
    def width(self) -> int:
        """Of the picture in px."""
        return int(self.rgb.shape[1])

    @property
    def centre_xyz(self) -> Float:
        """(3,) camera centre in the world."""
        pose = self.cam_from_world
        return np.asarray(-pose[:3, :3].T @ pose[:3, 3])


@dataclass(frozen=True)
class PinholeViews:
    """Views of one scene in the canonical gauge, where 1 is the median camera distance.

    Attributes:
        views: N of them, sizes may differ.
        gauge: what brought the capture's world here; its inverse leads back.
    """

    views: tuple[PinholeView, ...]
    gauge: Similarity

    def __len__(self) -> int:
        return len(self.views)

    @property
    def names(self) -> tuple[str, ...]:
        """(N) frame names."""
        return tuple(view.name for view in self.views)

    def subset(self, names: Sequence[str]) -> PinholeViews:
        """The views `names`, in that order."""
        row = {name: i for i, name in enumerate(self.names)}
        missing = [name for name in names if name not in row]
        if missing:
            raise CaptureError(f"no view of {', '.join(map(repr, missing[:5]))}")
        return PinholeViews(tuple(self.views[row[n]] for n in names), self.gauge)


def pinhole_views(
    photos: PosedPhotos, longer_side_px: int, gauge: Similarity | None = None
) -> PinholeViews:
    """Undistorted, scaled down by area, in the canonical gauge.

    Args:
        photos: N posed photographs.
        longer_side_px: of every view; a smaller photograph keeps its size.
        gauge: into which the poses are brought; of these cameras when left out.

    Raises:
        CaptureError: a camera has no pinhole version.
    """
    gauge = gauge or canonical_gauge(photos.cameras)
    poses = gauge.cam_from_world(photos.cameras.cam_from_world)
    return PinholeViews(
        tuple(
            _view(photos, name, pose, longer_side_px)
            for name, pose in zip(photos.names, poses, strict=True)
        ),
        gauge,
    )


def _view(photos: PosedPhotos, name: str, pose: Float, side: int) -> PinholeView:
    camera, rgb, mask = undistort_view(
        photos.cameras.camera_of(name), photos.images[name], photos.masks.get(name)
    )
    size = _scaled_size(camera, side)
    sx, sy = size[0] / camera.width, size[1] / camera.height
    fx, fy, cx, cy = camera.params
    return PinholeView(
        name,
        _scaled(rgb, size),
        None if mask is None else _scaled(np.where(mask, 255, 0).astype(np.uint8), size),
        pose,
        (fx * sx, fy * sy),
        (cx * sx, cy * sy),
    )


def _scaled_size(camera: Camera, side: int) -> tuple[int, int]:
    """(width, height) whose longer side is `side`, or the camera's own if smaller."""
    factor = min(1.0, side / max(camera.width, camera.height))
    return max(1, round(camera.width * factor)), max(1, round(camera.height * factor))


def _scaled(pixels: NDArray[np.uint8], size: tuple[int, int]) -> Pixels:
    """Mean over the area of each new pixel, in 0..1."""
    picture = Image.fromarray(pixels)
    if picture.size != size:
        picture = picture.resize(size, Image.Resampling.BOX)
    return np.asarray(picture, dtype=np.float32) / np.float32(255)
