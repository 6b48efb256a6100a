"""Bytes by key in a folder: state that a training resumes from, and caches by content."""

from __future__ import annotations

from pathlib import Path

from mtcm_pipeline.datasets.atomic_files import is_temporary, write_file
from mtcm_pipeline.datasets.cache_files import (
    file_entries,
    least_recently_used,
    mark_used,
)
from mtcm_pipeline.datasets.handles import HandleDataset
from mtcm_pipeline.errors import CaptureError


class CheckpointFolder:
    """Bytes by key, written atomically: a kill leaves what was last written whole.

    A `CheckpointStore` for trainings and a `ContentStore` for features, embeddings and
    matched pairs.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, key: str) -> bytes | None:
        """What was last written under `key`, or None."""
        path = self._path(key)
        try:
            content = path.read_bytes()
        except (FileNotFoundError, IsADirectoryError):
            return None
        mark_used(path)
        return content

    def write(self, key: str, content: bytes) -> None:
        """Put `content` under `key`, in the place of what was there."""
        write_file(self._path(key), content)

    def shrink(self, limit_bytes: int) -> int:
        """Remove what was not used for longest until the rest is within the limit.

        Returns:
            How many bytes were removed.
        """
        leaving = least_recently_used(file_entries(self._folder), limit_bytes)
        for entry in leaving:
            entry.path.unlink(missing_ok=True)
        return sum(entry.size_bytes for entry in leaving)

    def clear(self) -> None:
        """Forget all checkpoints."""
        if self._folder.is_dir():
            for path in self._folder.iterdir():
                if path.is_file() and not is_temporary(path.name):
                    path.unlink()

    def _path(self, key: str) -> Path:
        if Path(key).name != key or key.startswith(".") or not key:
            raise CaptureError(f"checkpoint key {key!r} is not a plain file name")
        return self._folder / key


class CheckpointsDataset(HandleDataset[CheckpointFolder]):
    """Unversioned: what it holds outlives a run that was killed."""

    def load(self) -> CheckpointFolder:
        """The handle; the folder is made by the first write."""
        return CheckpointFolder(self._path)
