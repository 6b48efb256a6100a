"""All captures under data/, each decoded when it is asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError

from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.datasets.file_folder import FileFolderDataset
from mtcm_pipeline.datasets.pose_sources import ExifJsonDataset, PoseSourcesDataset
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.formats.exif import read_exif_json
from mtcm_pipeline.identities import check_identity_exists
from mtcm_pipeline.ingest.posed_photos import posed_photos

_IMAGES = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif")
_PLANTED = "planted_faults.json"


class CaptureFolders(Mapping[str, Callable[[], PosedPhotos]]):
    """Identity -> loader of its posed photographs, without faults planted on purpose."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def __getitem__(self, name: str) -> Callable[[], PosedPhotos]:
        """The loader.

        Raises:
            IdentityError: there is no such identity.
        """
        check_identity_exists(name, list(self))
        return partial(self._load, name)

    def __iter__(self) -> Iterator[str]:
        folder = self._data / "raw_images"
        entries = sorted(folder.iterdir()) if folder.is_dir() else []
        return (e.name for e in entries if e.is_dir() and not e.name.startswith("."))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _load(self, name: str) -> PosedPhotos:
        images, metadata = (
            self._data / "raw_images" / name,
            self._data / "metadata" / name,
        )
        poses = PoseSourcesDataset(path=str(metadata), images_path=str(images)).load()
        if poses is None:
            raise CaptureError(
                f"{name!r} has no poses, so it cannot be reconstructed: put poses.json, "
                f"sparse/ or transforms.json under {metadata}"
            )
        masks = self._data / "masks" / name
        photos = posed_photos(
            name,
            FileFolderDataset(path=str(images), suffixes=_IMAGES).load(),
            poses,
            masks=FileFolderDataset(
                path=str(masks), suffixes=[".png"], optional=True
            ).load(),
            exif=read_exif_json(
                ExifJsonDataset(path=str(metadata / "exif.json")).load()
            ).facts,
        )
        planted = planted_faults(metadata)
        return photos.subset([each for each in photos.names if each not in planted])


def planted_faults(metadata: Path) -> set[str]:
    """Frames of a generated capture that are faulty on purpose; none elsewhere."""
    file = metadata / _PLANTED
    return set(json.loads(file.read_bytes())) if file.is_file() else set()


class CaptureFoldersDataset(AbstractDataset[Any, CaptureFolders]):
    """Input only, unversioned: `load` gives loaders, nothing is read before its turn."""

    def __init__(self, *, path: str, metadata: dict[str, Any] | None = None) -> None:
        self._path = Path(path)
        self.metadata = metadata

    def load(self) -> CaptureFolders:
        """Loaders by identity."""
        return CaptureFolders(self._path)

    def save(self, data: Any) -> None:
        """Refused: raw input is never written."""
        raise DatasetError(f"{self._path} is input and is never written by a pipeline")

    def _exists(self) -> bool:
        return self._path.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {"path": str(self._path)}
