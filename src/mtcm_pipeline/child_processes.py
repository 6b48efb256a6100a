"""Worker processes that do not outlive the process which started them."""

from __future__ import annotations

import multiprocessing
import os
import threading
from multiprocessing.connection import wait


def end_with_parent() -> None:
    """Have this worker process end when its parent has ended, however that came.

    A worker waits for jobs at a pipe whose other end its fellows hold open too. When the
    parent is killed (`kill -9`, or the system runs out of memory), the pipe therefore
    never closes, and the workers would wait for ever, in memory. Call it in the worker.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        watch = threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True)
        watch.start()


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)  # nobody is there to hand a result to
