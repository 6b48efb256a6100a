"""Files and folders that are either there as a whole or not there at all.

Everything is written under a temporary name beside its target, flushed to the disk
and renamed: a kill at any moment leaves the old state or the new one, and at most a
temporary that `remove_leftovers` clears away.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_TEMPORARY = re.compile(r"^\..+(?P<suffix>\.tmp-(?P<process>\d+)-[0-9a-f]{8})$")
_LONGEST_NAME = 255  # bytes of one path component on common file systems


def temporary_path(target: Path) -> Path:
    """A hidden name beside `target` that no version and no listing takes for data."""
    suffix = f".tmp-{os.getpid()}-{secrets.token_hex(4)}"
    return target.with_name(_temporary_name(target.name, suffix))


def _temporary_name(name: str, suffix: str) -> str:
    room = _LONGEST_NAME - len(suffix) - 1
    stem = name.encode()[:room].decode(errors="ignore")
    return f".{stem}{suffix}"


def is_temporary(name: str) -> bool:
    """Whether `name` is one that `temporary_path` gives."""
    return _TEMPORARY.match(name) is not None


def write_file(target: Path, content: bytes) -> None:
    """Write `content` to `target` atomically and durably; folders are made."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_path(target)
    try:
        _write_synced(temporary, content)
        temporary.replace(target)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(target)  # a full disk does not say of which file
        raise
    sync_parents(target)


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Yield a temporary folder that becomes `target` when the block ends well.

    An existing `target` is replaced: it is moved aside first and removed last.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_path(target)
    temporary.mkdir()
    try:
        yield temporary
        _sync_tree(temporary)
        _swap_in(temporary, target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync_parents(target)


def sync_parents(target: Path) -> None:
    """Make the name of `target`, and that of its new folder, durable."""
    for folder in (target.parent, target.parent.parent):
        _sync(folder)


def remove_leftovers(root: Path) -> list[Path]:
    """Remove temporaries of killed writers below `root`; return what was removed.

    The contents of finished folder datasets (`<name>/<version>/<name>/`) hold no
    temporaries and are not searched.
    """
    removed: list[Path] = []
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        for name in filter(is_temporary, folders):
            _remove(here / name, shutil.rmtree, removed)
        for name in filter(is_temporary, files):
            _remove(here / name, os.unlink, removed)
        folders[:] = [
            name
            for name in folders
            if not is_temporary(name) and name != here.parent.name
        ]
    return removed


def remove_abandoned(target: Path) -> list[Path]:
    """Remove temporaries of `target` whose writers have ended; return what was removed.

    Those of a process that still runs on this machine stay.
    """
    removed: list[Path] = []
    for path in target.parent.iterdir() if target.parent.is_dir() else ():
        found = _TEMPORARY.match(path.name)
        if found is None or _is_running(int(found["process"])):
            continue
        if path.name == _temporary_name(target.name, found["suffix"]):
            _remove(path, shutil.rmtree if path.is_dir() else os.unlink, removed)
    return removed


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def _remove(path: Path, remove: Callable[[Path], object], removed: list[Path]) -> None:
    remove(path)
    removed.append(path)


def _swap_in(temporary: Path, target: Path) -> None:
    if not target.exists():
        temporary.rename(target)
        return
    aside = temporary_path(target)
    target.rename(aside)
    temporary.rename(target)
    shutil.rmtree(aside)


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_tree(root: Path) -> None:
    for folder, _, files in os.walk(root):
        for name in files:
            _sync(Path(folder) / name)
        _sync(Path(folder))


def _sync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():
        return  # Windows cannot open a folder
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
