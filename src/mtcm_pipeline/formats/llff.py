"""poses_bounds.npy, the format of LLFF (Mildenhall et al., SIGGRAPH 2019).

One row of 17 numbers an image: a (3, 5) matrix row by row, then the nearest and farthest
depth. The matrix is camera-to-world with the camera's axes as columns in the order
(down, right, backward), its centre as the fourth column, and height, width and focal
length in px as the fifth. Images are not named: rows go with the sorted file names.

Dimension letter: N images.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.capture.cameras import Camera
from mtcm_pipeline.errors import FileContentError
from mtcm_pipeline.formats.camera_models import make_camera
from mtcm_pipeline.formats.reading import FrameCollector, PoseReading

Float = NDArray[np.float64]
ImageSize = Callable[[str], tuple[int, int] | None]

_COLUMNS = 17
# Files written as float32 stay well under it; a shear does not.
_NON_RIGID_TOLERANCE = 1e-2
_ASPECT_SLACK_PX = 1.0


def read_poses_bounds(
    array: object,
    image_names: Collection[str],
    image_size: ImageSize | None = None,
    source: str = "poses_bounds.npy",
) -> PoseReading:
    """Read poses; one bad row is left out and named in `problems`.

    Args:
        array: (N, 17) numbers.
        image_names: the capture's N image files.
        image_size: (width, height) in px of an image's pixels as stored, or None. The
            file means one size for all; a camera whose image is that size scaled is
            scaled with it, others keep the file's size.
        source: name for messages and `PosedCameras.source`.

    Raises:
        FileContentError: not such an array, or its rows are not as many as the images.
    """
    rows = _checked_rows(array, source)
    names = sorted(image_names)
    if len(rows) != len(names):
        raise FileContentError(
            f"{source} has {len(rows)} rows for {len(names)} images, and its rows go "
            f"with the sorted file names: put back exactly the images that it was made "
            f"from, or delete it to fall back on the next source of poses"
        )
    frames = FrameCollector(source)
    ids: dict[Camera, int] = {}
    for name, row in zip(names, rows, strict=True):
        try:
            pose = _read_pose(row)
            camera = _read_camera(row, image_size(name) if image_size else None)
        except FileContentError as error:
            frames.problems[name] = f"{source}: {error}"
            continue
        frames.add(name, pose, ids.setdefault(camera, len(ids) + 1))
    frames.notes.extend(_depth_note(rows, source))
    return frames.reading({camera_id: camera for camera, camera_id in ids.items()})


def _checked_rows(array: object, source: str) -> Float:
    try:
        rows = np.asarray(array, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise FileContentError(f"{source} holds no numbers ({error})") from error
    if rows.ndim != 2 or rows.shape[1] != _COLUMNS:
        raise FileContentError(
            f"{source} has the shape {rows.shape}, not (images, {_COLUMNS}): write it "
            f"again, or delete it to fall back on the next source of poses"
        )
    return rows


def _read_pose(row: Float) -> Float:
    """(4, 4) cam_from_world, OpenCV axes; the nearest rotation to what is written."""
    matrix = row[:15].reshape(3, 5)
    if not np.isfinite(matrix).all():
        raise FileContentError("its row is not finite")
    down, right, backward = matrix[:, 0], matrix[:, 1], matrix[:, 2]
    # LLFF's columns (down, right, backward) to OpenCV's (right, down, forward).
    written = np.stack([right, down, -backward], axis=1)
    left, _, right_t = np.linalg.svd(written)
    rotation = left @ right_t  # nearest rotation, in the Frobenius norm
    error = float(np.abs(written - rotation).max())
    if np.linalg.det(rotation) < 0 or error > _NON_RIGID_TOLERANCE:
        raise FileContentError(
            f"its pose is not rigid (off the nearest rotation by {error:.3g}, allowed "
            f"{_NON_RIGID_TOLERANCE:g}; a mirrored one has other axes than LLFF's)"
        )
    world_from_cam = np.eye(4)
    world_from_cam[:3, :3] = rotation
    world_from_cam[:3, 3] = matrix[:, 3]
    return invert_rigid(world_from_cam)


def _read_camera(row: Float, size: tuple[int, int] | None) -> Camera:
    """A pinhole with the centre in the middle, at the image's size if it is scaled."""
    height, width, focal = row[4], row[9], row[14]
    if not (height > 0 and width > 0 and focal > 0):
        raise FileContentError(
            f"height {height}, width {width} or focal length {focal} px is not positive"
        )
    if size is not None and _same_shape((width, height), size):
        focal *= size[0] / width
        width, height = size
    width, height = round(width), round(height)
    params = (focal, width / 2, height / 2)
    return make_camera("SIMPLE_PINHOLE", width, height, params, "its camera")


def _same_shape(meant: tuple[float, float], real: tuple[int, int]) -> bool:
    """Whether one size is the other scaled, with sides rounded to whole px."""
    scale = real[0] / meant[0]
    return abs(real[1] - meant[1] * scale) <= max(_ASPECT_SLACK_PX, scale)


def _depth_note(rows: Float, source: str) -> list[str]:
    """The depths serve a renderer, not the poses; they are only mentioned."""
    near, far = rows[:, 15], rows[:, 16]
    if not (np.isfinite(near).all() and np.isfinite(far).all() and len(rows)):
        return []
    return [
        f"{source}: depths from {near.min():.3g} to {far.max():.3g} world units, not used"
    ]
