"""One run of one identity at a time."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from mtcm_pipeline.errors import VersionError

REFUSAL = "another run of identity"
"""How the message begins when the lock is held, for who tells it from other failures."""


class RunLock:
    """A lock on a file, which the system lets go of when its process ends, however."""

    def __init__(self, path: Path, identity: str) -> None:
        """Take the lock.

        Raises:
            VersionError: another run holds it.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._descriptor, 100, 0).decode(errors="replace").strip()
            os.close(self._descriptor)
            raise VersionError(
                f"{REFUSAL} {identity!r} is under way (process "
                f"{holder or 'unknown'}): wait for its end, or stop it"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let go; more than once does no harm."""
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = -1
