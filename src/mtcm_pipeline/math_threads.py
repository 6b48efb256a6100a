"""How many threads torch and BLAS may use, for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits


@contextmanager
def math_threads(count: int) -> Iterator[None]:
    """`count` threads inside the block, as before outside it; 0 changes nothing.

    Threads of numpy's and scipy's BLAS wait for each other in a busy loop: beside other
    work on the machine, two of them take seven times the CPU of one on the small matrices
    of a capture.
    """
    before = torch.get_num_threads()
    with threadpool_limits(count or None, user_api="blas"):
        torch.set_num_threads(count or before)
        try:
            yield
        finally:
            torch.set_num_threads(before)
