"""A folder of raw input files, handed on as loaders: nothing is read before its turn."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError

from mtcm_pipeline.capture.files import natural_key
from mtcm_pipeline.errors import CaptureError, FileContentError

logger = logging.getLogger(__name__)
_NAMED = 5


class FileFolderDataset(AbstractDataset[Any, Any]):
    """Input only, unversioned: `path/*<suffix>` -> {file name: loader of its bytes}.

    Names are sorted as people count (`img2` before `img10`). Hidden files, among
    them macOS's `._` doubles, are left out; sub-folders and files with another ending
    are named in a warning, once a process.
    """

    def __init__(
        self,
        *,
        path: str,
        suffixes: Sequence[str],
        optional: bool = False,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Describe the folder.

        Args:
            path: the folder.
            suffixes: endings of the files wanted, with dot, in any case (`.jpg`).
            optional: whether a missing folder is an empty mapping, not an error.
            metadata: for Kedro-Viz.
        """
        self._path = Path(path)
        self._suffixes = tuple(suffix.lower() for suffix in suffixes)
        self._optional = optional
        self.metadata = metadata

    def load(self) -> dict[str, Callable[[], bytes]]:
        """File name -> function that reads the file.

        The function raises `FileContentError` where the file cannot be read, as the
        decoders do for a broken one, so that whoever leaves one out leaves out the other.

        Raises:
            CaptureError: the folder is missing and not optional, or not a folder.
        """
        if not self._path.exists() and self._optional:
            return {}
        if not self._path.is_dir():
            raise CaptureError(
                f"{self._path} is not a folder: put the {'/'.join(self._suffixes)} files "
                f"of this identity there"
            )
        entries = [e for e in self._path.iterdir() if not e.name.startswith(".")]
        files = [entry for entry in entries if entry.is_file()]
        wanted = [file for file in files if file.suffix.lower() in self._suffixes]
        folders = frozenset(entry.name for entry in entries if entry.is_dir())
        _warn(self._path, "sub-folder(s) not searched", folders)
        others = frozenset(file.name for file in files) - {file.name for file in wanted}
        ends = "/".join(self._suffixes)
        _warn(self._path, f"file(s) left out, which are not {ends}", others)
        wanted.sort(key=lambda file: natural_key(file.name))
        return {file.name: partial(_read, file) for file in wanted}

    def save(self, data: Any) -> None:
        """Refused: raw input is never written."""
        raise DatasetError(f"{self._path} is input and is never written by a pipeline")

    def _exists(self) -> bool:
        return self._path.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {"path": str(self._path), "suffixes": self._suffixes}


@cache
def _warn(path: Path, what: str, names: frozenset[str]) -> None:
    """Name the first of what lies in a folder and is not read; at most once a process."""
    if names:
        more = ", ..." if len(names) > _NAMED else ""
        shown = ", ".join(map(repr, sorted(names)[:_NAMED])) + more
        logger.warning("%s: %d %s: %s", path, len(names), what, shown)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileContentError(
            f"{path} cannot be read ({error.strerror}): give yourself the right to read "
            f"it, copy it again, or remove it"
        ) from error
