"""Jobs in processes of their own, in order, with few of them in memory.

Native code of COLMAP and OpenCV runs there: should it crash, it does not take the
process with it that holds the models.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from types import ModuleType
from typing import TypeVar

from mtcm_pipeline.child_processes import end_with_parent
from mtcm_pipeline.errors import CaptureError

Job = TypeVar("Job")
Result = TypeVar("Result")

_WAITING_PER_WORKER = 2


class Workers:
    """Processes that start with the first job and end with the `with` block.

    One block around several steps saves their start, about 0.3 CPU s a process.
    """

    def __init__(self, count: int) -> None:
        """Starts nothing yet.

        Args:
            count: processes; 0 runs the jobs in this one.
        """
        self._count = count
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def run(
        self, function: Callable[[Job], Result], jobs: Iterable[Job]
    ) -> Iterator[Result]:
        """The function's results in the order of the jobs.

        Args:
            function: importable by name, since it runs in another process.
            jobs: taken one by one as workers become free.

        Raises:
            CaptureError: a worker died.
        """
        if self._count == 0:
            _quiet_colmap()
            yield from map(function, jobs)
            return
        waiting: deque[Future[Result]] = deque()
        try:
            for job in jobs:
                waiting.append(self._submit(function, job))
                if len(waiting) >= _WAITING_PER_WORKER * self._count:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            raise CaptureError(
                f"a worker process for features and matches died ({error}), most likely "
                f"for lack of memory: run again with fewer workers or a smaller "
                f"feature_px; features found so far are kept"
            ) from error
        finally:
            for future in waiting:
                future.cancel()

    def _submit(self, function: Callable[[Job], Result], job: Job) -> Future[Result]:
        if self._pool is None:
            # A forked child of a process with threads may hang; a spawned one starts
            # clean.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(
                self._count, mp_context=context, initializer=_begin
            )
        with _without_program():  # here the processes start
            return self._pool.submit(function, job)


def run_jobs(
    function: Callable[[Job], Result], jobs: Iterable[Job], workers: int
) -> Iterator[Result]:
    """As `Workers.run`, with processes for these jobs alone."""
    with Workers(workers) as processes:
        yield from processes.run(function, jobs)


@contextmanager
def _without_program() -> Iterator[None]:
    """Have spawned processes not import the program that called us.

    The jobs need this package alone; importing Kedro's command line or a benchmark
    again costs more than COLMAP does, and would run a script that has no
    `if __name__ == "__main__"` a second time.
    """
    program = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = program


def _begin() -> None:
    """One thread a worker, and no line on the console for every photograph."""
    import cv2
    from threadpoolctl import threadpool_limits

    end_with_parent()
    _quiet_colmap()
    threadpool_limits(1)
    cv2.setNumThreads(1)


def _quiet_colmap() -> None:
    import pycolmap

    pycolmap.logging.minloglevel = pycolmap.logging.Level.WARNING.value
