"""Runs on this machine, a fixed number of them at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from mtcm_pipeline.fleet.child import run_item
from mtcm_pipeline.fleet.work import (
    Event,
    Outcome,
    Started,
    Status,
    Urgency,
    UrgencyNow,
    WorkItem,
)


class LocalProcesses:
    """A pool of threads, each of which waits for one child process at a time."""

    def __init__(self, workers: int, threads: int, urgency: UrgencyNow) -> None:
        """Make the pool.

        Args:
            workers: children at a time.
            threads: of the numerical libraries in each child.
            urgency: above NONE, children are ended and no more are started.
        """
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="fleet")
        self._threads = threads
        self._urgency = urgency

    def submit(self, items: Sequence[WorkItem], tell: Callable[[Event], object]) -> None:
        """Start the work; `tell` gets every start and every outcome, from any thread."""
        for item in items:
            self._pool.submit(self._run, item, tell)

    def tend(self) -> None:
        """Nothing to do between events."""

    def close(self) -> None:
        """Wait for the end of all children."""
        self._pool.shutdown()

    def _run(self, item: WorkItem, tell: Callable[[Event], object]) -> None:
        try:
            if self._urgency() is Urgency.NONE:
                tell(Started(item.identity))
            outcome = run_item(item, threads=self._threads, urgency=self._urgency)
        except Exception as error:  # one identity's trouble is its own
            outcome = Outcome(item.identity, Status.FAILED, message=repr(error))
        tell(outcome)
