"""CPU time of this process and of the workers that it has waited for."""

from __future__ import annotations

import os


def cpu_seconds() -> float:
    """CPU seconds so far, all threads and finished child processes included."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
