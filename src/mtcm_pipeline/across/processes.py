"""A training shared by processes of this machine."""

from __future__ import annotations

import logging
import multiprocessing
import os
import socket
import tempfile
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from mtcm_pipeline.across.group import ProcessGroupError, joined
from mtcm_pipeline.across.options import AcrossOptions
from mtcm_pipeline.across.training import train_shared
from mtcm_pipeline.child_processes import end_with_parent
from mtcm_pipeline.judge.graphs import Case
from mtcm_pipeline.judge.model import JudgeModel, ModelOptions

_INTERFACE = "GLOO_SOCKET_IFNAME"


@dataclass(frozen=True)
class _Job:
    """What each process is told; weights as bytes, so that no memory is shared."""

    weights: bytes
    size: tuple[int, int, ModelOptions]
    cases: tuple[Case, ...]
    input_names: tuple[str, ...]
    options: AcrossOptions
    member: int
    description: str
    folder: Path


def train_together(
    start: JudgeModel,
    cases: Sequence[Case],
    input_names: Sequence[str],
    options: AcrossOptions,
    *,
    member: int = 0,
    description: str = "Training",
) -> JudgeModel:
    """`training.train_shared` in `options.processes` processes, the same result.

    Raises:
        ProcessGroupError: a process was lost, or they did not meet in time.
    """
    if options.processes == 1 or options.steps == 0:
        return train_shared(
            start, cases, input_names, options, member=member, description=description
        )
    size = (len(input_names), cases[0].pairs.shape[1], start.options)
    with tempfile.TemporaryDirectory(prefix="mtcm-processes-") as folder:
        job = _Job(
            _to_bytes(start),
            size,
            tuple(cases),
            tuple(input_names),
            options,
            member,
            description,
            Path(folder),
        )
        weights = _run(job)
    return _from_bytes(weights, size).eval()


def _run(job: _Job) -> bytes:
    """Weights of the first process; all of them end, or are ended."""
    world = job.options.processes
    # A forked child of a process with threads may hang; a spawned one starts clean.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(world, mp_context=context, initializer=_begin) as pool:
        parts = [pool.submit(_part, job, rank) for rank in range(world)]
        wait(parts, return_when=FIRST_EXCEPTION)
    # All have ended: who failed first is not who noticed that another was gone.
    errors = [each for part in parts if (each := part.exception()) is not None]
    errors.sort(key=lambda each: isinstance(each, ProcessGroupError))
    if not errors:
        return parts[0].result()
    if isinstance(errors[0], BrokenProcessPool):
        raise ProcessGroupError(
            f"one of {world} training processes died ({errors[0]}), most likely for lack "
            f"of memory: train with fewer across.processes"
        ) from errors[0]
    raise errors[0]


def _part(job: _Job, rank: int) -> bytes:
    start = _from_bytes(job.weights, job.size)
    options = job.options
    with joined(rank, options.processes, job.folder, options.timeout_s) as group:
        trained = train_shared(
            start,
            job.cases,
            job.input_names,
            options,
            member=job.member,
            group=group,
            description=job.description,
        )
    return _to_bytes(trained) if rank == 0 else b""


def _begin() -> None:
    """One thread each, on the loopback interface; warnings only."""
    import torch

    end_with_parent()
    torch.set_num_threads(1)
    names = [name for _, name in socket.if_nameindex()]
    for name in ("lo", "lo0"):
        if name in names:
            os.environ.setdefault(_INTERFACE, name)
    logging.getLogger("mtcm_pipeline").setLevel(logging.WARNING)


def _to_bytes(model: JudgeModel) -> bytes:
    from safetensors.torch import save

    return save({name: each.contiguous() for name, each in model.state_dict().items()})


def _from_bytes(weights: bytes, size: tuple[int, int, ModelOptions]) -> JudgeModel:
    import torch
    from safetensors.torch import load

    with torch.random.fork_rng(devices=[]):
        model = JudgeModel(*size)
    model.load_state_dict(load(weights))
    return model
