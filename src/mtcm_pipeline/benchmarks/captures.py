"""A capture's folder as the benchmarks read it: files, and the poses given with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.files import FileLoaders
from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.capture_import import FoundCapture, find_capture
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.formats.exif import ExifFacts, read_exif_json
from mtcm_pipeline.formats.images import stored_size
from mtcm_pipeline.formats.llff import read_poses_bounds
from mtcm_pipeline.formats.nerfstudio import read_transforms
from mtcm_pipeline.formats.poses_json import read_poses_json
from mtcm_pipeline.formats.reading import PoseReading
from mtcm_pipeline.ingest.posed_photos import posed_photos
from mtcm_pipeline.sample.generate import SampleCapture, generate_sample
from mtcm_pipeline.sample.options import SampleOptions
from mtcm_pipeline.sample.truth import in_world

_RAW_IMAGES, _MASKS, _METADATA = "raw_images", "masks", "metadata"
_TRUTH, _EXIF = "truth.json", "exif.json"


def loaders(files: Mapping[str, Path]) -> FileLoaders:
    """What reads each file."""
    return {name: path.read_bytes for name, path in files.items()}


def load_photos(
    folder: Path, longer_side_px: int = 400, *, clean_poses: bool = False
) -> PosedPhotos:
    """The photographs of a capture that have a pose, with masks and times.

    Args:
        folder: a capture as `capture_import.find_capture` understands it (its metadata
            may lie in a folder `metadata` within), or `data/raw_images/<identity>` of a
            project.
        longer_side_px: of every photograph; smaller ones keep their size.
        clean_poses: take the true poses of a generated capture instead of the given
            ones, which contain a planted fault.

    Returns:
        As `ingest.posed_photos.posed_photos`; the identity is the folder's name.

    Raises:
        CaptureError: there are no pictures, no poses, or no truth where it is asked for.
        FileContentError: the poses' file is broken.
    """
    found, metadata = _files_of(folder)
    poses = _reading(found, metadata)
    if clean_poses:
        poses = _with_true_poses(poses, metadata)
    exif: Mapping[str, ExifFacts] = {}
    if (metadata / _EXIF).is_file():
        exif = read_exif_json(json.loads((metadata / _EXIF).read_bytes())).facts
    return posed_photos(
        folder.resolve().name,
        loaders(found.images),
        poses,
        masks=loaders(found.masks),
        exif=exif,
        longer_side_px=longer_side_px,
    )


def sample_photos(options: SampleOptions) -> PosedPhotos:
    """A generated capture in memory, without planted faults.

    Args:
        options: what to generate; `faults` counts as off.

    Raises:
        CaptureError: the gaps leave no way around the subject.
    """
    capture = generate_sample(replace(options, faults=False))
    return posed_photos(
        f"sample {options.seed}",
        _in_memory(capture, _RAW_IMAGES),
        PoseReading(capture.truth.given, None, {}, ()),
        masks=_in_memory(capture, _MASKS),
        longer_side_px=max(options.width, options.height),
    )


def read_reference(found: FoundCapture) -> PosedCameras:
    """The given poses, from the first that is there: poses.json, transforms.json,
    poses_bounds.npy, sparse/ (a run of the pipeline looks into sparse/ second).

    Raises:
        CaptureError: there is none.
    """
    names = set(found.images)

    def size_of(name: str) -> tuple[int, int]:
        return stored_size(found.images[name].read_bytes(), name)

    if (file := found.metadata.get("poses.json")) is not None:
        return read_poses_json(json.loads(file.read_bytes()), names).cameras
    if (file := found.metadata.get("transforms.json")) is not None:
        content = json.loads(file.read_bytes())
        return read_transforms(content, names, image_size=size_of).cameras
    if (file := found.metadata.get("poses_bounds.npy")) is not None:
        return read_poses_bounds(
            np.load(file, allow_pickle=False), names, size_of
        ).cameras
    if name := next((n for n in found.metadata if n.startswith("sparse/")), ""):
        root = found.metadata[name].parents[name.count("/")]
        return _reading(found, root).cameras
    raise CaptureError(
        "there are no poses to compare with: put poses.json, transforms.json, "
        "poses_bounds.npy or sparse/ beside the images"
    )


def _files_of(folder: Path) -> tuple[FoundCapture, Path]:
    """The files of a capture, and the folder of its metadata."""
    found = find_capture(folder)
    place = folder.resolve()
    if place.parent.name == _RAW_IMAGES:
        data = place.parents[1]
        masks = _png_files(data / _MASKS / place.name)
        return replace(found, masks=masks), data / _METADATA / place.name
    inner = folder / _METADATA
    return found, inner if inner.is_dir() else folder


def _png_files(folder: Path) -> dict[str, Path]:
    return {file.name: file for file in sorted(folder.glob("*.png"))}


def _reading(found: FoundCapture, metadata: Path) -> PoseReading:
    """The poses as the pipeline reads them, whichever file holds them."""
    from mtcm_pipeline.datasets.pose_sources import PoseSourcesDataset

    images = next(iter(found.images.values())).parent
    reading = PoseSourcesDataset(
        path=str(metadata), images_path=str(images.resolve())
    ).load()
    if reading is None:
        raise CaptureError(
            f"there are no poses in {metadata}: put poses.json, sparse/, "
            f"transforms.json or poses_bounds.npy there"
        )
    return reading


def _with_true_poses(poses: PoseReading, metadata: Path) -> PoseReading:
    """The same frames where a generated capture's cameras really stood."""
    file = metadata / _TRUTH
    if not file.is_file():
        raise CaptureError(
            f"there is no {_TRUTH} in {metadata}: only a generated capture knows its "
            f"true poses"
        )
    truth = json.loads(file.read_bytes())
    given = poses.cameras
    in_subject = [truth["frames"][name]["cam_from_subject"] for name in given.names]
    matrices = in_world(np.array(in_subject), np.array(truth["world_from_subject"]))
    cameras = replace(given, cam_from_world=matrices, source=_TRUTH)
    return replace(poses, cameras=cameras)


def _in_memory(capture: SampleCapture, folder: str) -> FileLoaders:
    """File contents of a generated capture by name."""
    contents = capture.parts[folder]
    return {name: partial(contents.__getitem__, name) for name in contents}
