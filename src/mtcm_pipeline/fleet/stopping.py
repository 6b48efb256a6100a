"""Ctrl-C and its like: the first asks to stop, the second stops at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from mtcm_pipeline.fleet.work import Urgency

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


class Stop:
    """How urgent it is to stop; call it to know."""

    def __init__(self) -> None:
        self._level = Urgency.NONE

    def __call__(self) -> Urgency:
        return self._level

    def ask(self) -> None:
        """One step more urgent."""
        self._level = Urgency(min(self._level + 1, Urgency.KILL))


@contextmanager
def asked_by_signals(stop: Stop) -> Iterator[None]:
    """Within the block, signals that would end this process ask `stop` instead.

    Only the main thread of a process may do so; elsewhere this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, frame: FrameType | None) -> None:
        stop.ask()

    numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    previous = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
