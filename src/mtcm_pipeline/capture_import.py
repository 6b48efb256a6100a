"""Bring a folder with a capture into the project's layout under data/.

What is looked for in the source folder:

| there                                              | under data/                  |
|----------------------------------------------------|------------------------------|
| images/, photos/, raw_images/, or pictures right in| raw_images/<identity>/       |
| masks/ or mask/ (`x.png`, or `x.jpg.png` as COLMAP)| masks/<identity>/x.png       |
| embeddings/                                        | embeddings/<identity>/       |
| poses.json, exif.json, transforms.json,            | metadata/<identity>/         |
| poses_bounds.npy, sparse/                          |                              |

Where a folder has sub-folders only, one for each camera as a rule, their files come
along: `images/left/1.jpg` becomes `left_1.jpg`, its mask `left_1.png`; poses find them
by either name (`formats.reading.resolve_names`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mtcm_pipeline.capture.files import by_stem, flat_name, stem_of
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.identity_folders import install_identity

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif")
# Pictures too, but of kinds that nobody here reads: said, not passed over in silence.
_OTHER_PICTURES = (
    ".tif", ".tiff", ".bmp", ".gif", ".avif", ".jxl", ".jp2", ".exr",
    ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2",
)  # fmt: skip
_IMAGE_FOLDERS = ("images", "photos", "raw_images")
_MASK_FOLDERS = ("masks", "mask")
_METADATA_FILES = ("poses.json", "exif.json", "transforms.json", "poses_bounds.npy")
_SPARSE_SUFFIXES = (".bin", ".txt")
# The first found wins.
_POSE_SOURCES = ("poses.json", "sparse", "transforms.json", "poses_bounds.npy")


@dataclass(frozen=True)
class FoundCapture:
    """The files of a capture, by the names that they get; nothing was copied yet.

    Attributes:
        images: picture files by file name.
        masks: mask files by `<stem>.png`.
        embeddings: `.npy` files by file name.
        metadata: pose and EXIF files by path relative to the metadata folder.
        notes: what was seen and left behind, for people.
    """

    images: dict[str, Path]
    masks: dict[str, Path]
    embeddings: dict[str, Path]
    metadata: dict[str, Path]
    notes: tuple[str, ...] = ()

    @property
    def given_poses(self) -> str | None:
        """The source of poses that counts of those that are there; None without any."""
        tops = {name.split("/")[0] for name in self.metadata}
        return next((source for source in _POSE_SOURCES if source in tops), None)

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
    image_folder = _first_folder(source, _IMAGE_FOLDERS) or source
    images = _named_files(image_folder, IMAGE_SUFFIXES, deep=image_folder != source)
    if not images:
        raise CaptureError(_no_pictures(source, image_folder))
    by_stem(images, "images")  # twins are refused here, where they can be renamed
    masks, notes = _masks(_first_folder(source, _MASK_FOLDERS), images)
    embeddings = _named_files(source / "embeddings", (".npy",))
    notes += _left_behind(image_folder, images)
    for files in (images, masks, embeddings):
        notes += _without_unreadable(files)
    if not images:
        raise CaptureError(f"no pictures in {source} can be read: {'; '.join(notes)}")
    return FoundCapture(images, masks, embeddings, _metadata(source), tuple(notes))


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
    parts = {
        "raw_images": found.images,
        "masks": found.masks,
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


def _files(folder: Path) -> list[Path]:
    """Visible files of `folder`, sorted; none where it is absent."""
    if not folder.is_dir():
        return []
    files = (entry for entry in folder.iterdir() if entry.is_file())
    return sorted(file for file in files if not file.name.startswith("."))


def _named_files(
    folder: Path, suffixes: tuple[str, ...], *, deep: bool = True
) -> dict[str, Path]:
    """Files by the name that they get; those of sub-folders where there are no others."""
    files = [file for file in _files(folder) if file.suffix.lower() in suffixes]
    if files or not deep:
        return {file.name: file for file in files}
    found: dict[str, Path] = {}
    for file in sorted(folder.rglob("*")) if folder.is_dir() else ():
        relative = file.relative_to(folder)
        hidden = any(part.startswith(".") for part in relative.parts)
        if hidden or not file.is_file() or file.suffix.lower() not in suffixes:
            continue
        name = flat_name(relative)
        if name in found:
            raise CaptureError(
                f"{found[name]} and {file} would both be named {name!r}: rename one"
            )
        found[name] = file
    return found


def _masks(
    folder: Path | None, images: Iterable[str]
) -> tuple[dict[str, Path], list[str]]:
    """Mask files under the name `<stem of the image>.png`, and what is odd about them."""
    found: dict[str, Path] = {}
    known = set(images)
    every = () if folder is None else _files(folder)
    skipped = [file.name for file in every if file.suffix.lower() != ".png"]
    named = {} if folder is None else _named_files(folder, (".png",))
    for name, file in named.items():
        own = stem_of(name)
        stem = stem_of(own) if own in known else own
        if f"{stem}.png" in found:
            raise CaptureError(
                f"masks {found[f'{stem}.png'].name!r} and {file.name!r} are for the same "
                f"frame: remove one"
            )
        found[f"{stem}.png"] = file
    notes = [f"left behind: {len(skipped)} masks that are not .png"] if skipped else []
    return found, notes


def _no_pictures(source: Path, folder: Path) -> str:
    looked = ", ".join(f"{name}/" for name in _IMAGE_FOLDERS)
    words = (
        f"no pictures in {source}: looked for {', '.join(IMAGE_SUFFIXES)} in {looked} "
        f"and in the folder itself"
    )
    deeper = _folders_with_pictures(source)
    if deeper:
        words += (
            f"; there are some in {', '.join(deeper)}: give one of these, or put them "
            f"into {_IMAGE_FOLDERS[0]}/"
        )
    return "; ".join([words, *_of_other_kinds(folder)])


def _left_behind(folder: Path, images: Mapping[str, Path]) -> list[str]:
    notes = _of_other_kinds(folder)
    if any(file.parent != folder for file in images.values()):
        notes.append(f"from the folders within {folder.name}/, as <folder>_<file>")
    elif deeper := _folders_with_pictures(folder):
        notes.append(
            f"left behind: pictures in folders within {folder.name}/: "
            f"{', '.join(deeper)}; import each as an identity of its own, or put all "
            f"pictures into one folder"
        )
    return notes


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
    kinds = [file.suffix.lower() for file in _files(folder)]
    other = [kind for kind in kinds if kind in _OTHER_PICTURES]
    if not other:
        return []
    return [
        f"left behind: {len(other)} {', '.join(sorted(set(other)))}, which cannot be "
        f"read: convert to JPEG or PNG what is wanted"
    ]


def _folders_with_pictures(folder: Path) -> list[str]:
    """Names of the folders right within, masks' aside, that hold pictures."""
    return sorted(
        entry.name
        for entry in folder.iterdir()
        if entry.is_dir()
        and not entry.name.startswith(".")
        and entry.name not in _MASK_FOLDERS
        and any(file.suffix.lower() in IMAGE_SUFFIXES for file in _files(entry))
    )


def _metadata(source: Path) -> dict[str, Path]:
    found = {n: source / n for n in _METADATA_FILES if (source / n).is_file()}
    for file in sorted((source / "sparse").rglob("*")):
        if file.is_file() and file.suffix in _SPARSE_SUFFIXES:
            found[file.relative_to(source).as_posix()] = file
    return found
