"""How near proposals of missing views come to views that were hidden.

    python -m mtcm_pipeline.benchmarks.missing_benchmark --capture DIR ... --out table.csv

A sector of azimuth, the highest or the lowest ring of a capture is hidden, and each way
to propose the next poses sees the rest. Poses alone: no picture is read.

Dimension letters: N frames, H hidden, P proposals.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from mtcm_pipeline.benchmarks.captures import read_reference
from mtcm_pipeline.benchmarks.rows import write_as_known
from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture_import import find_capture
from mtcm_pipeline.missing.band import band_of
from mtcm_pipeline.missing.options import MissingOptions
from mtcm_pipeline.missing.propose import propose
from mtcm_pipeline.missing.sphere import (
    angles_between_deg,
    azimuth_elevation_deg,
    even_directions,
)
from mtcm_pipeline.selection.viewing_sphere import view_vectors
from mtcm_pipeline.tokens.gauge import canonical_gauge

log = logging.getLogger(__name__)

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
# (N - H, 3) views, (N - H, 3) centres, (N - H, 3) directions, count, generator -> (P, 3).
Way = Callable[["Rest", int, np.random.Generator], Float]

KINDS = ("azimuth", "high", "low")
COUNTS = (1, 3, 5)
NEAR_DEG = 15.0
_SECTOR_DEG = (30.0, 90.0)
_RING_SHARE = (0.15, 0.35)
_LEAST_HIDDEN, _MOST_HIDDEN = 3, 0.6
# Elevations that rivals may propose beyond those of the cameras.
_BEYOND_DEG = 5.0
_CAP_DIRECTIONS = 2_000


@dataclass(frozen=True)
class Rest:
    """What is left of a capture, in its own gauge and in order of time."""

    views: Float
    centres_xyz: Float
    directions: Float


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


def hidden_part(views: Float, kind: str, rng: np.random.Generator) -> Bool:
    """(N,) which views are hidden: a sector of azimuth, or the top or bottom ring.

    Args:
        views: (N, 3) unit vectors from the subject to the cameras.
        kind: one of `KINDS`.
        rng: chooses place and size; sizes are drawn again until 3 views or more and no
            more than 60 % are hidden.
    """
    azimuth, elevation = azimuth_elevation_deg(views)
    for _ in range(1_000):
        if kind == "azimuth":
            middle = azimuth[rng.integers(len(views))]
            off = np.abs((azimuth - middle + 180.0) % 360.0 - 180.0)
            hidden = off < rng.uniform(*_SECTOR_DEG) / 2.0
        else:
            share = rng.uniform(*_RING_SHARE)
            sign = 1.0 if kind == "high" else -1.0
            hidden = sign * elevation > np.quantile(sign * elevation, 1.0 - share)
        if _LEAST_HIDDEN <= hidden.sum() <= _MOST_HIDDEN * len(views):
            break
    return np.asarray(hidden)


def ours(rest: Rest, count: int, rng: np.random.Generator) -> Float:
    """The project's proposals."""
    options = MissingOptions(count=count)
    found = propose(band_of(rest.centres_xyz, rest.directions, options), options)
    return np.array([proposal.direction for proposal in found])


def largest_empty_caps(rest: Rest, count: int, rng: np.random.Generator) -> Float:
    """Centres of the largest caps without a view, one after the other, at the cameras'
    elevations."""
    return _empty_caps(_elevations_of(rest), rest.views, count)


def empty_caps_anywhere(rest: Rest, count: int, rng: np.random.Generator) -> Float:
    """The same on the whole sphere."""
    return _empty_caps(even_directions(_CAP_DIRECTIONS), rest.views, count)


def random_in_the_band(rest: Rest, count: int, rng: np.random.Generator) -> Float:
    """Any places at the cameras' elevations."""
    places = _elevations_of(rest)
    return places[rng.choice(len(places), count, replace=False)]


def repeat_the_last(rest: Rest, count: int, rng: np.random.Generator) -> Float:
    """Where the last picture was taken."""
    return np.repeat(rest.views[-1:], count, axis=0)


WAYS: dict[str, Way] = {
    "ours": ours,
    "largest empty cap": largest_empty_caps,
    "largest empty cap, whole sphere": empty_caps_anywhere,
    "random in the band": random_in_the_band,
    "repeat the last pose": repeat_the_last,
}


def measure(cameras: PosedCameras, capture: str, seeds: int) -> Iterator[MissingRow]:
    """Every kind, seed, way and count on one capture."""
    gauge = canonical_gauge(cameras)
    every = view_vectors(
        gauge.points(cameras.centres_xyz), gauge.directions(cameras.viewing_directions)
    )
    for kind in KINDS:
        for seed in range(seeds):
            rng = np.random.default_rng([seed, KINDS.index(kind)])
            hidden = hidden_part(every, kind, rng)
            rest, asked = split_capture(cameras, hidden)
            for way, propose_by in WAYS.items():
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


def split_capture(cameras: PosedCameras, hidden: Bool) -> tuple[Rest, Float]:
    """What is left, and (H, 3) the hidden views, both in the gauge of what is left."""
    left = [n for n, gone in zip(cameras.names, hidden, strict=True) if not gone]
    gauge = canonical_gauge(cameras.subset(left))
    centres = gauge.points(cameras.centres_xyz)
    directions = gauge.directions(cameras.viewing_directions)
    views = view_vectors(centres, directions)
    rest = Rest(views[~hidden], centres[~hidden], directions[~hidden])
    return rest, views[hidden]


def _elevations_of(rest: Rest) -> Float:
    """(M, 3) even directions at the cameras' elevations."""
    places = even_directions(_CAP_DIRECTIONS)
    _, elevation = azimuth_elevation_deg(places)
    _, taken = azimuth_elevation_deg(rest.views)
    inside = elevation >= taken.min() - _BEYOND_DEG
    return places[inside & (elevation <= taken.max() + _BEYOND_DEG)]


def _empty_caps(places: Float, views: Float, count: int) -> Float:
    apart = angles_between_deg(places, views).min(axis=1)
    found = []
    for _ in range(count):
        found.append(places[int(apart.argmax())])
        to_new = angles_between_deg(places, found[-1][None])[:, 0]
        apart = np.minimum(apart, to_new)
    return np.array(found)


def summary(rows: Sequence[MissingRow]) -> Table:
    """Mean degrees to the nearest hidden camera (share within 15) by capture and way."""
    data = pd.DataFrame([vars(row) for row in rows])
    captures = list(dict.fromkeys(data["capture"]))
    shown = Table("way", "proposals", *captures, "mean")
    for way in WAYS:
        for count in COUNTS:
            some = data[(data["way"] == way) & (data["proposals"] == count)]
            by_capture = [_cell(some[some["capture"] == name]) for name in captures]
            shown.add_row(way, str(count), *by_capture, _cell(some))
    return shown


def _cell(rows: pd.DataFrame) -> str:
    return f"{rows['mean_deg'].mean():.0f}° ({rows['near_share'].mean():.0%})"


@click.command()
@click.option(
    "--capture",
    "captures",
    multiple=True,
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of a capture with poses; give it again for more.",
)
@click.option("--seeds", default=10, show_default=True, type=click.IntRange(1))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="CSV file.")
def main(captures: tuple[Path, ...], seeds: int, out: Path) -> None:
    """Angles from proposals to hidden views."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    rows = (
        row
        for folder in captures
        for row in measure(read_reference(find_capture(folder)), folder.name, seeds)
    )
    known = write_as_known(rows, MissingRow, out)
    Console().print(summary(known))


if __name__ == "__main__":
    main()
