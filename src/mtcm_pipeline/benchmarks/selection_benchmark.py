"""How long each strategy takes to choose.

    python -m mtcm_pipeline.benchmarks.selection_benchmark --frames 300 --out table.csv

Dimension letters: N frames, E = 384 embedding width.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from mtcm_pipeline.benchmarks.clock import cpu_seconds
from mtcm_pipeline.benchmarks.command import BenchmarkCommand, out_option
from mtcm_pipeline.benchmarks.rows import write_as_known
from mtcm_pipeline.encoders.fixed_projection import EMBEDDING_WIDTH
from mtcm_pipeline.selection.options import SelectOptions
from mtcm_pipeline.selection.problem import SelectionProblem
from mtcm_pipeline.selection.registry import STRATEGIES, select

log = logging.getLogger(__name__)

Float = NDArray[np.float64]
# Up to this many frames a run is short enough to be disturbed, and to be repeated.
REPEATED_UP_TO = 2_500
REPETITIONS = 3
_TURNS = 5  # of the orbit, each at a height of its own


@dataclass(frozen=True)
class BenchmarkRow:
    """One strategy on one number of frames.

    Attributes:
        strategy: its name.
        frames: N.
        budget: frames to choose.
        repetitions: each on a problem made anew.
        seconds: median wall time.
        seconds_most: the longest.
        cpu_seconds: median CPU time, all threads.
    """

    strategy: str
    frames: int
    budget: int
    repetitions: int
    seconds: float
    seconds_most: float
    cpu_seconds: float


def orbit_problem(n: int, seed: int) -> SelectionProblem:
    """Cameras around a subject, whose appearance and similarity follow the view.

    Args:
        n: N frames on five turns between 10 degrees below and 60 above the subject.
        seed: of the noise in distance, appearance, similarity and quality.
    """
    rng = np.random.default_rng(seed)
    along = np.linspace(0.0, 1.0, n)
    azimuth = 2 * np.pi * _TURNS * along
    height = np.radians(-10 + 70 * along)
    bearings = np.stack(
        [
            np.cos(azimuth) * np.cos(height),
            np.sin(azimuth) * np.cos(height),
            np.sin(height),
        ],
        axis=1,
    )  # (N, 3)
    appearance = bearings @ rng.normal(size=(3, EMBEDDING_WIDTH))
    latent = _unit(bearings + 0.2 * rng.normal(size=(n, 3)))
    return SelectionProblem(
        names=tuple(f"frame_{row:05d}.jpg" for row in range(n)),
        centres_xyz=bearings * rng.uniform(0.9, 1.1, size=(n, 1)),
        directions=_unit(-bearings + 0.05 * rng.normal(size=(n, 3))),
        embeddings=_unit(appearance + rng.normal(size=(n, EMBEDDING_WIDTH))),
        times=along,
        similarity=latent @ latent.T,
        quality=rng.uniform(0.5, 1.0, size=n),
        eligible=np.ones(n, dtype=bool),
    )


def benchmark_strategy(strategy: str, n: int, budget: int) -> BenchmarkRow:
    """Let a strategy choose from N frames, more than once where N is small."""
    repetitions = REPETITIONS if n <= REPEATED_UP_TO else 1
    options = SelectOptions(strategy=strategy, budget=budget)
    wall, cpu = [], []
    for seed in range(repetitions):
        problem = orbit_problem(n, seed)
        begun, begun_cpu = time.perf_counter(), cpu_seconds()
        select(problem, options)
        wall.append(time.perf_counter() - begun)
        cpu.append(cpu_seconds() - begun_cpu)
    return BenchmarkRow(
        strategy,
        n,
        budget,
        repetitions,
        round(float(np.median(wall)), 4),
        round(max(wall), 4),
        round(float(np.median(cpu)), 4),
    )


def benchmark_strategies(frames: Sequence[int], budget: int) -> Iterator[BenchmarkRow]:
    """Every strategy on every number of frames."""
    for n in frames:
        for strategy in STRATEGIES:
            row = benchmark_strategy(strategy, n, budget)
            log.info("%s of %d frames: %.2f s", strategy, n, row.seconds)
            yield row


def table_of(rows: Sequence[BenchmarkRow]) -> Table:
    """Wall seconds, and CPU seconds in brackets, by strategy and number of frames."""
    counts = sorted({row.frames for row in rows})
    cells = {
        (row.strategy, row.frames): f"{row.seconds:.2f} ({row.cpu_seconds:.2f})"
        for row in rows
    }
    table = Table("wall s (CPU s)", *[f"N = {n:,}" for n in counts])
    for strategy in STRATEGIES:
        table.add_row(strategy, *[cells[strategy, n] for n in counts])
    return table


def _unit(rows: Float) -> Float:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


@click.command(cls=BenchmarkCommand)
@click.option(
    "--frames",
    multiple=True,
    default=(300, 2_000, 10_000),
    show_default=True,
    type=click.IntRange(2),
    help="Frames to choose from; give it again for more sizes.",
)
@click.option(
    "--budget", default=50, show_default=True, type=click.IntRange(1), help="To choose."
)
@out_option
def main(frames: tuple[int, ...], budget: int, out: Path) -> None:
    """Seconds of each strategy on synthetic orbits."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    rows = write_as_known(benchmark_strategies(frames, budget), BenchmarkRow, out)
    Console().print(table_of(rows))


if __name__ == "__main__":
    main()
