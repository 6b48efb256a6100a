"""Where the pictures and the poses of a capture lie, in the folders that tools write.

- images/, photos/ or raw_images/, or the pictures right in the folder: COLMAP,
  nerfstudio, LLFF, cameras;
- whatever folders transforms.json names, or transforms_train.json as the NeRF synthetic
  captures have it;
- else the only folder with pictures, whatever its name.

Poses beside them: poses.json, transforms.json, poses_bounds.npy, and COLMAP's models
under sparse/; without any of these the models that instant-ngp and nerfstudio keep
elsewhere, or that lie right in the folder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from mtcm_pipeline.capture.files import flat_name
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.formats.nerfstudio_extras import named_images

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif")
IMAGE_FOLDERS = ("images", "photos", "raw_images")
MASK_FOLDERS = ("masks", "mask")
# The first found wins.
POSE_SOURCES = ("poses.json", "sparse", "transforms.json", "poses_bounds.npy")
_METADATA_FILES = ("poses.json", "exif.json", "transforms.json", "poses_bounds.npy")
_TRANSFORMS = ("transforms.json", "transforms_train.json")
_SPARSE_SUFFIXES = (".bin", ".txt")
# Where instant-ngp's colmap2nerf and nerfstudio's ns-process-data put COLMAP's models.
_OTHER_MODELS = ("colmap/sparse", "colmap_sparse", "colmap_text")
_MODEL_FILES = ("cameras", "images", "points3D", "rigs", "frames")
# Poses too, but of kinds that nobody here reads: said, not passed over in silence.
_OTHER_POSES = {
    "cameras.xml": "Metashape",
    "sfm_data.json": "OpenMVG",
    "cameras.sfm": "Meshroom",
    "bundle.out": "Bundler",
    "reconstruction.json": "OpenSfM",
}
_POLYCAM = ("cameras", "corrected_cameras")
_DEEPEST = 4
_MOST_NAMED = 8


def files_of(folder: Path) -> list[Path]:
    """Visible files of `folder`, sorted; none where it is absent."""
    if not folder.is_dir():
        return []
    files = (entry for entry in folder.iterdir() if entry.is_file())
    return sorted(file for file in files if not file.name.startswith("."))


def named_files(
    folder: Path, suffixes: tuple[str, ...], *, deep: bool = True
) -> dict[str, Path]:
    """Files by the name that they get; those of sub-folders where there are no others.

    Raises:
        CaptureError: two files of sub-folders would get one name.
    """
    files = [file for file in files_of(folder) if file.suffix.lower() in suffixes]
    if files or not deep or not folder.is_dir():
        return {file.name: file for file in files}
    deeper = (f for f in sorted(folder.rglob("*")) if f.suffix.lower() in suffixes)
    return _flattened(folder, (file for file in deeper if file.is_file()))


def find_pictures(source: Path) -> tuple[Path, dict[str, Path]]:
    """The folder that holds the pictures, and the pictures by the name that they get.

    Raises:
        CaptureError: two pictures of sub-folders would get one name.
    """
    usual = [source / n for n in IMAGE_FOLDERS if (source / n).is_dir()]
    for folder in usual:
        if found := named_files(folder, IMAGE_SUFFIXES):
            return folder, found
    listed = listed_folders(source)
    if len(listed) > 1:
        several = (f for folder in listed for f in files_of(folder))
        pictures = (file for file in several if file.suffix.lower() in IMAGE_SUFFIXES)
        return source, _flattened(source, pictures)
    if not listed and (found := named_files(source, IMAGE_SUFFIXES, deep=False)):
        return source, found
    folders = listed or folders_with_pictures(source)
    if len(folders) == 1:
        return folders[0], named_files(folders[0], IMAGE_SUFFIXES, deep=False)
    return (usual or [source])[0], {}


def listed_folders(source: Path) -> list[Path]:
    """Folders within `source` with the pictures that its transforms file names."""
    folders: dict[Path, None] = {}
    for path in named_images(transforms_content(source)):
        folder = Path(os.path.normpath(source / path)).parent
        if folder not in folders and source in folder.parents:
            folders[folder] = None
    pictured = (f for f in folders if named_files(f, IMAGE_SUFFIXES, deep=False))
    return sorted(pictured)


def folders_with_pictures(folder: Path) -> list[Path]:
    """The folders right within, masks' aside, that hold pictures."""
    return sorted(
        entry
        for entry in folder.iterdir()
        if entry.is_dir()
        and not entry.name.startswith(".")
        and entry.name not in MASK_FOLDERS
        and any(file.suffix.lower() in IMAGE_SUFFIXES for file in files_of(entry))
    )


