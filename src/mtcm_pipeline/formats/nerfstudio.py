"""transforms.json (nerfstudio, instant-ngp, NeRF synthetic) <-> `PosedCameras`.

Its matrices are camera-to-world in OpenGL axes (right, up, backward); `capture.axes`
turns them into ours and back. `applied_transform` and `applied_scale` say how the file's
world came from another one; poses are kept in the file's own world. What it says beside
cameras is read in `nerfstudio_extras`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.axes import (
    invert_rigid,
    opengl_from_world_from_cam,
    world_from_cam_from_opengl,
)
from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.errors import FileContentError
from mtcm_pipeline.formats.nerfstudio_cameras import (
    INTRINSIC_KEYS,
    camera_from_keys,
    keys_from_cameras,
)
from mtcm_pipeline.formats.reading import (
    FrameCollector,
    PoseReading,
    finite_vector,
    resolve_names,
)

Float = NDArray[np.float64]
ImageSize = Callable[[str], tuple[int, int] | None]

# A rotation written with three or four digits stays under it; a shear does not.
NON_RIGID_TOLERANCE = 1e-2
SCALED_TOLERANCE = 1e-3
_SMALLEST_SCALE = 1e-6


def read_transforms(
    content: object,
    image_names: Collection[str] | None = None,
    source: str = "transforms.json",
    *,
    image_size: ImageSize | None = None,
) -> PoseReading:
    """Read poses; one bad frame is left out and named in `problems`.

    Args:
        content: the parsed JSON, with 'frames', intrinsics shared or in each frame.
        image_names: the capture's image files, to resolve folders and extensions.
        source: name for messages and `PosedCameras.source`.
        image_size: (width, height) in px of an image's pixels as stored, or None; needed
            where the file gives an angle of view without `w` and `h`.

    Raises:
        FileContentError: the file as a whole is not such a file.
        CaptureError: two entries mean the same image.
    """
    if not isinstance(content, Mapping) or not isinstance(content.get("frames"), list):
        raise FileContentError(
            f"{source} cannot be used: it has no list 'frames'. Write it again, or "
            f"delete it to fall back on the next source of poses"
        )
    if not content["frames"]:
        raise FileContentError(
            f"{source} lists no frames: write it again, or delete it to fall back on the "
            f"next source of poses"
        )
    entries, notes = _by_path(content["frames"], source)
    resolved, more_notes = resolve_names(entries, image_names, source)
    frames = FrameCollector(source, notes=[*notes, *more_notes])
    shared = {key: content[key] for key in INTRINSIC_KEYS if key in content}
    ids: dict[Camera, int] = {}
    scaled = 0
    for path, name in resolved.items():
        entry = entries[path]
        size = image_size(name) if image_size is not None else None
        own = {key: entry[key] for key in INTRINSIC_KEYS if key in entry}
        try:
            camera = camera_from_keys({**shared, **own}, size)
            pose, scale = _read_matrix(entry.get("transform_matrix"))
        except FileContentError as error:
            frames.problems[name] = f"{source}: {error}"
            continue
        scaled += abs(scale - 1) > SCALED_TOLERANCE
        frames.add(name, pose, ids.setdefault(camera, len(ids) + 1))
    if scaled:
        frames.notes.append(f"{source}: {scaled} rotations were scaled and normalised")
    return frames.reading({camera_id: camera for camera, camera_id in ids.items()})


def transforms_from_cameras(
    cameras: PosedCameras,
    mask_paths: Mapping[str, str] | None = None,
    *,
    ply_path: str | None = None,
    carried: Mapping[str, Any] | None = None,
) -> dict:
    """The content of a transforms.json in nerfstudio's dialect.

    Args:
        cameras: the frames, in the order in which they are written.
        mask_paths: path of the mask by frame. nerfstudio wants a mask for every frame or
            for none, so nothing is written unless all frames have one.
        ply_path: path of sparse points of the same world, None without any.
        carried: further keys of the file, as `nerfstudio_extras.carried_keys` has them.

    Returns:
        Intrinsics at the top where all frames share them, else in every frame;
        `file_path` is `images/<name>`.

    Raises:
        ExportError: a camera's distortion cannot be said in nerfstudio's terms.
    """
    used = [cameras.camera_of(name) for name in cameras.names]
    model, keys = keys_from_cameras(cameras.names, used)
    shared = len(set(used)) <= 1
    matrices = opengl_from_world_from_cam(cameras.world_from_cam)
    masked = mask_paths is not None and all(n in mask_paths for n in cameras.names)
    frames = []
    for name, matrix, own in zip(cameras.names, matrices, keys, strict=True):
        frame = {"file_path": f"images/{name}", **({} if shared else own)}
        frame["transform_matrix"] = matrix.tolist()
        if masked and mask_paths is not None:
            frame["mask_path"] = mask_paths[name]
        frames.append(frame)
    top = keys[0] if shared and keys else {}
    ply = {} if ply_path is None else {"ply_file_path": ply_path}
    return {"camera_model": model, **top, **(carried or {}), **ply, "frames": frames}


def _by_path(entries: list, source: str) -> tuple[dict[str, Mapping], list[str]]:
    """Frames by `file_path`; entries without one and repetitions are noted."""
    found: dict[str, Mapping] = {}
    notes = []
    for index, entry in enumerate(entries):
        path = entry.get("file_path") if isinstance(entry, Mapping) else None
        if not isinstance(path, str) or not path:
            notes.append(
                f"{source}: entry {index} of 'frames' has no file_path: left out"
            )
        elif path in found:
            notes.append(f"{source}: {path!r} is listed twice; the first entry counts")
        else:
            found[path] = entry
    return found, notes


def _read_matrix(value: object) -> tuple[Float, float]:
    """(4, 4) cam_from_world in OpenCV axes, and the scale that the rotation had."""
    size = np.size(value) if isinstance(value, list) else 0
    count = 12 if size == 12 else 16
    rows = finite_vector(value, count, "transform_matrix").reshape(-1, 4)
    linear = rows[:3, :3]
    determinant = float(np.linalg.det(linear))
    scale = float(np.cbrt(abs(determinant)))
    if scale < _SMALLEST_SCALE:
        raise FileContentError("its transform_matrix has no rotation (determinant 0)")
    if determinant < 0:
        raise FileContentError("its transform_matrix mirrors (negative determinant)")
    left, _, right = np.linalg.svd(linear)
    rotation = left @ right  # nearest rotation, in the Frobenius norm
    error = float(np.abs(linear / scale - rotation).max())
    if error > NON_RIGID_TOLERANCE:
        raise FileContentError(
            f"its transform_matrix is not rigid: it is off the nearest rotation by "
            f"{error:.3g} (allowed {NON_RIGID_TOLERANCE:g})"
        )
    world_from_cam_gl = np.eye(4)
    world_from_cam_gl[:3, :3] = rotation
    world_from_cam_gl[:3, 3] = rows[:3, 3]
    return invert_rigid(world_from_cam_from_opengl(world_from_cam_gl)), scale
