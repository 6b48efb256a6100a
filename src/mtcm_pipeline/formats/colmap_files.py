"""Whether the files of a COLMAP model are whole, before pycolmap reads them.

pycolmap reads a truncated .bin without an error (missing numbers become whatever was in
memory), so the sizes that the files themselves announce are checked first. Layout:
https://colmap.github.io/format.html#binary-file-format (all little endian).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

from mtcm_pipeline.errors import FileContentError
from mtcm_pipeline.formats.camera_models import camera_model_params

REQUIRED = ("cameras", "images", "points3D")

_COUNT = struct.Struct("<Q")
_CAMERA = struct.Struct("<IiQQ")
_IMAGE = struct.Struct("<I7dI")
_POINT = struct.Struct("<Q3d3BdQ")
_OBSERVATION_BYTES = 24  # x, y as doubles and the point's id
_TRACK_ELEMENT_BYTES = 8  # image id and index of the observation
_RIG = struct.Struct("<II")
_SENSOR_BYTES = 8  # type and id
_POSE_BYTES = 56  # quaternion and translation as doubles
_FRAME = struct.Struct("<II7dI")
_DATA_ID_BYTES = 16  # sensor type, sensor id, data id


def model_suffix(file_names: Mapping[str, object] | set[str], folder: str) -> str | None:
    """`.bin` or `.txt` if the folder's files are a COLMAP model, None if there is none.

    Raises:
        FileContentError: only part of a model is there.
    """
    for suffix in (".bin", ".txt"):
        there = [stem for stem in REQUIRED if stem + suffix in file_names]
        if len(there) == len(REQUIRED):
            return suffix
    partial = [n for n in file_names if n.partition(".")[0] in REQUIRED]
    if partial:
        needed = ", ".join(stem + ".bin" for stem in REQUIRED)
        raise FileContentError(
            f"{folder} is only part of a COLMAP model: it holds "
            f"{', '.join(sorted(partial))} but needs {needed} (or the same as .txt); "
            f"copy it again, or delete the folder to fall back on the next source"
        )
    return None


def names_in_images_txt(text: str) -> dict[int, str]:
    """Image names by id from `images.txt`, whose two lines an image end in its name.

    pycolmap cuts a name at its first space there, so `IMG 1.jpg` and `IMG 2.jpg` would
    both be `IMG`.
    """
    names = {}
    lines = iter(text.splitlines())
    for line in lines:
        fields = line.split(maxsplit=9)
        if not fields or fields[0].startswith("#"):
            continue
        if len(fields) == 10 and fields[0].isdecimal():
            names[int(fields[0])] = fields[9].strip()
        next(lines, None)  # the observations
    return names


def check_binary_model(contents: Mapping[str, bytes], folder: str) -> None:
    """Raise `FileContentError` if a .bin file is shorter or longer than it announces.

    Args:
        contents: bytes by file name, for example `images.bin`.
        folder: the model's folder, for messages.
    """
    for name, data in contents.items():
        walk = _WALKS.get(name)
        if walk is None:
            continue
        try:
            end = walk(data)
        except (struct.error, ValueError, IndexError) as error:
            raise _damaged(folder, name, len(data), f"it ends too early ({error})") from (
                error
            )
        if end != len(data):
            why = f"it announces {end} bytes"
            raise _damaged(folder, name, len(data), why)


def _damaged(folder: str, name: str, size: int, why: str) -> FileContentError:
    return FileContentError(
        f"{folder}/{name} is truncated or damaged: it has {size} bytes, but {why}; copy "
        f"it again, or delete the folder to fall back on the next source of poses"
    )


def _walk_cameras(data: bytes) -> int:
    lengths = {i: len(p) for i, p in _params_by_model_id().items()}
    (count,), offset = _COUNT.unpack_from(data), _COUNT.size
    for _ in range(count):
        _, model_id, _, _ = _CAMERA.unpack_from(data, offset)
        if model_id not in lengths:
            raise ValueError(f"unknown camera model {model_id}")
        offset += _CAMERA.size + 8 * lengths[model_id]
    return offset


def _params_by_model_id() -> dict[int, tuple[str, ...]]:
    import pycolmap

    ids = pycolmap.CameraModelId.__members__
    return {ids[name].value: params for name, params in camera_model_params().items()}


def _walk_images(data: bytes) -> int:
    (count,), offset = _COUNT.unpack_from(data), _COUNT.size
    for _ in range(count):
        _IMAGE.unpack_from(data, offset)
        offset = data.index(b"\0", offset + _IMAGE.size) + 1
        (observations,) = _COUNT.unpack_from(data, offset)
        offset += _COUNT.size + _OBSERVATION_BYTES * observations
    return offset


def _walk_points(data: bytes) -> int:
    (count,), offset = _COUNT.unpack_from(data), _COUNT.size
    for _ in range(count):
        track_length = _POINT.unpack_from(data, offset)[-1]
        offset += _POINT.size + _TRACK_ELEMENT_BYTES * track_length
    return offset


def _walk_rigs(data: bytes) -> int:
    (count,), offset = _COUNT.unpack_from(data), _COUNT.size
    for _ in range(count):
        _, sensors = _RIG.unpack_from(data, offset)
        offset += _RIG.size + (_SENSOR_BYTES if sensors else 0)
        for _ in range(max(sensors - 1, 0)):
            has_pose = data[offset + _SENSOR_BYTES]
            offset += _SENSOR_BYTES + 1 + (_POSE_BYTES if has_pose else 0)
    return offset


def _walk_frames(data: bytes) -> int:
    (count,), offset = _COUNT.unpack_from(data), _COUNT.size
    for _ in range(count):
        data_ids = _FRAME.unpack_from(data, offset)[-1]
        offset += _FRAME.size + _DATA_ID_BYTES * data_ids
    return offset


_WALKS: dict[str, Callable[[bytes], int]] = {
    "cameras.bin": _walk_cameras,
    "images.bin": _walk_images,
    "points3D.bin": _walk_points,
    "rigs.bin": _walk_rigs,
    "frames.bin": _walk_frames,
}
