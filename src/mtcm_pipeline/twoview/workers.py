"""Jobs in processes of their own, in order, with few of them in memory.

COLMAP's native code runs there: should it crash, it does not take the process with it
that holds the models.
"""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from mtcm_pipeline.errors import CaptureError

Job = TypeVar("Job")
Result = TypeVar("Result")

_WAITING_PER_WORKER = 2


def run_jobs(
    function: Callable[[Job], Result], jobs: Iterable[Job], workers: int
) -> Iterator[Result]:
    """The function's results in the order of the jobs.

    Args:
        function: importable by name, since it runs in another process.
        jobs: taken one by one as workers become free.
        workers: processes; 0 runs the jobs in this one.

    Raises:
        CaptureError: a worker died.
    """
    if workers == 0:
        yield from map(function, jobs)
        return
    # A forked child of a process with threads may hang; a spawned one starts clean.
    context = multiprocessing.get_context("spawn")
    waiting: deque[Future[Result]] = deque()
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_begin) as pool:
        try:
            for job in jobs:
                waiting.append(pool.submit(function, job))
                if len(waiting) >= _WAITING_PER_WORKER * workers:
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


def _begin() -> None:
    """One thread a worker, and no line on the console for every photograph."""
    import pycolmap
    from threadpoolctl import threadpool_limits

    pycolmap.logging.minloglevel = pycolmap.logging.Level.WARNING.value
    threadpool_limits(1)
