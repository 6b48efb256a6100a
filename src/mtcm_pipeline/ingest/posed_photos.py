"""Files of a capture -> decoded photographs with poses, small enough to keep in memory.

Dimension letters: N frames.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.capture.files import FileLoaders
from mtcm_pipeline.capture.matching import frame_names, match_to_images, shown
from mtcm_pipeline.capture.photos import RGB, Mask, PosedPhotos
from mtcm_pipeline.errors import CaptureError, FileContentError
from mtcm_pipeline.formats.camera_crops import Box, cropped_camera
from mtcm_pipeline.formats.exif import ExifFacts, merged_facts, read_exif
from mtcm_pipeline.formats.images import decode_image
from mtcm_pipeline.formats.masks import decode_mask
from mtcm_pipeline.formats.reading import PoseReading
from mtcm_pipeline.ingest.frame_poses import FramePoses

log = logging.getLogger(__name__)


@dataclass
class _Gathered:
    """What the pass over the photographs collects, in natural order of the names."""

    images: dict[str, RGB] = field(default_factory=dict)
    masks: dict[str, Mask] = field(default_factory=dict)
    cameras: dict[str, Camera] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)


def posed_photos(
    identity: str,
    images: FileLoaders,
    poses: PoseReading,
    *,
    masks: FileLoaders | None = None,
    exif: Mapping[str, ExifFacts] | None = None,
    longer_side_px: int = 400,
) -> PosedPhotos:
    """Decode the photographs that have a pose and scale them down.

    Both sides are scaled by one factor, so that intrinsics stay exact: where the shorter
    side would not become a whole number of pixels, the last fraction of one is cut off.

    Args:
        identity: name of the capture.
        images: photographs by file name.
        poses: what the poses' file held.
        masks: foreground masks by file name, stems as the images'.
        exif: facts from outside by image name; the rest is read from the photographs.
        longer_side_px: of every photograph; a smaller one keeps its size.

    Returns:
        Frames in order of time where every one has a timestamp (equal ones in natural
        order of their names), else in natural order. Frames without a pose or a readable
        photograph are left out and counted in the log.

    Raises:
        CaptureError: no frame is left.
    """
    names = frame_names(images)
    given = masks or {}
    mask_of = match_to_images(given, names).by_image
    frame_poses = FramePoses.matched(poses, names)
    gathered = _Gathered()
    for name in names:
        try:
            _take(name, images[name](), frame_poses, gathered, longer_side_px)
        except FileContentError as error:
            log.warning("%s: %s", identity, error)
            gathered.dropped.append(name)
            continue
        if name in gathered.cameras:
            _take_time(name, images[name](), (exif or {}).get(name), gathered)
        if name in gathered.cameras and name in mask_of:
            _take_mask(name, given[mask_of[name]], gathered, frame_poses)
    _log_what_is_left_out(identity, names, gathered, frame_poses)
    return _assembled(identity, gathered, frame_poses)


def _log_what_is_left_out(
    identity: str, names: tuple[str, ...], gathered: _Gathered, poses: FramePoses
) -> None:
    for note in poses.notes():
        log.info("%s: %s", identity, note)
    if gathered.dropped:
        what = f"{len(gathered.dropped)} of {len(names)} frames"
        log.info("%s: %s left out: %s", identity, what, shown(gathered.dropped))


def _take(
    name: str, data: bytes, poses: FramePoses, gathered: _Gathered, side: int
) -> None:
    """Decode one photograph; without a pose that fits it, it is dropped."""
    if poses.camera_of(name) is None:
        gathered.dropped.append(name)
        return
    rgb = decode_image(data, name, poses.size_of(name)).rgb
    problem = poses.fit(name, rgb.shape[1], rgb.shape[0])
    camera = poses.camera_of(name)
    if camera is None:
        log.warning("%s: %s", name, "; ".join(problem))
        gathered.dropped.append(name)
        return
    box, (width, height) = scaled_box(camera.width, camera.height, side)
    gathered.cameras[name] = cropped_camera(camera, box, width, height)
    gathered.images[name] = resized(rgb, box, (width, height))


def scaled_box(width: int, height: int, side: int) -> tuple[Box, tuple[int, int]]:
    """Which part of a picture becomes which size, both sides by the same factor.

    Args:
        width: of the picture in px.
        height: of it.
        side: the longer side of the result; a smaller picture stays as it is.

    Returns:
        (left, top, right, bottom) of the part, and (width, height) of the result.
    """
    longer, shorter = max(width, height), min(width, height)
    if longer <= side:
        return (0, 0, width, height), (width, height)
    new_shorter = max(1, side * shorter // longer)
    part = new_shorter * longer / side
    if width >= height:
        return (0, 0, width, part), (side, new_shorter)
    return (0, 0, part, height), (new_shorter, side)


def resized(rgb: RGB, box: Box, size: tuple[int, int]) -> RGB:
    """The box of an (H, W, 3) picture at (width, height) px."""
    picture = Image.fromarray(rgb)
    if box == (0, 0, *picture.size) and size == picture.size:
        return rgb
    return np.array(picture.resize(size, Image.Resampling.LANCZOS, box=box))


def resized_mask(mask: Mask, box: Box, size: tuple[int, int]) -> Mask:
    """The box of an (H, W) mask at (width, height) px: True where half of a pixel is."""
    picture = Image.fromarray(np.where(mask, 255, 0).astype(np.uint8))
    if box == (0, 0, *picture.size) and size == picture.size:
        return mask
    scaled = picture.resize(size, Image.Resampling.BOX, box=box)
    return np.asarray(np.array(scaled) >= 128)


def _take_mask(
    name: str, load: Callable[[], bytes], gathered: _Gathered, poses: FramePoses
) -> None:
    """Decode one mask; a broken one is absent."""
    whole = poses.size_of(name)
    assert whole is not None
    small = gathered.cameras[name]
    try:
        mask, _ = decode_mask(load(), name, size=whole)
    except FileContentError as error:
        log.warning("%s", error)
        return
    box, size = scaled_box(*whole, max(small.width, small.height))
    gathered.masks[name] = resized_mask(mask, box, size)


def _take_time(
    name: str, data: bytes, outside: ExifFacts | None, gathered: _Gathered
) -> None:
    own = read_exif(data, name)
    time = (own if outside is None else merged_facts(outside, own)).timestamp_s
    if time is not None:
        gathered.seconds[name] = time


def _assembled(identity: str, gathered: _Gathered, poses: FramePoses) -> PosedPhotos:
    names = list(gathered.cameras)
    if not names:
        raise CaptureError(
            f"{identity!r}: no photograph has a pose; give poses for these images"
        )
    seconds = gathered.seconds
    if len(seconds) == len(names):
        names.sort(key=seconds.__getitem__)
    first = min(seconds.values(), default=0.0)
    matrices = poses.cameras().subset(names).cam_from_world
    distinct = list(dict.fromkeys(gathered.cameras[name] for name in names))
    number = {camera: i for i, camera in enumerate(distinct, start=1)}
    cameras = PosedCameras(
        tuple(names),
        matrices,
        tuple(number[gathered.cameras[name]] for name in names),
        {i: camera for camera, i in number.items()},
        poses.source,
    )
    relative = {name: seconds[name] - first for name in names if name in seconds}
    return PosedPhotos(identity, cameras, gathered.images, gathered.masks, relative)
