"""Files and folders in the workspace that are there as a whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def write_whole(target: Path, content: bytes) -> None:
    """Write under a temporary name, then rename."""
    temporary = target.with_name(f".{target.name}.tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(target)


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """A folder that takes the name `target` when the block ends well."""
    temporary = target.with_name(f".{target.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    yield temporary
    temporary.rename(target)


def write_mark(path: Path, **content: Any) -> None:
    """Say that a step is done, with what is worth knowing about it."""
    write_whole(path, json.dumps(content).encode())


def read_mark(path: Path) -> dict[str, Any]:
    """What a mark says; {} where there is none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


class Stopwatch:
    """Wall and CPU seconds of this process since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> dict[str, float]:
        """`seconds` and `cpu_seconds`."""
        return {
            "seconds": round(time.perf_counter() - self._wall, 3),
            "cpu_seconds": round(time.process_time() - self._cpu, 3),
        }
