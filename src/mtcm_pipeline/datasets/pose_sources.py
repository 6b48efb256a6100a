"""Kedro datasets of what is known about an identity's cameras: poses and EXIF.

`metadata/<identity>/` may hold poses.json, a COLMAP model, transforms.json and LLFF's
poses_bounds.npy; the first of them is used, and a broken one stops the run instead of
being passed over unseen.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from kedro.io import AbstractDataset, DatasetError
from PIL import Image

from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.errors import FileContentError, MtcmError
from mtcm_pipeline.formats.colmap import largest_reconstruction, read_reconstruction
from mtcm_pipeline.formats.colmap_files import (
    check_binary_model,
    model_suffix,
    names_in_images_txt,
)
from mtcm_pipeline.formats.heif import register_heif
from mtcm_pipeline.formats.llff import read_poses_bounds
from mtcm_pipeline.formats.nerfstudio import read_transforms
from mtcm_pipeline.formats.nerfstudio_extras import carried_keys, named_points
from mtcm_pipeline.formats.point_ply import read_point_ply
from mtcm_pipeline.formats.poses_json import read_poses_json
from mtcm_pipeline.formats.reading import (
    PoseReading,
    with_points_of,
    with_untracked_points_of,
)

if TYPE_CHECKING:
    import pycolmap

log = logging.getLogger(__name__)

_IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif"}


class PoseSourcesDataset(AbstractDataset[None, PoseReading | None]):
    """The poses of one identity, from the first source that is there.

    Args:
        path: folder `metadata/<identity>`.
        images_path: folder `raw_images/<identity>`; poses of images that are not in it
            are left out and noted. A relative one is looked for beside `path`, upwards,
            so that it is found from a notebook's working directory too.
        metadata: passed through for Kedro-Viz.

    `load` returns None where there is no source; then poses are to be computed.
    """

    def __init__(
        self, *, path: str, images_path: str, metadata: dict[str, Any] | None = None
    ) -> None:
        self._path = Path(path)
        self._images_path = Path(images_path)
        self.metadata = metadata

    def load(self) -> PoseReading | None:
        images = self._image_files()
        names = set(images) or None
        poses_file = self._path / "poses.json"
        transforms_file = self._path / "transforms.json"
        llff_file = self._path / "poses_bounds.npy"
        size = _size_reader(images)
        try:
            if poses_file.is_file():
                reading = read_poses_json(_read_json(poses_file), names)
            elif (model := _read_sparse(self._path / "sparse", names)) is not None:
                return model
            elif transforms_file.is_file():
                content = _read_json(transforms_file)
                reading = read_transforms(content, names, image_size=size)
                return self._with_named_points(reading, named_points(content))
            elif llff_file.is_file():
                reading = read_poses_bounds(_read_npy(llff_file), images, size)
            else:
                return None
        except MtcmError as error:
            raise type(error)(f"{self._path}: {error}") from error
        return self._with_sparse_points(reading, names)

    def save(self, data: None) -> None:
        raise DatasetError(f"{self._path} is input: poses are read, never written there")

    def _with_sparse_points(
        self, reading: PoseReading, names: set[str] | None
    ) -> PoseReading:
        """Points of a COLMAP model beside the poses; a broken model is only noted."""
        try:
            model = _read_sparse(self._path / "sparse", names)
        except MtcmError as error:
            note = f"its sparse points were not used: {error}"
            return PoseReading(
                reading.cameras, None, reading.problems, (*reading.notes, note)
            )
        if model is not None:
            return with_points_of(reading, model)
        return self._with_points_beside(reading, names)

    def _with_points_beside(
        self, reading: PoseReading, names: set[str] | None
    ) -> PoseReading:
        """Points that a transforms.json names whose poses do not count."""
        file = self._path / "transforms.json"
        try:
            content = _read_json(file) if file.is_file() else {}
            if not (named := named_points(content)):
                return reading
            size = _size_reader(self._image_files())
            other = read_transforms(content, names, image_size=size)
        except MtcmError as error:
            note = f"the points of {file.name} were not used: {error}"
            return replace(reading, notes=(*reading.notes, note))
        other = self._with_named_points(replace(other, notes=()), named)
        return with_untracked_points_of(reading, other)

    def _with_named_points(self, reading: PoseReading, named: str) -> PoseReading:
        """The points of a transforms.json; missing or broken ones are only noted.

        They lie where the file says, or right beside it, as an import puts them.
        """
        if not named:
            return reading
        places = (self._path / named, self._path / Path(named).name)
        file = next((place for place in places if place.is_file()), None)
        points = None
        if file is None:
            note = f"its points were not used: {named} is not there"
        else:
            try:
                xyz, rgb, broken = read_point_ply(file.read_bytes(), named)
            except (FileContentError, OSError) as error:
                note = f"its points were not used: {error}"
            else:
                points = SparsePoints.untracked(xyz, rgb)
                note = f"{len(points)} points without tracks taken from {named}"
                note += f"; {broken} that are not finite were left out" if broken else ""
        notes = (*reading.notes, f"{reading.cameras.source}: {note}")
        return replace(reading, points=points, notes=notes)

    def _image_files(self) -> dict[str, Path]:
        folder = _anchored(self._images_path, self._path)
        if not folder.is_dir():
            return {}
        files = sorted(folder.iterdir())
        return {f.name: f for f in files if f.suffix.lower() in _IMAGE_SUFFIXES}

    def _describe(self) -> dict[str, Any]:
        return {"path": str(self._path), "images_path": str(self._images_path)}

    def _exists(self) -> bool:
        sparse = self._path / "sparse"
        files = ("poses.json", "transforms.json", "poses_bounds.npy")
        return any((self._path / f).is_file() for f in files) or bool(
            _model_folders(sparse)
        )


class ExifJsonDataset(AbstractDataset[None, "dict | list"]):
    """The content of `metadata/<identity>/exif.json`; {} where there is no such file.

    Args:
        path: the file.
        metadata: passed through for Kedro-Viz.
    """

    def __init__(self, *, path: str, metadata: dict[str, Any] | None = None) -> None:
        self._path = Path(path)
        self.metadata = metadata

    def load(self) -> dict | list:
        if not self._path.is_file():
            return {}
        try:
            return _read_json(self._path)
        except FileContentError as error:
            raise FileContentError(f"{self._path.parent}: {error}") from error

    def save(self, data: None) -> None:
        raise DatasetError(f"{self._path} is input: EXIF is read, never written there")

    def _describe(self) -> dict[str, Any]:
        return {"path": str(self._path)}

    def _exists(self) -> bool:
        return self._path.is_file()


class TrainerKeysDataset(AbstractDataset[None, "dict[str, Any]"]):
    """What a transforms.json says to trainers beside its cameras, {} without that file.

    A broken one stops the run only where it is the source of the poses, when these are
    read.

    Args:
        path: the file.
        metadata: passed through for Kedro-Viz.
    """

    def __init__(self, *, path: str, metadata: dict[str, Any] | None = None) -> None:
        self._path = Path(path)
        self.metadata = metadata

    def load(self) -> dict[str, Any]:
        if not self._path.is_file():
            return {}
        try:
            return carried_keys(_read_json(self._path))
        except FileContentError as error:
            log.warning("no keys for trainers are taken over: %s", error)
            return {}

    def save(self, data: None) -> None:
        raise DatasetError(f"{self._path} is input: it is read, never written there")

    def _describe(self) -> dict[str, Any]:
        return {"path": str(self._path)}

    def _exists(self) -> bool:
        return self._path.is_file()


def _read_json(path: Path) -> dict | list:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FileContentError(
            f"{path.name} is not valid JSON ({error}): copy it again, or delete it to "
            f"fall back on the next source"
        ) from error


def _read_npy(path: Path) -> np.ndarray:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise FileContentError(
            f"{path.name} is no readable array of numbers ({error}): copy it again, or "
            f"delete it to fall back on the next source"
        ) from error


def _read_sparse(folder: Path, names: set[str] | None) -> PoseReading | None:
    """The largest COLMAP model in `folder` or in its sub-folders; None without any."""
    models = {
        label: _load_model(path, label) for label, path in _model_folders(folder).items()
    }
    if not models:
        return None
    best, notes = largest_reconstruction(models)
    reading = read_reconstruction(models[best], names, best)
    return PoseReading(
        reading.cameras, reading.points, reading.problems, (*notes, *reading.notes)
    )


def _model_folders(folder: Path) -> dict[str, Path]:
    """Folders that hold a COLMAP model, by their label (`sparse`, `sparse/0`, ...).

    Raises:
        FileContentError: a folder holds only part of a model.
    """
    if not folder.is_dir():
        return {}
    below = sorted((p for p in folder.iterdir() if p.is_dir()), key=_by_number)
    candidates = {folder.name: folder} | {f"{folder.name}/{p.name}": p for p in below}
    return {
        label: path
        for label, path in candidates.items()
        if model_suffix({p.name for p in path.iterdir()}, label) is not None
    }


def _by_number(path: Path) -> tuple[int, str]:
    return (int(path.name) if path.name.isdecimal() else 1 << 30, path.name)


def _load_model(path: Path, label: str) -> pycolmap.Reconstruction:
    import pycolmap

    suffix = model_suffix({p.name for p in path.iterdir()}, label)
    if suffix == ".bin":
        check_binary_model({p.name: p.read_bytes() for p in path.glob("*.bin")}, label)
    model = pycolmap.Reconstruction()
    try:
        if suffix == ".bin":
            model.read_binary(path)
        else:
            model.read_text(path)
            text = (path / "images.txt").read_text(encoding="utf-8")
            for image_id, name in names_in_images_txt(text).items():
                model.images[image_id].name = name
    except Exception as error:  # pycolmap raises whatever its bindings map an abort to
        raise FileContentError(
            f"{label} is not a readable COLMAP model ({error}): copy it again, or delete "
            f"the folder to fall back on the next source of poses"
        ) from error
    return model


def _size_reader(images: dict[str, Path]) -> Callable[[str], tuple[int, int] | None]:
    """A function that tells the size of an image's pixels as stored, from its header."""

    def size_of(name: str) -> tuple[int, int] | None:
        register_heif()
        if name not in images:
            return None
        try:
            with Image.open(images[name]) as image:
                return image.size
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return None

    return size_of


def _anchored(path: Path, beside: Path) -> Path:
    """`path` itself if absolute or there, else under the nearest parent of `beside`."""
    if path.is_absolute() or path.is_dir():
        return path
    candidates = (parent / path for parent in beside.absolute().parents)
    return next((found for found in candidates if found.is_dir()), path)
