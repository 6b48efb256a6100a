"""Fits in processes of their own, each on one thread."""

from __future__ import annotations

import logging
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TypeVar

from mtcm_pipeline.child_processes import end_with_parent
from mtcm_pipeline.errors import MtcmError

Key = TypeVar("Key")
Job = TypeVar("Job")
Result = TypeVar("Result")

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS")
_WAITING_PER_WORKER = 2


class WorkerError(MtcmError):
    """A worker process died."""


class Workers:
    """Runs jobs; results come as they are ready. `started_workers` makes one."""

    def __init__(self, pool: ProcessPoolExecutor | None, count: int) -> None:
        self._pool = pool
        self._count = count

    def run(
        self, function: Callable[[Job], Result], jobs: Mapping[Key, Job]
    ) -> Iterator[tuple[Key, Result]]:
        """Each job's key and result, first come, first served.

        Args:
            function: importable by name, since it runs in another process.
            jobs: by any key.

        Raises:
            WorkerError: a worker died.
        """
        if self._pool is None:
            yield from ((key, function(job)) for key, job in jobs.items())
            return
        try:
            yield from self._in_pool(self._pool, function, jobs)
        except BrokenProcessPool as error:
            raise WorkerError(
                f"a worker process of the benchmark died ({error}), most likely for lack "
                f"of memory: run the same command again with fewer benchmark.workers; "
                f"all rows so far are kept"
            ) from error

    def _in_pool(
        self,
        pool: ProcessPoolExecutor,
        function: Callable[[Job], Result],
        jobs: Mapping[Key, Job],
    ) -> Iterator[tuple[Key, Result]]:
        left = iter(jobs.items())
        running: dict[Future[Result], Key] = {}
        try:
            while True:
                for key, job in left:
                    running[pool.submit(function, job)] = key
                    if len(running) >= _WAITING_PER_WORKER * self._count:
                        break
                if not running:
                    return
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield running.pop(future), future.result()
        finally:
            for future in running:
                future.cancel()


@contextmanager
def started_workers(
    count: int, warm_up: Sequence[Callable[[], object]] = ()
) -> Iterator[Workers]:
    """`count` spawned processes of one thread each; 0 works in this process.

    Args:
        count: processes.
        warm_up: called here first: what compiles and keeps its machine code on disk is
            then compiled once and not by every worker.
    """
    for each in warm_up:
        each()
    if count == 0:
        yield Workers(None, 0)
        return
    # A forked child of a process with threads may hang; a spawned one starts clean.
    context = multiprocessing.get_context("spawn")
    with _one_thread_for_children():
        pool = ProcessPoolExecutor(count, mp_context=context, initializer=_begin)
        try:
            yield Workers(pool, count)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _one_thread_for_children() -> Iterator[None]:
    """Libraries read these as they are imported, so they must be set before."""
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _begin() -> None:
    """Warnings only: the parent shows the progress of all."""
    end_with_parent()
    logging.getLogger("mtcm_pipeline").setLevel(logging.WARNING)
