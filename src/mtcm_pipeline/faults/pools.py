"""Pools that are not balanced: a video that lingers, close-ups, a thinned sector.

Nothing is invented: frames are left out, or cut and enlarged with the camera that such a
picture has, so that poses stay exact.

Dimension letters: N frames in order of time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.errors import CaptureError, ParameterError
from mtcm_pipeline.faults.frames import Box, resampled, resampled_mask
from mtcm_pipeline.formats.camera_crops import cropped_camera
from mtcm_pipeline.formats.camera_models import pycolmap_camera
from mtcm_pipeline.tokens.gauge import axes_intersection, canonical_gauge

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

# Fewer frames are no pool to choose from.
LEAST_FRAMES = 8


def lingering(
    photos: PosedPhotos, seed: int, *, share: float = 0.6, places: int = 1
) -> PosedPhotos:
    """As a video that stays at a few places: most of the pool is there.

    A third of the frames, those around the places, stay; of the others so many are left
    out, evenly in time, that the places make up the share.

    Args:
        photos: N frames.
        seed: where the places are.
        share: of the pool that lies at the places, at least a third.
        places: how many there are.

    Raises:
        ParameterError: the share is below a third or not below 1.
        CaptureError: the pool would be too small.
    """
    if not 1 / 3 <= share < 1:
        raise ParameterError(f"share of a lingering pool is {share:g}: give 1/3 to 1")
    rng = np.random.default_rng((seed, 1))
    bearings = _bearings(photos.cameras)
    at_place = _clustered(bearings, len(photos) // 3, places, rng)
    elsewhere = np.flatnonzero(~at_place)
    kept = round(int(at_place.sum()) * (1 - share) / share)
    rest = elsewhere[_evenly(len(elsewhere), kept, rng)]
    return _pool(photos, np.sort(np.concatenate([np.flatnonzero(at_place), rest])))


def close_ups(
    photos: PosedPhotos,
    seed: int,
    *,
    share: float = 0.4,
    zoom: tuple[float, float] = (1.6, 2.5),
) -> PosedPhotos:
    """Neighbouring frames become close-ups: a part of the picture, enlarged.

    Args:
        photos: N frames.
        seed: which frames, which part.
        share: of the frames.
        zoom: (least, most) enlargement.

    Raises:
        ParameterError: an enlargement below 1, or a share beyond 0 to 1.
    """
    if not 1 <= zoom[0] <= zoom[1] or not 0 <= share <= 1:
        raise ParameterError(
            f"close-ups with zoom {zoom} of a share of {share:g}: give zooms from 1 "
            f"on, the smaller first, and a share of 0 to 1"
        )
    rng = np.random.default_rng((seed, 2))
    near = _clustered(_bearings(photos.cameras), round(share * len(photos)), 1, rng)
    centre = axes_intersection(
        photos.cameras.centres_xyz, photos.cameras.viewing_directions
    )
    boxes = {
        name: _close_box(photos, name, centre, rng.uniform(*zoom), rng)
        for name, chosen in zip(photos.names, near, strict=True)
        if chosen
    }
    return cropped(photos, boxes)


def thinned_sector(
    photos: PosedPhotos, seed: int, *, share: float = 0.4, keep_every: int = 4
) -> PosedPhotos:
    """In a sector of azimuths only one in so many frames is left.

    How wide the sector is follows from how many frames it is to hold, so that a capture
    of one side of its subject loses no more than one that goes around it.

    Args:
        photos: N frames.
        seed: where the sector is: around the azimuth of a random frame.
        share: of the frames that stand in the sector.
        keep_every: one in how many stays, in order of time.

    Raises:
        ParameterError: a share beyond 0 to 1, or fewer than one frame in one stays.
        CaptureError: the pool would be too small.
    """
    if not 0 <= share <= 1 or keep_every < 1:
        raise ParameterError(
            f"a sector of a share of {share:g} with one in {keep_every} frames left: "
            f"give a share of 0 to 1, and one in 1 or more"
        )
    rng = np.random.default_rng((seed, 3))
    row = int(rng.integers(len(photos)))
    apart = _azimuths_apart(photos.cameras, row)
    nearest = np.argsort(apart, kind="stable")[: round(share * len(photos))]
    rows = np.sort(nearest)
    gone = np.ones(len(rows), dtype=bool)
    gone[int(rng.integers(keep_every)) :: keep_every] = False
    return _pool(photos, np.setdiff1d(np.arange(len(photos)), rows[gone]))


def cropped(photos: PosedPhotos, boxes: dict[str, Box]) -> PosedPhotos:
    """Some frames cut to a box of their picture's shape and enlarged to its size.

    Args:
        photos: N frames.
        boxes: (left, top, right, bottom) in px by name.
    """
    old = photos.cameras
    cameras, ids = dict(old.cameras), list(old.camera_ids)
    images, masks = dict(photos.images), dict(photos.masks)
    for name, box in boxes.items():
        camera = old.camera_of(name)
        size = camera.size
        number = max(cameras) + 1
        cameras[number] = cropped_camera(camera, box, *size)
        ids[old.names.index(name)] = number
        images[name] = resampled(images[name], box, size)
        if name in masks:
            masks[name] = resampled_mask(masks[name], box, size)
    used = {number: cameras[number] for number in sorted(set(ids))}
    posed = PosedCameras(old.names, old.cam_from_world, tuple(ids), used, old.source)
    return PosedPhotos(photos.identity, posed, images, masks, photos.seconds)


def _close_box(
    photos: PosedPhotos, name: str, centre: Float, zoom: float, rng: np.random.Generator
) -> Box:
    """A box about where the object is seen, within the picture and of its shape."""
    camera, pose = photos.cameras.camera_of(name), photos.cameras.pose_of(name)
    width, height = camera.width / zoom, camera.height / zoom
    in_camera = pose[:3, :3] @ centre + pose[:3, 3]
    found = pycolmap_camera(camera).img_from_cam(in_camera[None])
    x, y = np.asarray(found, dtype=np.float64)[0]
    x += rng.uniform(-0.15, 0.15) * width
    y += rng.uniform(-0.15, 0.15) * height
    left = float(np.clip(x - width / 2, 0, camera.width - width))
    top = float(np.clip(y - height / 2, 0, camera.height - height))
    return (left, top, left + width, top + height)


def _bearings(cameras: PosedCameras) -> Float:
    """(N, 3) unit vectors from the object to the cameras, +z up."""
    offsets = canonical_gauge(cameras).points(cameras.centres_xyz)
    lengths = np.linalg.norm(offsets, axis=1, keepdims=True)
    return np.asarray(offsets / np.maximum(lengths, 1e-300))


def _clustered(
    bearings: Float, count: int, places: int, rng: np.random.Generator
) -> Bool:
    """(N,) the frames around a few places; together `count` of them."""
    chosen = np.zeros(len(bearings), dtype=bool)
    for place in range(places):
        nearness = bearings @ bearings[int(rng.integers(len(bearings)))]
        wanted = round(count * (place + 1) / places) - int(chosen.sum())
        nearness[chosen] = -np.inf
        chosen[np.argsort(-nearness, kind="stable")[:wanted]] = True
    return chosen


def _evenly(n: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """`count` of N rows, evenly spaced."""
    if count <= 0:
        return np.empty(0, dtype=np.int64)
    places = (np.arange(count) + rng.random()) * n / count
    return np.minimum(places.astype(np.int64), n - 1)


def _azimuths_apart(cameras: PosedCameras, row: int) -> Float:
    """(N,) degrees of azimuth between each camera and one of them."""
    bearings = _bearings(cameras)
    azimuth = np.degrees(np.arctan2(bearings[:, 1], bearings[:, 0]))
    return np.asarray(np.abs((azimuth - azimuth[row] + 180.0) % 360.0 - 180.0))


def _pool(photos: PosedPhotos, rows: NDArray[np.int64]) -> PosedPhotos:
    if len(rows) < LEAST_FRAMES:
        raise CaptureError(
            f"{len(rows)} of {len(photos)} frames would be left, a pool needs "
            f"{LEAST_FRAMES}: take a longer capture or thin it less"
        )
    return photos.subset([photos.names[row] for row in rows])
