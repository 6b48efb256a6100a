"""Runs on the workers of a Dask cluster, given by its scheduler's address.

The workers share the project's folder with this machine, under the same path: runs read
and write there, and so do their logs and the request to stop. The scheduler and the
workers need this package; nothing else is sent to them than `WorkItem`s.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from mtcm_pipeline.errors import FleetError
from mtcm_pipeline.fleet.child import available_cores, run_item
from mtcm_pipeline.fleet.work import (
    Event,
    Outcome,
    Started,
    Status,
    Urgency,
    UrgencyNow,
    WorkItem,
)

_CONNECT_S = 10.0
_FIRST_WORKER_S = 30.0
_PATIENCE_S = 30.0  # for workers to end their children, before they are given up
_NO_DISTRIBUTED = (
    "a Dask cluster needs the package 'distributed', which is not installed: "
    "pip install 'mtcm-pipeline[fleet]', or run without --scheduler, on this machine"
)


class DaskCluster:
    """Work handed to a cluster; each of a worker's threads waits for one child."""

    def __init__(
        self, address: str, threads: int | None, urgency: UrgencyNow, stop_file: Path
    ) -> None:
        """Connect.

        Args:
            address: of the scheduler, such as `tcp://10.0.0.1:8786`.
            threads: of the numerical libraries in each child; None shares a machine's
                cores evenly among the threads of all workers on it.
            urgency: above NONE, children are ended and no more are started.
            stop_file: made to tell the workers so; in the shared project folder.

        Raises:
            FleetError: `distributed` is not installed, nobody answers at `address`, or
                no worker is there in time.
        """
        self._address = address
        self._client = _connect(address)
        self._threads = threads
        self._urgency = urgency
        self._stop_file = stop_file
        self._asked_at: float | None = None
        self._futures: dict[str, Any] = {}
        self._tell: Callable[[Event], object] = lambda event: None

    def submit(self, items: Sequence[WorkItem], tell: Callable[[Event], object]) -> None:
        """Start the work; `tell` gets every start and every outcome, from any thread."""
        self._tell = tell
        topic = f"mtcm-fleet-{self._stop_file.parent.name}"
        self._client.subscribe_topic(topic, _tell_start(tell))
        slots = _slots_per_host(self._client.scheduler_info(n_workers=-1)["workers"])
        for item in items:
            future = self._client.submit(
                run_on_worker,
                item,
                threads=self._threads,
                slots=slots,
                stop_file=self._stop_file,
                topic=topic,
                pure=False,
                key=f"{topic}-{item.identity}",
            )
            self._futures[item.identity] = future
            future.add_done_callback(partial(self._done, item))

    def tend(self) -> None:
        """Pass a request to stop on; give up what does not answer to it."""
        wish = self._urgency()
        if wish is Urgency.NONE:
            return
        if self._asked_at is None:
            self._asked_at = perf_counter()
        _write_wish(self._stop_file, wish)
        if perf_counter() - self._asked_at > _PATIENCE_S:
            for identity in self._futures:
                message = f"the cluster at {self._address} did not answer to the stop"
                self._tell(Outcome(identity, Status.INTERRUPTED, message=message))

    def close(self) -> None:
        """Let go of the cluster, which goes on without us."""
        self._client.cancel(list(self._futures.values()), force=True)
        self._client.close()
        self._stop_file.unlink(missing_ok=True)

    def _done(self, item: WorkItem, future: Any) -> None:
        try:
            outcome = future.result(timeout=_CONNECT_S)
        except BaseException as error:  # cancelled, killed worker, lost scheduler
            told = f"{type(error).__name__}: {error}".rstrip(": ")
            message = f"lost by the cluster at {self._address}: {told}"
            outcome = Outcome(item.identity, Status.FAILED, 0.0, message, item.log)
        self._tell(outcome)


def run_on_worker(
    item: WorkItem,
    *,
    threads: int | None,
    slots: Mapping[str, int],
    stop_file: Path,
    topic: str,
) -> Outcome:
    """Run `item` in a child of this Dask worker.

    Args:
        item: the run.
        threads: as `DaskCluster` has it.
        slots: worker's address -> threads of all workers on its machine.
        stop_file: holds the urgency to stop, once there is any.
        topic: of the event that says that the run has begun.
    """
    from distributed import get_worker

    worker = get_worker()
    worker.log_event(topic, {"started": item.identity})
    sharing = slots.get(worker.address, worker.state.nthreads)
    share = max(1, available_cores() // sharing)
    return run_item(
        item, threads=threads or share, urgency=partial(_read_wish, stop_file)
    )


def _connect(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        raise FleetError(_NO_DISTRIBUTED) from error
    # A lost connection becomes the outcome of every identity that it concerns.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise FleetError(
            f"no Dask scheduler answers at {address!r} ({error}): give the address that "
            f"`dask scheduler` prints, such as tcp://10.0.0.1:8786"
        ) from error
    try:
        client.wait_for_workers(1, timeout=_FIRST_WORKER_S)
    except TimeoutError as error:
        client.close()
        raise FleetError(
            f"the Dask scheduler at {address} has no worker: start some with "
            f"`dask worker {address}` where the project's environment is"
        ) from error
    return client


def _tell_start(tell: Callable[[Event], object]) -> Callable[[Any], None]:
    def handle(event: Any) -> None:
        _, message = event
        tell(Started(message["started"]))

    return handle


def _slots_per_host(workers: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    on_host: Counter[str] = Counter()
    for worker in workers.values():
        on_host[worker["host"]] += worker["nthreads"]
    return {address: on_host[worker["host"]] for address, worker in workers.items()}


def _write_wish(stop_file: Path, wish: Urgency) -> None:
    if _read_wish(stop_file) < wish:
        stop_file.write_text(str(int(wish)), encoding="ascii")


def _read_wish(stop_file: Path) -> Urgency:
    try:
        return Urgency(int(stop_file.read_text(encoding="ascii") or Urgency.STOP))
    except FileNotFoundError:
        return Urgency.NONE
