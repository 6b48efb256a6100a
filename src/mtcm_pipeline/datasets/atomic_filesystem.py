"""Kedro's stock datasets, made atomic: fsspec's local file system with a last step.

`register` puts `AtomicLocalFileSystem` in the place of fsspec's `file` protocol, so
that `pandas.CSVDataset`, `json.JSONDataset`, `plotly.JSONDataset` and the like write
to a temporary name and rename. Reading, appending and copying are unchanged.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from mtcm_pipeline.datasets.atomic_files import sync_parents, temporary_path


class AtomicLocalFileSystem(LocalFileSystem):
    """Local files whose new content appears under its name only when it is whole."""

    def open(self, path: Any, mode: str = "rb", *args: Any, **kwargs: Any) -> Any:
        """Open as fsspec does; a whole new file (`w`, `x`) is written atomically."""
        if not set(mode) & {"w", "x"} or kwargs.get("compression"):
            return super().open(path, mode, *args, **kwargs)
        target = Path(self._strip_protocol(path))
        if "x" in mode and target.exists():
            raise FileExistsError(f"{target} exists already")
        if self.auto_mkdir:
            target.parent.mkdir(parents=True, exist_ok=True)
        binary = _AtomicBinaryFile(target)
        if "b" in mode:
            return binary
        texts = ("encoding", "errors", "newline")
        given = {name: kwargs[name] for name in texts if name in kwargs}
        return _AtomicTextFile(binary, **{"encoding": "utf-8", **given})


def register() -> None:
    """Make fsspec's `file` and `local` protocols atomic, for this process."""
    for protocol in ("file", "local"):
        fsspec.register_implementation(protocol, AtomicLocalFileSystem, clobber=True)


class _AtomicBinaryFile(io.BufferedWriter):
    """Commits on a clean close; an error in the block, or oblivion, discards it."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._temporary = temporary_path(target)
        super().__init__(io.FileIO(self._temporary, "x"))

    def close(self) -> None:
        if self.closed:
            return
        try:
            self.flush()
            os.fsync(self.fileno())
        except BaseException:
            self.discard()
            raise
        super().close()
        self._temporary.replace(self._target)
        sync_parents(self._target)

    def discard(self) -> None:
        """Close without a trace."""
        if not self.closed:
            self.raw.close()
            self._temporary.unlink(missing_ok=True)

    def __exit__(self, error_type: Any, *error: Any) -> None:
        if error_type is not None:
            self.discard()
        else:
            self.close()

    def __del__(self) -> None:
        self.discard()


class _AtomicTextFile(io.TextIOWrapper):
    def __init__(self, binary: _AtomicBinaryFile, **options: Any) -> None:
        self._binary = binary
        super().__init__(binary, **options)

    def __exit__(self, error_type: Any, *error: Any) -> None:
        if error_type is not None:
            self._binary.discard()
        else:
            self.close()

    def __del__(self) -> None:
        self._binary.discard()
