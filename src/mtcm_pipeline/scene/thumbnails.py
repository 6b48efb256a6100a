"""A sketch of the scene from thumbnails: enough to see where the cameras stand about it.

Dimension letters: N frames.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.formats.camera_crops import cropped_camera
from mtcm_pipeline.scene.points import ScenePoints
from mtcm_pipeline.scene.views import pinhole_views

# Seconds rather than minutes: a sweep over this many views of this size shows a subject.
_MOST_VIEWS = 60
_VIEW_PX = 120


def thumbnail_points(
    cameras: PosedCameras,
    thumbnails: Mapping[str, NDArray[np.uint8]],
    names: Sequence[str],
    gauge: Similarity,
    *,
    count: int = 4000,
    seed: int = 0,
) -> ScenePoints:
    """Points of the scene in the canonical gauge, from pictures of a hundred pixels.

    Args:
        cameras: poses and lenses of (at least some of) the frames.
        thumbnails: (h, w, 3) uint8 by name; whole photographs scaled down.
        names: the frames to trust; those without pose or thumbnail are passed over, and
            of many every k-th is taken.
        gauge: into which the poses are brought.
        count: points wanted.
        seed: of the choice among more.

    Returns:
        The points; none where fewer than two frames are left.
    """
    from mtcm_pipeline.scene.sweep import sweep_points

    known = [name for name in names if name in cameras and name in thumbnails]
    known = known[:: max(1, -(-len(known) // _MOST_VIEWS))]
    if len(known) < 2:
        return ScenePoints(np.empty((0, 3)), np.empty((0, 3), np.float32), np.empty(0))
    small = {name: _rgb(thumbnails[name]) for name in known}
    photos = PosedPhotos("thumbnails", _scaled(cameras.subset(known), small), small)
    return sweep_points(pinhole_views(photos, _VIEW_PX, gauge), count, seed)


def thumbnail_photos(
    cameras: PosedCameras,
    thumbnails: Mapping[str, NDArray[np.uint8]],
    masks: Mapping[str, NDArray[np.bool_]] | None = None,
) -> PosedPhotos:
    """The posed frames that have a thumbnail, as photographs of that size.

    Args:
        cameras: poses and lenses of (at least some of) the frames.
        thumbnails: (h, w, 3) uint8 by name; whole photographs scaled down.
        masks: (h, w) True = foreground by name, in the thumbnails' sizes.
    """
    names = [name for name in cameras.names if name in thumbnails]
    small = {name: _rgb(thumbnails[name]) for name in names}
    given = {name: masks[name] for name in names if name in masks} if masks else {}
    return PosedPhotos("thumbnails", _scaled(cameras.subset(names), small), small, given)


def _scaled(
    cameras: PosedCameras, pictures: Mapping[str, NDArray[np.uint8]]
) -> PosedCameras:
    """The same poses with the lenses that such small pictures would have."""
    lenses = {}
    for number, name in enumerate(cameras.names, start=1):
        camera = cameras.camera_of(name)
        tall, wide = pictures[name].shape[:2]
        whole = (0, 0, camera.width, camera.height)
        lenses[number] = cropped_camera(camera, whole, wide, tall)
    return PosedCameras(
        cameras.names, cameras.cam_from_world, tuple(lenses), lenses, cameras.source
    )


def _rgb(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)
