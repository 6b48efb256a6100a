"""What photographs near the proposals add to a reconstruction, where the hole is.

    python -m mtcm_pipeline.benchmarks.missing_gain_benchmark --capture DIR --out t.csv

A part of a capture is hidden, as in `missing_benchmark`. A field is fitted to views that
farthest view sampling takes from the rest, and again with a photograph for each of the
first one or three proposals; the difference in PSNR is the gain. It is measured on hidden
photographs that nobody may add (the hole), and on views of the rest that are not trained
on. The photograph of a proposal is the nearest hidden one; or, in the pool `any`, the
nearest of all that are not trained on, so that a proposal that points away from the hole
is not led into it. A stopped run goes on where it was.

Ways that are led to the same photographs gain the same; the table says how often that is
so. Two ways propose nothing and show what the measure can tell: photographs of the pool
at random, and those that a surrogate on the viewing sphere takes with the test views
known. That surrogate's own gain is in every row; `--no-fits` stops there, so that many
parts can be looked at. `--fit-seeds` trains every field more than once: the mean counts,
and how far the fits of one set lie apart is printed.

Dimension letters: N frames, P proposals.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.benchmarks.captures import load_photos
from mtcm_pipeline.benchmarks.command import (
    BenchmarkCommand,
    captures_option,
    out_option,
)
from mtcm_pipeline.benchmarks.missing_gain_parts import (
    POOLS,
    Part,
    best_photographs,
    nearest_photographs,
    plan_part,
)
from mtcm_pipeline.benchmarks.missing_gain_tables import JOINED, GainRow, print_tables
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
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.scene.views import PinholeViews, pinhole_views
from mtcm_pipeline.trials.fitting import FitTask
from mtcm_pipeline.trials.instruments import fit_and_compare

Bool = NDArray[np.bool_]

# Small enough that a fit takes two to four CPU seconds; differences keep their order.
_SIDE_PX, _GAUSSIANS, _STEPS = 96, 2_500, 200
# Half of the hidden photographs are looked at, half may be added.
_LEAST_HIDDEN = 6
_TRIES = 100
COUNTS = (1, 3)
PROPOSING: dict[str, Way] = {
    OURS: ours_with_model,
    **{name: RIVALS[name] for name in (CAP, RANDOM, REPEAT)},
}
CHANCE, CEILING = "photographs at random", "best for the tests, by the surrogate"
WAYS = (*PROPOSING, CHANCE, CEILING)


@dataclass(frozen=True)
class Asked:
    """What is measured on every capture.

    Attributes:
        seeds: parts hidden of each kind.
        fit_seeds: trainings of every field.
        ways: who proposes; ours first.
        pools: which photographs may be added.
        fits: whether fields are fitted at all.
    """

    seeds: int
    fit_seeds: int = 1
    ways: tuple[str, ...] = WAYS
    pools: tuple[str, ...] = POOLS
    fits: bool = True

    @property
    def rows_a_part(self) -> int:
        """Rows of one capture with one part hidden."""
        return self.fit_seeds * len(self.ways) * len(COUNTS) * len(self.pools)


def gains(
    photos: PosedPhotos,
    asked: Asked,
    foresee: Foreseer,
    done: frozenset[tuple[str, str, int]] = frozenset(),
) -> Iterator[GainRow]:
    """Every kind, seed, way, count and pool on one capture, but for the parts done."""
    views = pinhole_views(photos, _SIDE_PX)
    bearings = bearings_of(photos.cameras)
    for kind in KINDS:
        for seed in range(asked.seeds):
            if (photos.identity, kind, seed) in done:
                continue
            rng = np.random.default_rng([seed, KINDS.index(kind)])
            hidden = _enough_hidden(bearings, kind, rng)
            part = plan_part(photos, hidden, rng)
            bench = _Bench(photos, views, hidden, part, foresee)
            yield from _gains_of(bench, asked, kind, seed)


def _enough_hidden(bearings: Float, kind: str, rng: np.random.Generator) -> Bool:
    for _ in range(_TRIES):
        hidden = hidden_part(bearings, kind, rng)
        if hidden.sum() >= _LEAST_HIDDEN:
            return hidden
    raise CaptureError(
        f"no {kind} part of {len(bearings)} views holds {_LEAST_HIDDEN} of them or more: "
        f"this capture is too small, or its heights too few"
    )


@dataclass(frozen=True)
class _Bench:
    """What the gains of one part are measured with."""

    photos: PosedPhotos
    views: PinholeViews
    hidden: Bool
    part: Part
    foresee: Foreseer


def _gains_of(bench: _Bench, asked: Asked, kind: str, seed: int) -> Iterator[GainRow]:
    photos, part = bench.photos, bench.part
    left = np.array(photos.names)[~bench.hidden].tolist()
    rest, _ = split_capture(photos.cameras, bench.hidden)
    rest = replace(rest, foresight=bench.foresee(tuple(left)))
    for way in asked.ways:
        rng = np.random.default_rng([seed, 1])
        proposals = None
        if way in PROPOSING:
            proposals = PROPOSING[way](rest, max(COUNTS), rng)
        for count in COUNTS:
            for pool in asked.pools:
                if proposals is None:
                    added, apart = _without_proposals(way, part, pool, count, seed)
                else:
                    able = {name: part.bearings[name] for name in part.pools[pool]}
                    added, apart = nearest_photographs(proposals[:count], able)
                for fit_seed in range(asked.fit_seeds):
                    before, after = (
                        _psnr(bench.views, part, names, fit_seed, asked.fits)
                        for names in ([], added)
                    )
                    yield GainRow(
                        photos.identity,
                        kind,
                        seed,
                        fit_seed,
                        way,
                        count,
                        pool,
                        JOINED.join(sorted(added)),
                        round(apart, 2),
                        round(part.expected_gain(added), 4),
                        round(before[0], 3),
                        round(after[0] - before[0], 3),
                        round(after[1] - before[1], 3),
                    )


def _without_proposals(
    way: str, part: Part, pool: str, count: int, seed: int
) -> tuple[list[str], float]:
    """Photographs that a way adds which proposes nothing, so that no angle is known."""
    if way == CEILING:
        return best_photographs(part, pool, count), float("nan")
    rng = np.random.default_rng([seed, 2])
    return rng.permutation(sorted(part.pools[pool]))[:count].tolist(), float("nan")


def _psnr(
    views: PinholeViews, part: Part, added: Sequence[str], seed: int, fits: bool
) -> tuple[float, float]:
    """Mean PSNR in dB over the hole's test views and the rest's; NaN without fits."""
    if not fits:
        return float("nan"), float("nan")
    key = frozenset(added), seed
    if key not in part.found:
        shown = [*part.trained, *sorted(key[0])]
        tests = views.subset([*part.hole_tests, *part.rest_tests])
        task = FitTask(views.subset(shown), tests, _GAUSSIANS, _STEPS, seed)
        psnr = dict(zip(tests.names, fit_and_compare(task).primary, strict=True))
        hole, rest = (
            float(np.mean([psnr[name] for name in group]))
            for group in (part.hole_tests, part.rest_tests)
        )
        part.found[key] = hole, rest
    return part.found[key]


def finished(rows: Sequence[GainRow], asked: Asked) -> list[GainRow]:
    """The rows of parts of which all rows that are asked for are there."""
    counts = Counter(_part_of(row) for row in rows if _is_asked(row, asked))
    return [row for row in rows if counts[_part_of(row)] >= asked.rows_a_part]


def _part_of(row: GainRow) -> tuple[str, str, int]:
    return row.capture, row.kind, row.seed


def _is_asked(row: GainRow, asked: Asked) -> bool:
    named = row.way in asked.ways and row.pool in asked.pools
    fitted = np.isfinite(row.hole_gain_db) or not asked.fits
    return bool(named and fitted and row.fit_seed < asked.fit_seeds)


@click.command(cls=BenchmarkCommand)
@captures_option
@click.option("--seeds", default=3, show_default=True, type=click.IntRange(1))
@out_option
@click.option(
    "--fit-seeds",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="Trainings of every field.",
)
@click.option(
    "--rival",
    "rivals",
    multiple=True,
    type=click.Choice(WAYS[1:]),
    help="Against whom; give it again for more. All when left out.",
)
@click.option(
    "--pool",
    "pools",
    multiple=True,
    type=click.Choice(POOLS),
    help="Which photographs may be added. Both when left out.",
)
@click.option("--fits/--no-fits", default=True, help="Whether fields are fitted.")
def main(
    captures: tuple[Path, ...],
    seeds: int,
    out: Path,
    *,
    fit_seeds: int,
    rivals: tuple[str, ...],
    pools: tuple[str, ...],
    fits: bool,
) -> None:
    """PSNR that photographs near the proposals add, in the hole and elsewhere."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    ways = (OURS, *dict.fromkeys(rivals)) if rivals else WAYS
    asked = Asked(seeds, fit_seeds, ways, tuple(dict.fromkeys(pools)) or POOLS, fits)
    known = finished(rows_so_far(GainRow, out), asked)
    print_tables(write_as_known(_rows(captures, asked, known), GainRow, out))


def _rows(
    captures: Sequence[Path], asked: Asked, known: Sequence[GainRow]
) -> Iterator[GainRow]:
    """What is known, then what is not."""
    yield from known
    done = frozenset(map(_part_of, known))
    for folder in captures:
        photos = load_photos(folder)
        yield from gains(photos, asked, foreseer(photos), done)


if __name__ == "__main__":
    main()
