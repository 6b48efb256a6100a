"""What the project's own versioned datasets share: atomic bytes, versions unglobbed.

Kedro finds versions by globbing an unescaped path, so a folder named `[test]` never
finds its own; here the folder is listed instead.
"""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path, PurePosixPath
from typing import Any

from kedro.io import AbstractVersionedDataset
from kedro.io.core import Version

from mtcm_pipeline.datasets.atomic_files import write_file
from mtcm_pipeline.errors import FileContentError, VersionError

NO_VERSION = "no-complete-version-yet"
"""The load version of a dataset of which no run has saved a whole version."""


class VersionedDataset(AbstractVersionedDataset[Any, Any]):
    """A dataset under `<filepath>/<version>/<name>`, or at `filepath` unversioned."""

    def __init__(
        self,
        *,
        filepath: str,
        version: Version | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(PurePosixPath(filepath), version)
        self.metadata = metadata

    def _get_versions(self) -> list[str]:
        folder = Path(self._filepath)
        if not folder.is_dir():
            return []
        paths = (each / folder.name for each in folder.iterdir() if each.is_dir())
        return sorted((str(path) for path in paths if path.exists()), reverse=True)

    def _load_target(self) -> Path:
        path = Path(self._get_load_path())
        if path.exists():
            return path
        if self._version is not None and self._version.load == NO_VERSION:
            raise VersionError(
                f"no finished run has saved {Path(self._filepath).name!r} yet: run the "
                f"pipeline that makes it, for instance all of them with 'kedro run'"
            )
        raise VersionError(f"{path} does not exist (deleted, or never saved)")

    def _save_target(self) -> Path:
        return Path(self._get_save_path())

    def _exists(self) -> bool:
        return Path(self._get_load_path()).exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath), "version": self._version}


class VersionedFileDataset(VersionedDataset):
    """One file; subclasses turn values into bytes and back."""

    @abstractmethod
    def _encode(self, data: Any) -> bytes: ...

    @abstractmethod
    def _decode(self, content: bytes) -> Any: ...

    def load(self) -> Any:
        """The file's value.

        Raises:
            FileContentError: the content is not what the file's name promises.
        """
        path = self._load_target()
        try:
            return self._decode(path.read_bytes())
        except ValueError as error:
            raise FileContentError(
                f"{path} cannot be read: {error}; was it changed by hand? Run the "
                f"pipeline that makes it again"
            ) from error

    def save(self, data: Any) -> None:
        """Write the value's bytes atomically."""
        write_file(self._save_target(), self._encode(data))
