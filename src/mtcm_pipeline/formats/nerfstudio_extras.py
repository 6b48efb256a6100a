"""What a transforms.json says beside its cameras: masks, points, words for the trainer.

Paths are nerfstudio's, relative to the file's own folder. `CARRIED_KEYS` are those of
nerfstudio and instant-ngp that hold for the world of the poses, whichever frames are
chosen: they are written again by the export.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mtcm_pipeline.formats.nerfstudio_cameras import INTRINSIC_KEYS

CARRIED_KEYS = (
    *("aabb_scale", "applied_scale", "applied_transform", "offset"),
    *("orientation_override", "scale"),
)
_READ_AT_TOP = {"frames", "ply_file_path", *INTRINSIC_KEYS, *CARRIED_KEYS}
_READ_IN_FRAMES = {"file_path", "transform_matrix", "mask_path", *INTRINSIC_KEYS}


def named_images(content: object) -> list[str]:
    """Every `file_path`, as often as it is there."""
    paths = (_path(frame, "file_path") for frame in _frames(content))
    return [path for path in paths if path]


def named_masks(content: object) -> dict[str, str]:
    """`mask_path` by `file_path`, of the frames that name a mask."""
    found: dict[str, str] = {}
    for frame in _frames(content):
        image, mask = _path(frame, "file_path"), _path(frame, "mask_path")
        if image and mask:
            found.setdefault(image, mask)
    return found


def named_points(content: object) -> str:
    """`ply_file_path`; empty without one."""
    return _path(content, "ply_file_path") if isinstance(content, Mapping) else ""


def carried_keys(content: object) -> dict[str, Any]:
    """What the export writes again: `CARRIED_KEYS` whose values JSON can say."""
    keys = content if isinstance(content, Mapping) else {}
    return {k: keys[k] for k in CARRIED_KEYS if k in keys and _is_sayable(keys[k])}


def unread_keys(content: object) -> list[str]:
    """Names of the keys that nobody reads, those of frames after those of the file."""
    top = set(content) if isinstance(content, Mapping) else set()
    own = {key for frame in _frames(content) for key in frame}
    return [
        *sorted(map(str, top - _READ_AT_TOP)),
        *(f"{key} of frames" for key in sorted(map(str, own - _READ_IN_FRAMES))),
    ]


def _frames(content: object) -> Iterator[Mapping]:
    frames = content.get("frames") if isinstance(content, Mapping) else None
    for frame in frames if isinstance(frames, list) else ():
        if isinstance(frame, Mapping):
            yield frame


def _path(entry: Mapping, key: str) -> str:
    value = entry.get(key)
    return value.replace("\\", "/") if isinstance(value, str) else ""


def _is_sayable(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return value is not None
