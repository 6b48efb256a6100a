"""Files of a cache: how large, when last used, and which to give up first."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mtcm_pipeline.datasets.atomic_files import is_temporary


@dataclass(frozen=True)
class CacheEntry:
    """What is removed together.

    Attributes:
        path: a file, or a folder with all that lies in it.
        size_bytes: of the file, or of all files in the folder.
        used_s: when it was last written or read, seconds since 1970; `mark_used` sets it.
    """

    path: Path
    size_bytes: int
    used_s: float


def mark_used(path: Path) -> None:
    """Note that the file was read now: file systems mostly do not.

    Nothing happens where that is not allowed, or the file is gone by now.
    """
    with suppress(OSError):
        os.utime(path)


def file_entries(folder: Path) -> list[CacheEntry]:
    """An entry a file of the folder; no links, and nothing that is being written."""
    entries = []
    for path in _listed(folder):
        if path.is_file() and not path.is_symlink() and not is_temporary(path.name):
            with suppress(FileNotFoundError):  # removed by someone else meanwhile
                stat = path.stat()
                entries.append(CacheEntry(path, stat.st_size, stat.st_mtime))
    return entries


def folder_entry(folder: Path) -> CacheEntry | None:
    """The folder as one entry; None where it is empty, missing or a link."""
    if folder.is_symlink():
        return None
    sizes, times = [], []
    for root, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                stat = (Path(root) / name).lstat()
                sizes.append(stat.st_size)
                times.append(stat.st_mtime)
    return CacheEntry(folder, sum(sizes), max(times)) if sizes else None


def least_recently_used(
    entries: Iterable[CacheEntry], limit_bytes: int
) -> list[CacheEntry]:
    """The entries that must go, the one unused for longest first, to keep the limit."""
    by_use = sorted(entries, key=lambda entry: (entry.used_s, entry.path))
    excess = sum(entry.size_bytes for entry in by_use) - limit_bytes
    leaving = []
    for entry in by_use:
        if excess <= 0:
            break
        leaving.append(entry)
        excess -= entry.size_bytes
    return leaving


def _listed(folder: Path) -> list[Path]:
    if folder.is_symlink() or not folder.is_dir():
        return []
    return sorted(folder.iterdir())
