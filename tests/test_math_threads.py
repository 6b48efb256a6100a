"""Threads of torch and BLAS are limited inside the block only."""

from __future__ import annotations

import torch
from threadpoolctl import ThreadpoolController, threadpool_limits

from mtcm_pipeline.math_threads import math_threads


def blas_threads() -> set[int]:
    return {
        pool["num_threads"]
        for pool in ThreadpoolController().info()
        if pool["user_api"] == "blas"
    }


def test_one_thread_inside_and_as_before_outside() -> None:
    before = torch.get_num_threads()
    with threadpool_limits(2, user_api="blas"):
        torch.set_num_threads(2)
        try:
            with math_threads(1):
                assert (torch.get_num_threads(), blas_threads()) == (1, {1})
            assert (torch.get_num_threads(), blas_threads()) == (2, {2})
            with math_threads(0):
                assert (torch.get_num_threads(), blas_threads()) == (2, {2})
        finally:
            torch.set_num_threads(before)
