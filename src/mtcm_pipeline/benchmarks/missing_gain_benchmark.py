"""What a photograph near the first proposal adds to a reconstruction.

    python -m mtcm_pipeline.benchmarks.missing_gain_benchmark --capture DIR --out t.csv

A part of a capture is hidden, as in `missing_benchmark`. A field is fitted to views that
farthest view sampling takes from the rest, and again with the hidden photograph that is
nearest to the first proposal of each way; the difference in PSNR over test views, which
lie everywhere and are never trained on, is the gain.

Dimension letters: N frames.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from mtcm_pipeline.benchmarks.captures import load_photos
from mtcm_pipeline.benchmarks.missing_benchmark import (
    KINDS,
    WAYS,
    hidden_part,
    split_capture,
)
from mtcm_pipeline.benchmarks.rows import write_as_known
from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.missing.sphere import angles_between_deg
from mtcm_pipeline.scene.views import PinholeViews, pinhole_views
from mtcm_pipeline.selection.from_cameras import problem_from_cameras
from mtcm_pipeline.selection.options import SelectOptions
from mtcm_pipeline.selection.registry import select
from mtcm_pipeline.selection.viewing_sphere import view_vectors
from mtcm_pipeline.tokens.gauge import canonical_gauge
from mtcm_pipeline.trials.fitting import FitTask
from mtcm_pipeline.trials.instruments import fit_and_compare

log = logging.getLogger(__name__)

Bool = NDArray[np.bool_]

# Small enough that a fit takes two to four CPU seconds; differences keep their order.
_SIDE_PX, _GAUSSIANS, _STEPS = 96, 2_500, 200
_TRAINED_ON = 12
_TEST_SHARE = 0.15


@dataclass(frozen=True)
class GainRow:
    """One way's first proposal on one capture with one part hidden.

    Attributes:
        capture: its folder's name.
        kind: what was hidden.
        seed: which part.
        way: who proposes.
        nearest_deg: from the proposal to the hidden photograph that was added.
        before_db: mean PSNR over the test views without it.
        gain_db: what it added.
    """

    capture: str
    kind: str
    seed: int
    way: str
    nearest_deg: float
    before_db: float
    gain_db: float


def gains(photos: PosedPhotos, seeds: int) -> Iterator[GainRow]:
    """Every kind, seed and way on one capture."""
    views = pinhole_views(photos, _SIDE_PX)
    gauge = canonical_gauge(photos.cameras)
    bearings = view_vectors(
        gauge.points(photos.cameras.centres_xyz),
        gauge.directions(photos.cameras.viewing_directions),
    )
    for kind in KINDS:
        for seed in range(seeds):
            rng = np.random.default_rng([seed, KINDS.index(kind)])
            hidden = hidden_part(bearings, kind, rng)
            test = _test_views(hidden, rng)
            yield from _gains_of(photos, views, hidden, test, (kind, seed))


def _test_views(hidden: Bool, rng: np.random.Generator) -> Bool:
    """(N,) a share of the hidden views and of the others, at least one of each."""
    test = np.zeros(len(hidden), dtype=bool)
    for group in (hidden, ~hidden):
        rows = np.flatnonzero(group)
        count = max(1, round(_TEST_SHARE * len(rows)))
        test[rng.choice(rows, count, replace=False)] = True
    return test


def _gains_of(
    photos: PosedPhotos,
    views: PinholeViews,
    hidden: Bool,
    test: Bool,
    part: tuple[str, int],
) -> Iterator[GainRow]:
    kind, seed = part
    names = np.array(photos.names)
    cameras = photos.cameras.subset(names[~test].tolist())
    rest, asked = split_capture(cameras, hidden[~test])
    candidates = names[hidden & ~test]
    trained = _spread(photos, names[~hidden & ~test].tolist())
    shown = views.subset(names[test].tolist())
    before = _mean_db(views, trained, shown, seed)
    known: dict[str, float] = {}
    for way, propose_by in WAYS.items():
        proposal = propose_by(rest, 1, np.random.default_rng([seed, 1]))
        apart = angles_between_deg(proposal, asked)[0]
        added = str(candidates[int(apart.argmin())])
        if added not in known:
            known[added] = _mean_db(views, [*trained, added], shown, seed)
        yield GainRow(
            photos.identity,
            kind,
            seed,
            way,
            round(float(apart.min()), 2),
            round(before, 3),
            round(known[added] - before, 3),
        )


def _spread(photos: PosedPhotos, names: list[str]) -> list[str]:
    problem = problem_from_cameras(photos.cameras.subset(names))
    options = SelectOptions(strategy="fvs", budget=min(_TRAINED_ON, len(names)))
    return list(select(problem, options).ranking)


def _mean_db(
    views: PinholeViews, trained: Sequence[str], test: PinholeViews, seed: int
) -> float:
    task = FitTask(views.subset(trained), test, _GAUSSIANS, _STEPS, seed)
    return float(np.mean(fit_and_compare(task).primary))


def summary(rows: Sequence[GainRow]) -> Table:
    """Mean gain in dB by capture and way."""
    data = pd.DataFrame([vars(row) for row in rows])
    captures = list(dict.fromkeys(data["capture"]))
    shown = Table("gain in dB", *captures, "mean", "to ours")
    paired = data.pivot_table(index=["capture", "kind", "seed"], columns="way")["gain_db"]
    for way in WAYS:
        by_capture = [paired.loc[name, way].mean() for name in captures]
        less = paired[way] - paired["ours"]
        error = less.std() / np.sqrt(len(less))
        shown.add_row(
            way,
            *[f"{value:+.2f}" for value in by_capture],
            f"{paired[way].mean():+.2f}",
            f"{less.mean():+.2f} ± {error:.2f}",
        )
    return shown


@click.command()
@click.option(
    "--capture",
    "captures",
    multiple=True,
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of a capture with poses; give it again for more.",
)
@click.option("--seeds", default=2, show_default=True, type=click.IntRange(1))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="CSV file.")
def main(captures: tuple[Path, ...], seeds: int, out: Path) -> None:
    """PSNR that the hidden photograph nearest to a proposal adds."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    rows = (row for folder in captures for row in gains(load_photos(folder), seeds))
    known = write_as_known(rows, GainRow, out)
    Console().print(summary(known))


if __name__ == "__main__":
    main()
