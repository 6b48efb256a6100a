"""What photographs near the proposals add to a reconstruction, where the hole is.

    python -m mtcm_pipeline.benchmarks.missing_gain_benchmark --capture DIR --out t.csv

A part of a capture is hidden, as in `missing_benchmark`. A field is fitted to views that
farthest view sampling takes from the rest, and again with a photograph for each of the
first one or three proposals; the difference in PSNR is the gain. It is measured on hidden
photographs that nobody may add (the hole), and on views of the rest that are not trained
on. The photograph of a proposal is the nearest hidden one; or, in the pool `any`, the
nearest of all that are not trained on, so that a proposal that points away from the hole
is not led into it. A stopped run goes on where it was.

Dimension letters: N frames, H hidden, P proposals.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from mtcm_pipeline.benchmarks.captures import load_photos
from mtcm_pipeline.benchmarks.missing_command import missing_command
from mtcm_pipeline.benchmarks.missing_model import Foreseer, foreseer
from mtcm_pipeline.benchmarks.missing_parts import (
    CAP,
    KINDS,
    OURS,
    RANDOM,
    REPEAT,
    RIVALS,
    Float,
    Way,
    bearings_of,
    hidden_part,
    ours_with_model,
    split_capture,
)
from mtcm_pipeline.benchmarks.rows import rows_so_far, write_as_known
from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.missing.sphere import angles_between_deg
from mtcm_pipeline.scene.views import PinholeViews, pinhole_views
from mtcm_pipeline.selection.from_cameras import problem_from_cameras
from mtcm_pipeline.selection.options import SelectOptions
from mtcm_pipeline.selection.registry import select
from mtcm_pipeline.trials.fitting import FitTask
from mtcm_pipeline.trials.instruments import fit_and_compare
from mtcm_pipeline.trials.statistics import interval

Bool = NDArray[np.bool_]

# Small enough that a fit takes two to four CPU seconds; differences keep their order.
_SIDE_PX, _GAUSSIANS, _STEPS = 96, 2_500, 200
# So many views cover the rest well, and the hole is what the field lacks.
_TRAINED_ON = 20
# Half of the hidden photographs are looked at, half may be added.
_LEAST_HIDDEN = 6
_REST_TESTS = 5
COUNTS = (1, 3)
POOLS = ("hidden", "any")
WAYS: dict[str, Way] = {
    OURS: ours_with_model,
    **{name: RIVALS[name] for name in (CAP, RANDOM, REPEAT)},
}


@dataclass(frozen=True)
class GainRow:
    """The first proposals of one way, on one capture with one part hidden.

    Attributes:
        capture: its folder's name.
        kind: what was hidden.
        seed: which part.
        way: who proposes.
        proposals: P.
        pool: which photographs could be added.
        nearest_deg: mean angle from a proposal to the photograph added for it.
        hole_before_db: mean PSNR over the hidden test views without them.
        hole_gain_db: what they added there.
        rest_gain_db: what they added on the test views of the rest.
    """

    capture: str
    kind: str
    seed: int
    way: str
    proposals: int
    pool: str
    nearest_deg: float
    hole_before_db: float
    hole_gain_db: float
    rest_gain_db: float


@dataclass(frozen=True)
class Part:
    """A capture with one part hidden, and who may be trained on or looked at.

    Attributes:
        hole_tests: hidden views that are looked at.
        rest_tests: other views that are looked at.
        trained: views that the field is fitted to.
        pools: names that may be added, by pool.
        found: PSNR of (hole, rest) by what was added; filled as fits are made.
    """

    hole_tests: tuple[str, ...]
    rest_tests: tuple[str, ...]
    trained: tuple[str, ...]
    pools: Mapping[str, tuple[str, ...]]
    found: dict[frozenset[str], tuple[float, float]] = field(default_factory=dict)


def gains(
    photos: PosedPhotos,
    seeds: int,
    foresee: Foreseer,
    done: frozenset[tuple[str, str, int]] = frozenset(),
) -> Iterator[GainRow]:
    """Every kind, seed, way, count and pool on one capture, but for the parts done."""
    views = pinhole_views(photos, _SIDE_PX)
    bearings = bearings_of(photos.cameras)
    for kind in KINDS:
        for seed in range(seeds):
            if (photos.identity, kind, seed) in done:
                continue
            rng = np.random.default_rng([seed, KINDS.index(kind)])
            hidden = hidden_part(bearings, kind, rng)
            while hidden.sum() < _LEAST_HIDDEN:
                hidden = hidden_part(bearings, kind, rng)
            part = plan_part(photos, hidden, rng)
            bench = _Bench(photos, views, hidden, part, foresee)
            yield from _gains_of(bench, kind, seed)


def plan_part(photos: PosedPhotos, hidden: Bool, rng: np.random.Generator) -> Part:
    """Who is tested, trained on and added; nobody is two of these."""
    names = np.array(photos.names)
    inside, outside = names[hidden], rng.permutation(names[~hidden])
    inside = rng.permutation(inside)
    hole_tests = inside[: len(inside) // 2]
    rest_tests, left = outside[:_REST_TESTS], outside[_REST_TESTS:]
    ordered = [name for name in photos.names if name in set(left.tolist())]
    trained = _spread(photos, ordered)
    addable = tuple(inside[len(inside) // 2 :].tolist())
    unused = tuple(name for name in ordered if name not in set(trained))
    return Part(
        tuple(hole_tests.tolist()),
        tuple(rest_tests.tolist()),
        trained,
        {"hidden": addable, "any": addable + unused},
    )


def nearest_photographs(
    proposals: Float, bearings: Mapping[str, Float]
) -> tuple[list[str], float]:
    """A photograph for each proposal in turn, none twice; their mean angle in degrees.

    Args:
        proposals: (P, 3) unit vectors.
        bearings: (3,) unit vectors by the names that may be taken, at least one.
    """
    names = list(bearings)
    apart = angles_between_deg(proposals, np.array([bearings[name] for name in names]))
    added: list[str] = []
    angles = []
    for row in apart[: len(names)]:
        best = int(row.argmin())
        added.append(names[best])
        angles.append(float(row[best]))
        apart[:, best] = np.inf
    return added, float(np.mean(angles))


@dataclass(frozen=True)
class _Bench:
    """What the gains of one part are measured with."""

    photos: PosedPhotos
    views: PinholeViews
    hidden: Bool
    part: Part
    foresee: Foreseer


def _gains_of(bench: _Bench, kind: str, seed: int) -> Iterator[GainRow]:
    photos, views, part = bench.photos, bench.views, bench.part
    left = np.array(photos.names)[~bench.hidden].tolist()
    rest, _ = split_capture(photos.cameras, bench.hidden)
    rest = replace(rest, foresight=bench.foresee(tuple(left)))
    bearings = _bearings_in_rest(photos, bench.hidden)
    before = _psnr(views, part, [], seed)
    for way, propose_by in WAYS.items():
        proposals = propose_by(rest, max(COUNTS), np.random.default_rng([seed, 1]))
        for count in COUNTS:
            for pool in POOLS:
                able = {name: bearings[name] for name in part.pools[pool]}
                added, apart = nearest_photographs(proposals[:count], able)
                after = _psnr(views, part, added, seed)
                yield GainRow(
                    photos.identity,
                    kind,
                    seed,
                    way,
                    count,
                    pool,
                    round(apart, 2),
                    round(before[0], 3),
                    round(after[0] - before[0], 3),
                    round(after[1] - before[1], 3),
                )


def _bearings_in_rest(photos: PosedPhotos, hidden: Bool) -> dict[str, Float]:
    """Unit vectors to all cameras by name, in the gauge of what is left."""
    rest, asked = split_capture(photos.cameras, hidden)
    every = np.empty((len(hidden), 3))
    every[~hidden], every[hidden] = rest.views, asked
    return dict(zip(photos.names, every, strict=True))


def _spread(photos: PosedPhotos, names: list[str]) -> tuple[str, ...]:
    problem = problem_from_cameras(photos.cameras.subset(names))
    options = SelectOptions(strategy="fvs", budget=min(_TRAINED_ON, len(names) - 1))
    return tuple(select(problem, options).ranking)


def _psnr(
    views: PinholeViews, part: Part, added: Sequence[str], seed: int
) -> tuple[float, float]:
    """Mean PSNR in dB over the hole's test views and over the rest's."""
    key = frozenset(added)
    if key not in part.found:
        shown = [*part.trained, *sorted(key)]
        tests = views.subset([*part.hole_tests, *part.rest_tests])
        task = FitTask(views.subset(shown), tests, _GAUSSIANS, _STEPS, seed)
        psnr = dict(zip(tests.names, fit_and_compare(task).primary, strict=True))
        hole, rest = (
            float(np.mean([psnr[name] for name in group]))
            for group in (part.hole_tests, part.rest_tests)
        )
        part.found[key] = hole, rest
    return part.found[key]


def finished(rows: Sequence[GainRow]) -> list[GainRow]:
    """The rows of parts of which all rows are there."""
    whole = len(WAYS) * len(COUNTS) * len(POOLS)
    keys = [(row.capture, row.kind, row.seed) for row in rows]
    counts = pd.Series(keys, dtype=object).value_counts()
    return [
        row for row, key in zip(rows, keys, strict=True) if counts.get(key, 0) >= whole
    ]


def summary(rows: Sequence[GainRow]) -> Table:
    """Gains in dB with 95 % bootstrap intervals over captures and parts, paired."""
    data = pd.DataFrame([vars(row) for row in rows])
    shown = Table(
        "added from", "proposals", "way", "in the hole", "ours − it", "the rest"
    )
    for (pool, count), group in data.groupby(["pool", "proposals"], sort=False):
        wide = group.pivot(
            index=["capture", "kind", "seed"],
            columns="way",
            values=["hole_gain_db", "rest_gain_db"],
        )
        for way in WAYS:
            hole, rest = wide["hole_gain_db", way], wide["rest_gain_db", way]
            ahead = wide["hole_gain_db", OURS] - hole
            shown.add_row(
                str(pool),
                str(count),
                way,
                _text(hole),
                "" if way == OURS else _text(ahead),
                _text(rest),
            )
    return shown


def by_capture(rows: Sequence[GainRow]) -> Table:
    """Mean gains in the hole by capture, in dB."""
    data = pd.DataFrame([vars(row) for row in rows])
    captures = list(dict.fromkeys(data["capture"]))
    shown = Table("added from", "proposals", "way", *captures)
    means = data.groupby(["pool", "proposals", "way", "capture"])["hole_gain_db"].mean()
    for pool in POOLS:
        for count in COUNTS:
            for way in WAYS:
                cells = [f"{means[pool, count, way, name]:+.2f}" for name in captures]
                shown.add_row(pool, str(count), way, *cells)
    return shown


def _text(values: pd.Series) -> str:
    grouped = {
        str(capture): part.to_numpy(dtype=np.float64)
        for capture, part in values.groupby(level="capture")
    }
    found = interval(grouped, resamples=10_000, seed=0)
    return f"{found.mean:+.2f} ({found.low:+.2f} to {found.high:+.2f})"


@missing_command(seeds=3)
def main(captures: tuple[Path, ...], seeds: int, out: Path) -> None:
    """PSNR that photographs near the proposals add, in the hole and elsewhere."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    known = finished(rows_so_far(GainRow, out))
    rows = write_as_known(_rows(captures, seeds, known), GainRow, out)
    console = Console(width=160)
    console.print(summary(rows))
    console.print(by_capture(rows))


def _rows(
    captures: Sequence[Path], seeds: int, known: Sequence[GainRow]
) -> Iterator[GainRow]:
    """What is known, then what is not."""
    yield from known
    done = frozenset((row.capture, row.kind, row.seed) for row in known)
    for folder in captures:
        photos = load_photos(folder)
        yield from gains(photos, seeds, foreseer(photos), done)


if __name__ == "__main__":
    main()
