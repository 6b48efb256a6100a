"""Bring a folder with a capture into the project's layout under data/.

What is looked for in the source folder:

| there                                              | under data/                  |
|----------------------------------------------------|------------------------------|
| pictures, where `capture_folders` finds them       | raw_images/<identity>/       |
| the masks that transforms.json names; else masks/  | masks/<identity>/x.png       |
| or mask/ (`x.png`, `x.jpg`, `x.jpg.png` as COLMAP) |                              |
| embeddings/                                        | embeddings/<identity>/       |
| poses, where `capture_folders` finds them,         | metadata/<identity>/         |
| exif.json, and the points that transforms.json     |                              |
| names                                              |                              |

Where a folder has sub-folders only, one for each camera as a rule, their files come
along: `images/left/1.jpg` becomes `left_1.jpg`, its mask `left_1.png`; poses find them
by either name (`formats.reading.resolve_names`).
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mtcm_pipeline.capture.files import by_stem, stem_of
from mtcm_pipeline.capture_folders import (
    IMAGE_FOLDERS,
    IMAGE_SUFFIXES,
    MASK_FOLDERS,
    captures_within,
    files_of,
    find_pictures,
    find_poses,
    folders_with_pictures,
    given_poses,
    listed_folders,
    named_files,
    unread_poses,
    unused_models,
)
from mtcm_pipeline.capture_named import absent_masks, named_files_of
from mtcm_pipeline.errors import CaptureError, FileContentError
from mtcm_pipeline.identity_folders import Parts, install_identity

# Pictures too, but of kinds that nobody here reads: said, not passed over in silence.
_OTHER_PICTURES = (
    ".tif", ".tiff", ".bmp", ".gif", ".avif", ".jxl", ".jp2", ".exr",
    ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2",
)  # fmt: skip
_VIDEOS = (".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".wmv")
# JPEG masks only where there are none of PNG: beside those they are previews.
_MASK_SUFFIXES = ((".png",), (".jpg", ".jpeg"))


@dataclass(frozen=True)
class FoundCapture:
    """The files of a capture, by the names that they get; nothing was copied yet.

    Attributes:
        images: picture files by file name.
        masks: mask files by `<stem>.png`; JPEG files among them become PNG on import.
        named_masks: those that a transforms.json names, in which all but 0 is foreground.
        embeddings: `.npy` files by file name.
        metadata: pose and EXIF files by path relative to the metadata folder.
        notes: what was seen and left behind, for people.
    """

    images: dict[str, Path]
    masks: dict[str, Path]
    embeddings: dict[str, Path]
    metadata: dict[str, Path]
    notes: tuple[str, ...] = ()
    named_masks: frozenset[str] = frozenset()

    @property
    def given_poses(self) -> str | None:
        """The source of poses that counts of those that are there; None without any."""
        return given_poses(self.metadata)

    @property
    def pose_source(self) -> str:
        """Where the poses will come from; several sources may lie side by side."""
        return self.given_poses or "none given: structure from motion on the images"

    def lines(self) -> list[str]:
        """The findings, a line each."""
        masked = len({stem_of(n) for n in self.images} & {stem_of(n) for n in self.masks})
        return [
            f"frames: {len(self.images)}",
            f"masks: {masked} of {len(self.images)} frames",
            f"embeddings: {len(self.embeddings) or 'none, they are computed'}",
            f"poses: {self.pose_source}",
            f"metadata files: {', '.join(sorted(self.metadata)) or 'none'}",
            *self.notes,
        ]


def find_capture(source: Path) -> FoundCapture:
    """Look through `source` for everything that the layout knows.

    Raises:
        CaptureError: it is no folder, there are no pictures in it that may be read, or
            two of them differ in their endings alone.
    """
    if not source.is_dir():
        raise CaptureError(f"{source} is not a folder: give the folder of a capture")
    folder, images = find_pictures(source)
    if not images:
        raise CaptureError(_no_pictures(source, folder))
    by_stem(images, "images")  # twins are refused here, where they can be renamed
    metadata = find_poses(source)
    poses = given_poses(metadata)
    named = named_files_of(source, images, poses)
    masks, notes = _masks(_first_folder(source, MASK_FOLDERS), images, named.masks)
    notes += absent_masks([path for n, path in named.absent.items() if n not in masks])
    embeddings = named_files(source / "embeddings", (".npy",))
    metadata |= named.points
    taken = {*images.values(), *named.masks.values()}
    notes += _left_behind(source, folder, images, {file.parent for file in taken})
    notes += [*unread_poses(source), *unused_models(source, poses), *named.notes]
    notes += [] if poses else _poses_above(source)
    for files in (images, masks, embeddings):
        notes += _without_unreadable(files)
    if not images:
        raise CaptureError(f"no pictures in {source} can be read: {'; '.join(notes)}")
    return FoundCapture(
        images, masks, embeddings, metadata, tuple(notes), frozenset(named.masks)
    )


def import_capture(
    source: Path, data: Path, identity: str | None = None, *, replace: bool = False
) -> FoundCapture:
    """Copy a capture into the layout under `data`; all of it or nothing.

    Args:
        source: folder of the capture; it is only read.
        data: the project's data folder.
        identity: name of the identity; the source folder's name when left out.
        replace: whether an existing identity may be replaced.

    Raises:
        IdentityError: the name is no folder name.
        CaptureError: there are no pictures, or the identity exists already.
    """
    source = source.resolve()
    found = find_capture(source)
    parts: Parts = {
        "raw_images": found.images,
        "masks": {
            name: _as_png(file, named=name in found.named_masks)
            for name, file in found.masks.items()
        },
        "embeddings": found.embeddings,
        "metadata": found.metadata,
    }
    name = source.name if identity is None else identity
    _refuse_own_folders(source, data.resolve(), name)
    install_identity(data, name, parts, replace=replace)
    return found


def _refuse_own_folders(source: Path, data: Path, identity: str) -> None:
    """Replacing an identity by itself would remove the source before it is copied."""
    for part in data.iterdir() if data.is_dir() else ():
        target = part / identity
        if source == target or target in source.parents:
            raise CaptureError(f"{source} is a folder of identity {identity!r} itself")


def _first_folder(source: Path, names: Iterable[str]) -> Path | None:
    return next((source / name for name in names if (source / name).is_dir()), None)


def _as_png(file: Path, *, named: bool) -> Path | bytes:
    """The mask as PNG content where it is of another kind, or where a transforms.json
    names it, by nerfstudio's rule; a broken one as it is."""
    from mtcm_pipeline.formats.masks import mask_as_png

    if file.suffix.lower() == ".png" and not named:
        return file
    try:
        return mask_as_png(file.read_bytes(), file.name, nonzero=named)
    except FileContentError:
        return file  # ingest names it with its frame


