"""The loop over all identities, whatever runs them."""

from __future__ import annotations

import queue
from collections.abc import Callable, Sequence
from typing import Protocol

from mtcm_pipeline.fleet.work import Event, Outcome, Started, WorkItem

_LOOK_S = 0.5


class Backend(Protocol):
    """Something that runs work items; it never lets one go without an outcome."""

    def submit(self, items: Sequence[WorkItem], tell: Callable[[Event], object]) -> None:
        """Start the work."""

    def tend(self) -> None:
        """Called about twice a second."""

    def close(self) -> None:
        """Called once, at the end."""


class Listener(Protocol):
    """Who wants to know how the work goes on."""

    def started(self, item: WorkItem) -> None:
        """The item's run has begun."""

    def ended(self, outcome: Outcome) -> None:
        """The item's run is over."""

    def look(self) -> None:
        """Some time has passed."""


def run_all(
    items: Sequence[WorkItem], backend: Backend, listener: Listener
) -> list[Outcome]:
    """Run all items; return their outcomes in the order in which they ended."""
    waiting = {item.identity: item for item in items}
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    outcomes: list[Outcome] = []
    try:
        backend.submit(items, events.put)
        while waiting:
            backend.tend()
            listener.look()
            event = _next(events)
            item = waiting.get(event.identity) if event is not None else None
            if event is None or item is None:
                continue
            if isinstance(event, Started):
                listener.started(item)
                continue
            del waiting[event.identity]
            outcomes.append(event)
            listener.ended(event)
    finally:
        backend.close()
    return outcomes


def _next(events: queue.SimpleQueue[Event]) -> Event | None:
    try:
        return events.get(timeout=_LOOK_S)
    except queue.Empty:
        return None
