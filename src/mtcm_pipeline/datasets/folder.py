"""A versioned folder of named contents, saved as a whole or not at all."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from mtcm_pipeline.datasets.atomic_files import new_folder
from mtcm_pipeline.datasets.previews import TablePreview, table
from mtcm_pipeline.datasets.versioned import VersionedDataset
from mtcm_pipeline.errors import ExportError
from mtcm_pipeline.formats.npy import npy_bytes

_PREVIEW_ROWS = 50


class FolderContents(Mapping[str, Callable[[], bytes]]):
    """A folder on disk: relative path -> loader of the file's bytes.

    Attributes:
        path: the folder itself, for tools that open folders.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._names = sorted(_relative_files(path))

    def __getitem__(self, name: str) -> Callable[[], bytes]:
        if name not in self._names:
            raise KeyError(name)
        return (self.path / name).read_bytes

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class FolderDataset(VersionedDataset):
    """{relative path: value} -> a folder; the path's suffix says how a value is written.

    Values: bytes, text, a function that returns bytes (called when its turn comes), a
    numpy array (`.npy`), a dictionary or list (`.json`), a pandas table (`.csv`), a
    matplotlib figure (`.png`).
    """

    def load(self) -> FolderContents:
        """The newest whole version's contents."""
        return FolderContents(self._load_target())

    def save(self, data: Mapping[str, Any]) -> None:
        """Write all contents under a temporary name, then rename the folder.

        Raises:
            ExportError: a path leads out of the folder, or a value has no bytes.
        """
        paths = {name: _checked_path(name) for name in data}
        with new_folder(self._save_target()) as folder:
            for name, value in data.items():
                target = folder / paths[name]
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content_of(name, value))

    def preview(self) -> TablePreview:
        """Names and sizes of the files."""
        contents = self.load()
        rows = [
            [name, (contents.path / name).stat().st_size]
            for name in list(contents)[:_PREVIEW_ROWS]
        ]
        return table(["file", "bytes"], rows)


def content_of(name: str, value: Any) -> bytes:
    """The bytes of `value` in the format that the suffix of `name` asks for."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8")
    write = _WRITERS.get(PurePosixPath(name).suffix.lower())
    if write is not None and (content := write(value)) is not None:
        return content
    if callable(value):
        content = value()
        if isinstance(content, bytes):
            return content
    raise ExportError(
        f"{name!r}: {type(value).__name__} cannot be written under this suffix; known "
        f"are bytes, text, functions returning bytes, and {', '.join(_WRITERS)}"
    )


def _npy(value: Any) -> bytes | None:
    return npy_bytes(value) if isinstance(value, np.ndarray) else None


def _json(value: Any) -> bytes | None:
    if not isinstance(value, dict | list | tuple):
        return None
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False).encode()


def _csv(value: Any) -> bytes | None:
    if not hasattr(value, "to_csv"):
        return None
    text: str = value.to_csv(index=False)
    return text.encode("utf-8")


def _png(value: Any) -> bytes | None:
    if not hasattr(value, "savefig"):
        return None
    buffer = io.BytesIO()
    value.savefig(buffer, format="png")
    return buffer.getvalue()


_WRITERS: dict[str, Callable[[Any], bytes | None]] = {
    ".npy": _npy,
    ".json": _json,
    ".csv": _csv,
    ".png": _png,
}


def _checked_path(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    inside = path.parts and not path.is_absolute() and ".." not in path.parts
    if not inside or "\\" in name or "\0" in name:
        raise ExportError(
            f"{name!r} is not a relative path inside the folder: use names without "
            f"'..', '\\' and a leading '/'"
        )
    return path


def _relative_files(root: Path) -> Iterator[str]:
    for folder, _, files in os.walk(root):
        for name in files:
            yield (Path(folder) / name).relative_to(root).as_posix()
