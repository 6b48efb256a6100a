"""poses.json: COLMAP's images and cameras as JSON <-> `PosedCameras`.

COLMAP's convention is ours: `qvec` (w, x, y, z) and `tvec` are cam_from_world in OpenCV
axes (right, down, forward), so no axes change here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.capture.rotations import matrix_from_quat, quat_from_matrix
from mtcm_pipeline.errors import FileContentError
from mtcm_pipeline.formats.camera_models import make_camera
from mtcm_pipeline.formats.reading import (
    FrameCollector,
    PoseReading,
    finite_vector,
    resolve_names,
)

SHORTEST_QUATERNION = 1e-6
# Files that print quaternions with few digits are off by less than this.
UNIT_TOLERANCE = 1e-3
_NAME_KEYS = ("name", "file_name", "image_name")
_ID_KEYS = ("camera_id", "id")


def read_poses_json(
    content: object,
    image_names: Collection[str] | None = None,
    source: str = "poses.json",
) -> PoseReading:
    """Read poses; one bad frame is left out and named in `problems`.

    Args:
        content: the parsed JSON: 'images' by file name (or a list with 'name'), each
            with qvec w, x, y, z, tvec and camera_id; 'cameras' by id (or a list).
        image_names: the capture's image files, to resolve folders and extensions.
        source: name for messages and `PosedCameras.source`.

    Raises:
        FileContentError: the file as a whole is not such a file.
        CaptureError: two entries mean the same image.
    """
    if not isinstance(content, Mapping):
        raise _broken(source, f"it holds a {type(content).__name__}, not an object")
    images = _entries(content, "images", _NAME_KEYS, source)
    raw_cameras = _entries(content, "cameras", _ID_KEYS, source)
    frames = FrameCollector(source)
    resolved, notes = resolve_names(images, image_names, source)
    frames.notes.extend(notes)
    cameras, camera_problems = _read_cameras(raw_cameras)
    stretched = 0
    for path, name in resolved.items():
        try:
            camera_id = _camera_id(images[path], cameras, camera_problems)
            pose, length = _read_pose(images[path])
        except FileContentError as error:
            frames.problems[name] = f"{source}: {error}"
            continue
        stretched += abs(length - 1) > UNIT_TOLERANCE
        frames.add(name, pose, camera_id)
    if stretched:
        frames.notes.append(
            f"{source}: {stretched} quaternions were not of unit length and normalised"
        )
    return frames.reading(cameras)


def poses_json_from_cameras(posed: PosedCameras) -> dict:
    """The content of a poses.json that holds these cameras."""
    quats_wxyz = quat_from_matrix(posed.cam_from_world[:, :3, :3])
    images = {
        name: {
            "qvec": quat.tolist(),
            "tvec": pose[:3, 3].tolist(),
            "camera_id": camera_id,
        }
        for name, quat, pose, camera_id in zip(
            posed.names, quats_wxyz, posed.cam_from_world, posed.camera_ids, strict=True
        )
    }
    cameras = {str(i): _camera_content(camera) for i, camera in posed.cameras.items()}
    return {"images": images, "cameras": cameras}


def _camera_content(camera: Camera) -> dict:
    return {
        "model": camera.model,
        "width": camera.width,
        "height": camera.height,
        "params": list(camera.params),
    }


def _broken(source: str, why: str) -> FileContentError:
    return FileContentError(
        f"{source} cannot be used: {why}; it needs 'images' by file name (qvec, tvec, "
        f"camera_id) and 'cameras' by id (model, width, height, params). Write it again, "
        f"or delete it to fall back on the next source of poses"
    )


def _entries(
    content: Mapping, key: str, id_keys: tuple[str, ...], source: str
) -> dict[str, Mapping]:
    """'images' or 'cameras' by their name, whether written as an object or a list."""
    value = content.get(key)
    if isinstance(value, Mapping):
        entries = [(str(name), entry) for name, entry in value.items()]
    elif isinstance(value, list):
        entries = [(_own_name(entry, id_keys), entry) for entry in value]
    else:
        raise _broken(source, f"{key!r} is {'missing' if value is None else repr(value)}")
    found: dict[str, Mapping] = {}
    for name, entry in entries:
        if name == "" or name in found:
            raise _broken(
                source, f"{key!r} has an entry without name or twice ({name!r})"
            )
        found[name] = entry if isinstance(entry, Mapping) else {}
    return found


def _own_name(entry: object, id_keys: tuple[str, ...]) -> str:
    if not isinstance(entry, Mapping):
        return ""
    return next((str(entry[key]) for key in id_keys if key in entry), "")


def _read_cameras(
    raw: Mapping[str, Mapping],
) -> tuple[dict[int, Camera], dict[int, str]]:
    """Cameras by id; and what is wrong with those that cannot be used."""
    cameras: dict[int, Camera] = {}
    problems: dict[int, str] = {}
    for key, entry in raw.items():
        camera_id = _as_id(key)
        what = f"camera {key}"
        if camera_id is None:
            raise FileContentError(f"the id of {what} is not a whole number: number it")
        try:
            cameras[camera_id] = make_camera(
                entry.get("model"),
                entry.get("width"),
                entry.get("height"),
                entry.get("params"),
                what,
            )
        except FileContentError as error:
            problems[camera_id] = str(error)
    return cameras, problems


def _as_id(value: object) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None


def _camera_id(
    entry: Mapping, cameras: Mapping[int, Camera], problems: Mapping[int, str]
) -> int:
    value = entry.get("camera_id")
    if value is None and len(cameras) == 1 and not problems:
        return next(iter(cameras))
    camera_id = _as_id(value)
    if camera_id is not None and camera_id in problems:
        raise FileContentError(problems[camera_id])
    if camera_id is None or camera_id not in cameras:
        known = ", ".join(map(str, sorted(cameras)))
        raise FileContentError(f"its camera_id is {value!r}, which is not among: {known}")
    return camera_id


def _read_pose(entry: Mapping) -> tuple[NDArray[np.float64], float]:
    """(4, 4) cam_from_world and the length that the quaternion had."""
    quat_wxyz = finite_vector(entry.get("qvec"), 4, "qvec")
    translation = finite_vector(entry.get("tvec"), 3, "tvec")
    length = float(np.linalg.norm(quat_wxyz))
    if length < SHORTEST_QUATERNION:
        raise FileContentError(f"its quaternion has length {length:g}: no rotation")
    pose = np.eye(4)
    pose[:3, :3] = matrix_from_quat(quat_wxyz / length)
    pose[:3, 3] = translation
    return pose, length