def captures_within(source: Path) -> list[str]:
    """The folders anywhere within that could be given instead, relative to `source`."""
    found: dict[str, None] = {}
    for folder, inner, _ in os.walk(source):
        inner[:] = sorted(n for n in inner if n[0] != "." and n not in MASK_FOLDERS)
        here = Path(folder)
        relative = here.relative_to(source)
        if len(relative.parts) >= _DEEPEST:
            inner.clear()
        for pictures in folders_with_pictures(here):
            usual = pictures.name in IMAGE_FOLDERS
            found[(here if usual else pictures).relative_to(source).as_posix()] = None
        if len(found) >= _MOST_NAMED:
            break
    return [name for name in found if name != "."]


def find_poses(source: Path) -> dict[str, Path]:
    """Files with poses and EXIF by their path under the identity's metadata folder."""
    found = {n: source / n for n in _METADATA_FILES if (source / n).is_file()}
    if listed := _transforms_file(source):
        found["transforms.json"] = listed
    found.update(_model(source / "sparse"))
    if not any(_source_of(name) for name in found):
        models = (_model(source / name) for name in _OTHER_MODELS)
        found.update(next((m for m in models if m), {}) or _model_right_in(source))
    return found


def given_poses(metadata: Iterable[str]) -> str | None:
    """The source of poses that counts of the files that are there; None without any."""
    tops = {_source_of(name) for name in metadata}
    return next((source for source in POSE_SOURCES if source in tops), None)


def unread_poses(source: Path) -> list[str]:
    """A remark for each file or folder with poses of a kind that is not read."""
    found = {
        f.name: _OTHER_POSES[f.name] for f in files_of(source) if f.name in _OTHER_POSES
    }
    for name in _POLYCAM:
        if any(file.suffix == ".json" for file in files_of(source / name)):
            found[f"{name}/"] = "Polycam"
    return [
        f"left behind: {name}, poses of {program}, which are not read: export them as a "
        f"COLMAP model into sparse/, or as transforms.json (ns-process-data does)"
        for name, program in found.items()
    ]


def unused_models(source: Path, poses: str | None) -> list[str]:
    """A remark on COLMAP models that lie elsewhere, where the poses are not theirs."""
    found = [f"{name}/" for name in _OTHER_MODELS if _model(source / name)]
    if not found or poses in (None, "sparse"):
        return []
    return [
        f"left behind: the COLMAP model in {', '.join(found)}, whose world may be "
        f"another than that of {poses}"
    ]


def _source_of(name: str) -> str | None:
    top = name.split("/", maxsplit=1)[0]
    return top if top in POSE_SOURCES else None


def _flattened(root: Path, files: Iterable[Path]) -> dict[str, Path]:
    """Visible files by their path from `root` as one name."""
    found: dict[str, Path] = {}
    for file in files:
        relative = file.relative_to(root)
        if any(part.startswith(".") for part in relative.parts):
            continue
        name = flat_name(relative)
        if name in found:
            raise CaptureError(
                f"{found[name]} and {file} would both be named {name!r}: rename one"
            )
        found[name] = file
    return found


def _model(folder: Path) -> dict[str, Path]:
    """Files of COLMAP's models under `folder`, as they will lie under sparse/."""
    return {
        f"sparse/{file.relative_to(folder).as_posix()}": file
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.suffix in _SPARSE_SUFFIXES
    }


def _model_right_in(source: Path) -> dict[str, Path]:
    files = [f for f in files_of(source) if f.suffix in _SPARSE_SUFFIXES]
    model = {f"sparse/{f.name}": f for f in files if f.stem in _MODEL_FILES}
    whole = any(f"sparse/images{suffix}" in model for suffix in _SPARSE_SUFFIXES)
    return model if whole else {}


def transforms_content(source: Path) -> object:
    """What the transforms file holds; None without one, or where it is broken, as ingest
    will say."""
    file = _transforms_file(source)
    try:
        return None if file is None else json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def _transforms_file(source: Path) -> Path | None:
    return next((source / n for n in _TRANSFORMS if (source / n).is_file()), None)