def _masks(
    folder: Path | None, images: Iterable[str], given: Mapping[str, Path]
) -> tuple[dict[str, Path], list[str]]:
    """Mask files under the name `<stem of the image>.png`, and what is odd about them.

    Those that are `given` count before those of the folder.
    """
    found: dict[str, Path] = {}
    known = set(images)
    every = [] if folder is None else files_of(folder)
    named: dict[str, Path] = {}
    if folder is not None:
        of_kinds = (named_files(folder, kind) for kind in _MASK_SUFFIXES)
        named = next((files for files in of_kinds if files), {})
    taken = {*named.values(), *given.values()}
    skipped = [file.name for file in every if file not in taken]
    for name, file in named.items():
        own = stem_of(name)
        stem = stem_of(own) if own in known else own
        if f"{stem}.png" in found:
            raise CaptureError(
                f"masks {found[f'{stem}.png'].name!r} and {file.name!r} are for the same "
                f"frame: remove one"
            )
        found[f"{stem}.png"] = file
    found.update(given)
    if not skipped:
        return found, []
    kind = ".png" if any(f.suffix.lower() == ".png" for f in named.values()) else ".jpg"
    return found, [f"left behind: {len(skipped)} masks that are not {kind}"]


def _no_pictures(source: Path, folder: Path) -> str:
    looked = ", ".join(f"{name}/" for name in IMAGE_FOLDERS)
    words = (
        f"no pictures in {source}: looked for {', '.join(IMAGE_SUFFIXES)} in {looked} "
        f"and in the folder itself"
    )
    if deeper := captures_within(source):
        words += (
            f"; there are some in {', '.join(deeper)}: give one of these, or put the "
            f"pictures of one subject into {IMAGE_FOLDERS[0]}/"
        )
    videos = [file for file in files_of(source) if file.suffix.lower() in _VIDEOS]
    told = [f"{videos[0].name} is a video: give it to import-video"] if videos else []
    return "; ".join([words, *told, *_of_other_kinds(folder)])


def _left_behind(
    source: Path, folder: Path, images: Mapping[str, Path], taken: Collection[Path]
) -> list[str]:
    """Remarks on what lies in `folder`, and on pictures in folders not `taken`."""
    notes = _of_other_kinds(folder)
    parents = {file.parent for file in images.values()}
    by_itself = folder != source and folder.name not in IMAGE_FOLDERS
    if by_itself:
        notes.append(f"pictures from {folder.relative_to(source).as_posix()}/")
    if parents != {folder}:
        notes.append(f"from the folders within {folder.name}/, as <folder>_<file>")
    here = source if by_itself else folder
    if others := [f.name for f in folders_with_pictures(here) if f not in taken]:
        notes.append(
            f"left behind: pictures in folders within {here.name}/: "
            f"{', '.join(others)}; import each as an identity of its own, or put all "
            f"pictures into one folder"
        )
    return notes


def _poses_above(source: Path) -> list[str]:
    """A remark where the poses lie beside the folder of pictures that was given."""
    of_above = source.name in IMAGE_FOLDERS or source in listed_folders(source.parent)
    if not of_above or not given_poses(find_poses(source.parent)):
        return []
    return [f"left behind: the poses beside it; give {source.parent} to have them"]


def _without_unreadable(files: dict[str, Path]) -> list[str]:
    """Take out what may not be read; a remark that names the first."""
    closed = [name for name, file in files.items() if not os.access(file, os.R_OK)]
    first = files[closed[0]] if closed else None
    for name in closed:
        del files[name]
    words = f"left behind: {len(closed)} that you may not read, the first {first}"
    return [words] if closed else []


def _of_other_kinds(folder: Path) -> list[str]:
    """A remark on pictures whose kind cannot be read; nothing without any."""
    kinds = [file.suffix.lower() for file in files_of(folder)]
    other = [kind for kind in kinds if kind in _OTHER_PICTURES]
    if not other:
        return []
    return [
        f"left behind: {len(other)} {', '.join(sorted(set(other)))}, which cannot be "
        f"read: convert to JPEG or PNG what is wanted"
    ]
