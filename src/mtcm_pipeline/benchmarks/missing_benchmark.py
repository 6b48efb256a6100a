"""How near proposals of missing views come to views that were hidden.

    python -m mtcm_pipeline.benchmarks.missing_benchmark --capture DIR ... --out table.csv

With `--model` photographs are read too, and the MTCM takes part. Angles say where a
proposal points; what a photograph there is worth is `missing_gain_benchmark`'s question.

Dimension letters: N frames, H hidden, P proposals.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from mtcm_pipeline.benchmarks.captures import load_photos, read_reference
from mtcm_pipeline.benchmarks.command import (
    BenchmarkCommand,
    captures_option,
    out_option,
)
from mtcm_pipeline.benchmarks.missing_model import Foreseer, foreseer
from mtcm_pipeline.benchmarks.missing_parts import (
    KINDS,
    OURS,
    RIVALS,
    WITHOUT_MODEL,
    Way,
    bearings_of,
    hidden_part,
    ours,
    ours_with_model,
    split_capture,
)
from mtcm_pipeline.benchmarks.rows import write_as_known
from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture_import import find_capture
from mtcm_pipeline.viewpoints.sphere import angles_between_deg

COUNTS = (1, 3, 5)
NEAR_DEG = 15.0


@dataclass(frozen=True)
class MissingRow:
    """One way to propose, on one capture with one part hidden.

    Attributes:
        capture: its folder's name.
        kind: what was hidden.
        seed: which part.
        hidden: H.
        way: who proposes.
        proposals: P.
        mean_deg: mean angle from a proposal to the nearest hidden camera.
        nearest_deg: the same of the best proposal.
        near_share: proposals within 15 degrees of a hidden camera.
    """

    capture: str
    kind: str
    seed: int
    hidden: int
    way: str
    proposals: int
    mean_deg: float
    nearest_deg: float
    near_share: float


def measure(
    cameras: PosedCameras, capture: str, seeds: int, foresee: Foreseer | None = None
) -> Iterator[MissingRow]:
    """Every kind, seed, way and count on one capture; with a model where there is one."""
    ways: dict[str, Way] = {WITHOUT_MODEL: ours, **RIVALS}
    if foresee is not None:
        ways = {OURS: ours_with_model, **ways}
    every, names = bearings_of(cameras), np.array(cameras.names)
    for kind in KINDS:
        for seed in range(seeds):
            rng = np.random.default_rng([seed, KINDS.index(kind)])
            hidden = hidden_part(every, kind, rng)
            rest, asked = split_capture(cameras, hidden)
            if foresee is not None:
                rest = replace(rest, foresight=foresee(tuple(names[~hidden].tolist())))
            for way, propose_by in ways.items():
                for count in COUNTS:
                    rng = np.random.default_rng([seed, count])
                    apart = angles_between_deg(propose_by(rest, count, rng), asked)
                    nearest = apart.min(axis=1)
                    yield MissingRow(
                        capture,
                        kind,
                        seed,
                        int(hidden.sum()),
                        way,
                        count,
                        round(float(nearest.mean()), 2),
                        round(float(nearest.min()), 2),
                        round(float((nearest < NEAR_DEG).mean()), 3),
                    )


def summary(rows: Sequence[MissingRow]) -> Table:
    """Mean degrees to the nearest hidden camera (share within 15) by capture and way."""
    data = pd.DataFrame([vars(row) for row in rows])
    captures = list(dict.fromkeys(data["capture"]))
    shown = Table("way", "proposals", *captures, "mean")
    for way in dict.fromkeys(data["way"]):
        for count in COUNTS:
            some = data[(data["way"] == way) & (data["proposals"] == count)]
            by_capture = [_cell(some[some["capture"] == name]) for name in captures]
            shown.add_row(way, str(count), *by_capture, _cell(some))
    return shown


def _cell(rows: pd.DataFrame) -> str:
    return f"{rows['mean_deg'].mean():.0f}° ({rows['near_share'].mean():.0%})"


@click.command(cls=BenchmarkCommand)
@captures_option
@click.option("--seeds", default=10, show_default=True, type=click.IntRange(1))
@out_option
@click.option("--model/--no-model", help="Whether the MTCM takes part: reads pictures.")
def main(captures: tuple[Path, ...], seeds: int, out: Path, model: bool) -> None:
    """Angles from proposals to hidden views."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    rows = (row for folder in captures for row in _measured(folder, seeds, model))
    Console(width=160).print(summary(write_as_known(rows, MissingRow, out)))


def _measured(folder: Path, seeds: int, model: bool) -> Iterator[MissingRow]:
    if not model:
        cameras = read_reference(find_capture(folder))
        return measure(cameras, folder.name, seeds)
    photos = load_photos(folder)
    return measure(photos.cameras, folder.name, seeds, foreseer(photos))


if __name__ == "__main__":
    main()
