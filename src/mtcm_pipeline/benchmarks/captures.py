"""A capture's folder as the benchmarks read it: files, and the poses given with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.files import FileLoaders
from mtcm_pipeline.capture_import import FoundCapture
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.formats.images import stored_size
from mtcm_pipeline.formats.llff import read_poses_bounds
from mtcm_pipeline.formats.nerfstudio import read_transforms
from mtcm_pipeline.formats.poses_json import read_poses_json


def loaders(files: Mapping[str, Path]) -> FileLoaders:
    """What reads each file."""
    return {name: path.read_bytes for name, path in files.items()}


def read_reference(found: FoundCapture) -> PosedCameras:
    """The given poses, from the first file that is there.

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
    raise CaptureError(
        "there are no poses to compare with: put poses.json, transforms.json or "
        "poses_bounds.npy beside the images"
    )
