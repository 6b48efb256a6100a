"""What the end of a run's log says: the step it is at, or the error that ended it."""

from __future__ import annotations

import os
import re
from pathlib import Path

_TAIL_BYTES = 1 << 20
_OWN_ERROR = re.compile(r"^Error: ", re.MULTILINE)
_STEP = re.compile(r"\bINFO\s+(\S.*?) \.\.\.\s*$", re.MULTILINE)
_FRAME = "╭╰│─┃┏┗ "
_WARNING = re.compile(r"\b(Warning|resource_tracker)\b")


def last_error(log: Path) -> str:
    """The message that a failed run ended with.

    This package's own errors end a run with "Error: " and their message, which may
    have more lines; of all others the last line is taken, as in Python's tracebacks.

    Returns:
        The message; "" for a log that is empty or not there.
    """
    text = _tail(log)
    own = list(_OWN_ERROR.finditer(text))
    if own:
        return text[own[-1].end() :].strip()
    lines = [line.strip() for line in text.splitlines()]
    told = [line for line in lines if line and line[0] not in _FRAME]
    plain = [line for line in told if not _WARNING.search(line)]
    return (plain or told or [""])[-1]


def steps_begun(log: Path) -> list[str]:
    """The nodes that a run has begun, the one that it is at last."""
    return _STEP.findall(_tail(log))


def _tail(log: Path) -> str:
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL_BYTES))
            return file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
