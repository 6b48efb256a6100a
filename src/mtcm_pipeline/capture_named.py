"""What the transforms.json of a folder names beside pictures and poses: masks and points.

Its paths are relative to its own folder, as nerfstudio's dataparser takes them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from mtcm_pipeline.capture.files import stem_of
from mtcm_pipeline.capture_folders import transforms_content
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.formats.nerfstudio_extras import (
    carried_keys,
    named_images,
    named_masks,
    named_points,
    unread_keys,
)
from mtcm_pipeline.formats.reading import resolve_names

_FILE = "transforms.json"
_SHOWN = 3


@dataclass(frozen=True)
class NamedFiles:
    """Files that a transforms.json names, by the names that they get.

    Attributes:
        masks: mask files by `<stem of the image>.png`; several may be one file.
        absent: the masks among these that are not there, by the path that names them.
        points: the `.ply` by its own name; empty without one, or where it is not there.
        notes: what was left behind, for people.
    """

    masks: dict[str, Path]
    absent: dict[str, str]
    points: dict[str, Path]
    notes: tuple[str, ...]


def named_files_of(
    source: Path, images: Collection[str], poses: str | None
) -> NamedFiles:
    """Look for the masks and the points that the transforms.json of `source` names.

    Args:
        source: the folder.
        images: names that its pictures get.
        poses: the source of poses that counts.
    """
    content = transforms_content(source)
    masks, absent = _masks(source, content, images)
    points, notes = _points(source, named_points(content))
    lost = unread_keys(content) if poses == _FILE else list(carried_keys(content))
    if points and poses == "sparse":  # which has points of its own
        lost, points = [*points, *lost], {}
    if lost:
        since = "" if poses == _FILE else f", since the poses come from {poses}"
        notes.append(f"left behind of {_FILE}{since}: {', '.join(lost)}")
    return NamedFiles(masks, absent, points, tuple(notes))


def _points(source: Path, ply: str) -> tuple[dict[str, Path], list[str]]:
    """The file by its own name, or why there is none."""
    if not ply:
        return {}, []
    if Path(ply).suffix.lower() != ".ply":
        return {}, [f"left behind: the points in {ply}, which is no .ply"]
    if not (source / ply).is_file():
        return {}, [f"the points that {_FILE} names are not there: {ply}"]
    return {Path(ply).name: source / ply}, []


def absent_masks(absent: Collection[str]) -> list[str]:
    """A remark that counts and names masks that are not there; nothing without any."""
    shown = [*sorted(absent)[:_SHOWN], *(["..."] if len(absent) > _SHOWN else [])]
    words = f"masks that {_FILE} names are not there: {len(absent)} ({', '.join(shown)})"
    return [words] if absent else []


def _masks(
    source: Path, content: object, images: Collection[str]
) -> tuple[dict[str, Path], dict[str, str]]:
    named = named_masks(content)
    try:
        image_of, _ = resolve_names(named_images(content), images, _FILE)
    except CaptureError:  # two entries mean one image: ingest says so
        return {}, {}
    found: dict[str, Path] = {}
    absent: dict[str, str] = {}
    for path, mask in named.items():
        if path not in image_of:
            continue
        name = f"{stem_of(image_of[path])}.png"
        if (source / mask).is_file():
            found[name] = source / mask
        else:
            absent[name] = mask
    return found, absent
