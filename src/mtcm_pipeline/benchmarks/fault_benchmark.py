"""How well faulty frames are found, on captures that nobody was tuned on.

    python -m mtcm_pipeline.benchmarks.fault_benchmark ../shared/captures/*/ \\
        --scenarios /tmp/scenarios --out faults.csv

Every capture is spoilt with every kind of fault, gross and subtle, at several shares, and
with blocks of frames that share one pose error. The judge and boosting are trained on the
spoilt versions of the other captures and on drawn ones; `generated only` has seen no real
capture, as the judge that comes with the package, which is measured as well. A stopped
run goes on where it was. With `--shipped-only` nothing is trained: the simple checks and
the judge that comes with the package are measured.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
import numpy as np
import pandas as pd
from rich.console import Console

from mtcm_pipeline.benchmarks.captures import load_photos
from mtcm_pipeline.benchmarks.command import BenchmarkCommand
from mtcm_pipeline.benchmarks.fault_methods import (
    ABLATIONS,
    BOOSTING,
    GENERATED_ONLY,
    LEFT_OUT,
    SHIPPED,
    Trainer,
    ablated_method,
    boosting_method,
    judge_method,
    shipped_method,
    simple_methods,
)
from mtcm_pipeline.benchmarks.fault_rows import (
    BenchmarkRow,
    FrameRow,
    Method,
    RowFile,
    frame_rows,
    rows_of,
)
from mtcm_pipeline.benchmarks.fault_scenarios import (
    DRAWN,
    FIRST_DRAWN,
    measured_scenarios,
    training_scenarios,
)
from mtcm_pipeline.benchmarks.fault_store import SpoiltCapture
from mtcm_pipeline.benchmarks.fault_tables import (
    ALL_KINDS,
    blocks_and_many,
    by_capture,
    carried_table,
    of_each_capture,
    printed,
    recall_at_2,
    recall_at_5,
    reliability_table,
    roc_area,
    summary,
)
from mtcm_pipeline.figures.reliability import reliability_figure
from mtcm_pipeline.figures.style import png_bytes
from mtcm_pipeline.judge.calibration import reliability
from mtcm_pipeline.judge.order_rules import is_ordered
from mtcm_pipeline.judge.training import JudgeTrainOptions

log = logging.getLogger(__name__)

_STEPS = JudgeTrainOptions().steps


@dataclass(frozen=True)
class Task:
    """Methods that are made, if need be, for some spoilt captures.

    Attributes:
        names: of the methods.
        make: makes them, which may mean training.
        on: the spoilt captures that they are measured on.
    """

    names: tuple[str, ...]
    make: Callable[[], list[Method]]
    on: tuple[SpoiltCapture, ...]


def tasks(
    measured: Sequence[SpoiltCapture],
    drawn: Sequence[SpoiltCapture],
    trainer: Trainer,
    *,
    ablations: bool,
    shipped_only: bool = False,
) -> Iterator[Task]:
    """Everything to be measured, the simple first.

    Args:
        measured: spoilt captures to measure on.
        drawn: spoilt captures to train on only.
        trainer: trains judges.
        ablations: whether parts are taken away as well.
        shipped_only: whether nothing is to be trained.
    """
    every = tuple(measured)
    simple = simple_methods()
    yield Task(tuple(method.name for method in simple), lambda: simple, every)
    shipped = shipped_method()
    yield Task((shipped.name,), lambda: [shipped], every)
    if shipped_only:
        return
    if drawn:
        yield Task(
            (GENERATED_ONLY,),
            lambda: [judge_method(GENERATED_ONLY, trainer.judge(drawn, folds=2))],
            every,
        )
    for capture in dict.fromkeys(one.capture for one in measured):
        rest = [*drawn, *(one for one in measured if one.capture != capture)]
        own = tuple(one for one in measured if one.capture == capture)
        yield Task((LEFT_OUT,), partial(_left_out, trainer, rest), own)
        yield Task((BOOSTING,), partial(_boosted, rest), own)
    for name in ABLATIONS if ablations and drawn else ():
        yield Task((name,), partial(_ablated, name, trainer, drawn), every)


def _left_out(trainer: Trainer, rest: Sequence[SpoiltCapture]) -> list[Method]:
    return [judge_method(LEFT_OUT, trainer.judge(rest, folds=2))]


def _boosted(rest: Sequence[SpoiltCapture]) -> list[Method]:
    return [boosting_method(rest)]


def _ablated(name: str, trainer: Trainer, drawn: Sequence[SpoiltCapture]) -> list[Method]:
    return [ablated_method(name, trainer, drawn)]


def run(todo: Iterator[Task], rows: RowFile, frames: RowFile) -> None:
    """Measure whatever is not known yet; rows are written as soon as they are."""
    known = rows.known()
    for task in todo:
        missing = [
            (one, name)
            for one in task.on
            for name in task.names
            if (one.capture, one.plan, one.seed, name) not in known
        ]
        if not missing:
            continue
        methods = {method.name: method for method in task.make()}
        for one, name in missing:
            said = methods[name].judge(one)
            frames.add(frame_rows(one, name, said))
            rows.add(rows_of(one, name, said))
        log.info("%s: %d spoilt captures", ", ".join(task.names), len(task.on))


def show(rows: pd.DataFrame, unordered: Collection[str] = ()) -> None:
    """Print all tables; see `blocks_and_many`."""
    console = Console(width=220)
    single = rows[rows["kind"] != ALL_KINDS]
    console.print(printed("ROC area", summary(single, roc_area)))
    console.print(printed("recall, 2 % lost", summary(single, recall_at_2)))
    console.print(printed("recall, 5 % lost", summary(single, recall_at_5)))
    many = blocks_and_many(rows, unordered)
    console.print(printed("blocks, and many faults", many))
    console.print(printed("wrong times, ROC area", by_capture(rows, "timestamp")))
    console.print(printed("threshold carried over, 2 % asked", carried_table(rows)))
    each = of_each_capture(rows, SHIPPED, unordered)
    console.print(printed(f"{SHIPPED}, by capture", each))


def unordered_of(measured: Sequence[SpoiltCapture]) -> list[str]:
    """Captures whose frames do not follow each other."""
    clean = {one.capture: one for one in measured if one.plan == "clean"}
    return [name for name, one in clean.items() if not is_ordered(one.evidence())]


def save_reliability(frames: pd.DataFrame, place: Path) -> None:
    """A reliability diagram of all methods with probabilities, as a PNG file."""
    bins = {
        str(method): reliability(
            mine["probability"].to_numpy(np.float64), (mine["kind"] != "").to_numpy()
        )
        for method, mine in frames.groupby("method")
    }
    captures = frames["capture"].nunique()
    figure = reliability_figure(bins, f"Reliability on {captures} captures")
    place.write_bytes(png_bytes(figure))


@click.command(cls=BenchmarkCommand)
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--scenarios", required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="CSV file.")
@click.option("--seeds", default=1, show_default=True, type=click.IntRange(1))
@click.option("--drawn", default=DRAWN, show_default=True, type=click.IntRange(0))
@click.option("--steps", default=_STEPS, show_default=True, type=click.IntRange(1))
@click.option("--members", default=1, show_default=True, type=click.IntRange(1, 8))
@click.option("--ablations/--no-ablations", default=False)
@click.option("--known-only", is_flag=True, help="Take the drawn ones that are there.")
@click.option("--shipped-only", is_flag=True, help="Train nothing.")
@click.option("--plans", multiple=True, help="Part of the names of those to measure.")
def main(  # noqa: PLR0917
    folders: tuple[Path, ...],
    scenarios: Path,
    out: Path,
    seeds: int,
    drawn: int,
    steps: int,
    members: int,
    ablations: bool,
    known_only: bool,
    shipped_only: bool,
    plans: tuple[str, ...],
) -> None:
    """Spoil the captures in FOLDERS and see which frames are found; SCENARIOS keeps the
    spoilt captures and the trained judges between runs."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    captures = {folder.resolve().name: load_photos(folder) for folder in folders}
    only = plans or ("",)
    measured = list(measured_scenarios(captures, range(seeds), scenarios, only))
    numbers = range(FIRST_DRAWN, FIRST_DRAWN + (0 if shipped_only else drawn))
    others = list(training_scenarios(numbers, scenarios, known_only=known_only))
    log.info("%d spoilt captures to measure, %d drawn", len(measured), len(others))
    trainer = Trainer(JudgeTrainOptions(steps=steps), members, scenarios)
    rows = RowFile(out, BenchmarkRow)
    frames = RowFile(out.with_name(f"{out.stem}_frames.csv"), FrameRow)
    todo = tasks(
        measured, others, trainer, ablations=ablations, shipped_only=shipped_only
    )
    run(todo, rows, frames)
    show(rows.read(), unordered_of(measured))
    said = frames.read()
    table = printed("reliability of probabilities", reliability_table(said))
    Console(width=220).print(table)
    save_reliability(said, out.with_name(f"{out.stem}_reliability.png"))


if __name__ == "__main__":
    main()
