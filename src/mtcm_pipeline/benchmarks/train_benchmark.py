"""How long the MTCM takes to be tuned to one capture.

    python -m mtcm_pipeline.benchmarks.train_benchmark --frames 50 --frames 300 \
        --out table.csv

Tokens of a synthetic orbit, options as in a run. The network's arithmetic over the whole
time is compared with what matrix products of the model's own size reach in the same
process and thread.

Dimension letters: N frames.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch.utils.flop_counter import FlopCounterMode

from mtcm_pipeline.benchmarks.clock import cpu_seconds
from mtcm_pipeline.benchmarks.command import BenchmarkCommand, out_option
from mtcm_pipeline.benchmarks.rows import write_as_known
from mtcm_pipeline.benchmarks.selection_benchmark import orbit_problem
from mtcm_pipeline.capture.rotations import quat_from_matrix
from mtcm_pipeline.math_threads import math_threads
from mtcm_pipeline.mtcm.options import TrainOptions
from mtcm_pipeline.mtcm.training import train_mtcm
from mtcm_pipeline.regressors.orbit import aimed_axes
from mtcm_pipeline.tokens.layout import FIELDS, Tokens

_PRODUCTS = 200  # matrix products that are timed together
_WARM_UP = 3  # products before the clock starts
_COUNTED_EPOCHS = 20


@dataclass(frozen=True)
class TrainRow:
    """One training.

    Attributes:
        frames: N.
        epochs: until it stopped by itself.
        seconds: wall time of everything: the prior's draws, steps, validation, gates.
        cpu_seconds: of the same.
        network_share: of the matrix-product rate, by the network's multiplications and
            additions over all of that time.
    """

    frames: int
    epochs: int
    seconds: float
    cpu_seconds: float
    network_share: float


def orbit_tokens(n: int, seed: int) -> Tokens:
    """Tokens of the cameras of `orbit_problem`, all fields present."""
    problem = orbit_problem(n, seed)
    rng = np.random.default_rng([seed, 1])
    rotations = aimed_axes(
        problem.centres_xyz / np.linalg.norm(problem.centres_xyz, axis=1, keepdims=True)
    )
    columns = [
        problem.embeddings,
        problem.centres_xyz,
        quat_from_matrix(rotations),
        problem.times[:, None] * n,
        rng.uniform(0.2, 0.4, size=(n, 1)),
        np.ones((n, 1)),
    ]
    present = np.ones((n, len(FIELDS)), dtype=bool)
    return Tokens(problem.names, np.hstack(columns), present, problem.times)


def product_rate(n: int, width: int) -> float:
    """Multiplications and additions a second of (n, width) @ (width, width)."""
    left, right = torch.randn(n, width), torch.randn(width, width)
    for _ in range(_WARM_UP):
        left @ right
    begun = time.perf_counter()
    for _ in range(_PRODUCTS):
        left @ right
    return _PRODUCTS * 2.0 * n * width * width / (time.perf_counter() - begun)


def operations_an_epoch(tokens: Tokens, options: TrainOptions) -> float:
    """The network's multiplications and additions in an epoch, validation included."""
    few = replace(options, epochs=_COUNTED_EPOCHS, patience=_COUNTED_EPOCHS)
    with FlopCounterMode(display=False) as counter:
        train_mtcm(tokens, few)
    return float(counter.get_total_flops()) / _COUNTED_EPOCHS


def train_rows(frames: Sequence[int], options: TrainOptions) -> Iterator[TrainRow]:
    """One training a number of frames."""
    for n in frames:
        tokens = orbit_tokens(n, 0)
        begun, cpu = time.perf_counter(), cpu_seconds()
        trained = train_mtcm(tokens, options)
        seconds, cpu = time.perf_counter() - begun, cpu_seconds() - cpu
        epochs = len(trained.history)
        rate = product_rate(min(n, options.context_frames), options.d_model)
        done = epochs * operations_an_epoch(tokens, options)
        yield TrainRow(n, epochs, seconds, cpu, done / seconds / rate)


def printed(rows: Sequence[TrainRow]) -> Table:
    """The rows for people."""
    table = Table("frames", "epochs", "seconds", "CPU seconds", "of the product rate")
    for row in rows:
        table.add_row(
            str(row.frames),
            str(row.epochs),
            f"{row.seconds:.0f}",
            f"{row.cpu_seconds:.0f}",
            f"{100 * row.network_share:.0f} %",
        )
    return table


@click.command(cls=BenchmarkCommand)
@click.option("--frames", multiple=True, type=int, default=(50, 300), show_default=True)
@out_option
def main(frames: tuple[int, ...], out: Path) -> None:
    """How long the MTCM takes to be tuned to one capture."""
    with math_threads(1):
        rows = write_as_known(train_rows(frames, TrainOptions()), TrainRow, out)
    Console().print(printed(rows))


if __name__ == "__main__":
    main()
