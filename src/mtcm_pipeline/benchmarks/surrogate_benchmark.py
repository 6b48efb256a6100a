"""Selectors compared by the reconstruction to expect, without fitting; or with fits.

    python -m mtcm_pipeline.benchmarks.surrogate_benchmark --capture captures/fox \\
        --generated 2 --splits 10 --out table.csv

Views are held out by two rules, the rest is made into pools (whole and unbalanced), the
geometry is measured on each pool alone, every strategy chooses, and the surrogate of the
held-out views is compared with that of farthest view sampling on the same pool. `--fits`
trains a field on every choice besides. The strategy `knows_test_views` is a ceiling.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from mtcm_pipeline.benchmarks.captures import load_photos, sample_photos
from mtcm_pipeline.benchmarks.command import BenchmarkCommand, out_option
from mtcm_pipeline.benchmarks.knowing_choice import knowing_choice
from mtcm_pipeline.benchmarks.rows import write_as_known
from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.sample.options import SampleOptions
from mtcm_pipeline.scene.points import ScenePoints
from mtcm_pipeline.scene.surface_points import scene_points
from mtcm_pipeline.scene.views import PinholeViews, pinhole_views
from mtcm_pipeline.selection.options import SelectOptions
from mtcm_pipeline.selection.problem import SelectionProblem
from mtcm_pipeline.selection.registry import STRATEGIES, select
from mtcm_pipeline.surrogate.geometry import (
    MEASURED_PX,
    SURFACE_POINTS,
    measure_geometry,
    view_geometry,
)
from mtcm_pipeline.surrogate.quality import expected_quality
from mtcm_pipeline.trials.filters import keep_all
from mtcm_pipeline.trials.pools import make_pool
from mtcm_pipeline.trials.selectors import selection_problem
from mtcm_pipeline.trials.splits import SPLIT_RULES, HeldOut, hold_out

log = logging.getLogger(__name__)

BUDGETS = (6, 10, 15)
POOLS = ("clean", "lingering", "close_ups", "thinned_sector")
USUAL = ("view_coverage", "fvs", "fvs_directions", "k_medoids", "every_nth")
REFERENCE = "fvs"
CEILING = "knows_test_views"
_LAST_FRAMES = 70


@dataclass(frozen=True)
class SurrogateRow:
    """One choice.

    Attributes:
        capture: name.
        pool: name.
        rule: of the held-out views.
        split: which of the rule's splits.
        strategy: who chose.
        budget: how many.
        surrogate: expected quality, mean over the held-out views.
        worst: of the worst held-out view.
        psnr: mean in dB of a fitted field over the held-out views; NaN without a fit.
    """

    capture: str
    pool: str
    rule: str
    split: int
    strategy: str
    budget: int
    surrogate: float
    worst: float
    psnr: float


@dataclass(frozen=True)
class _Judge:
    """A clean capture, all of whose views may be asked for."""

    photos: PosedPhotos
    views: PinholeViews
    points: ScenePoints


@dataclass(frozen=True)
class Plan:
    """What is compared.

    Attributes:
        pools: names of `trials.plan.POOLS` without faults.
        strategies: of the registry, "+poses" behind a name: without the geometry; or
            `CEILING`.
        splits: of each rule.
        fits: whether fields are fitted.
    """

    pools: Sequence[str]
    strategies: Sequence[str]
    splits: int
    fits: bool


def compare(photos: PosedPhotos, plan: Plan) -> Iterator[SurrogateRow]:
    """Every choice on one clean capture."""
    views = pinhole_views(photos, MEASURED_PX)
    judge = _Judge(photos, views, scene_points(views, SURFACE_POINTS, 0))
    for number in range(plan.splits):
        for rule in SPLIT_RULES:
            split = hold_out(photos.cameras, rule, number, 0)
            for pool in plan.pools:
                log.info("%s: %s, %s split %d", photos.identity, pool, rule, number)
                yield from _on_pool(judge, split, pool, plan)


def _on_pool(
    judge: _Judge, split: HeldOut, pool: str, plan: Plan
) -> Iterator[SurrogateRow]:
    shown = make_pool(pool, judge.photos.subset(split.shown), split.number, tuple).photos
    pool_views = pinhole_views(shown, MEASURED_PX, judge.views.gauge)
    hidden = judge.views.subset(split.hidden)
    both = PinholeViews(hidden.views + pool_views.views, judge.views.gauge)
    geometry = view_geometry(both, judge.points)
    blind = selection_problem(shown, keep_all(shown.names))
    seeing = dataclasses.replace(blind, geometry=measure_geometry(shown))
    for strategy in plan.strategies:
        for budget in BUDGETS:
            if strategy == CEILING:
                names = knowing_choice(geometry, shown.names, split.hidden, budget)
            else:
                names = _choose(strategy, budget, seeing, blind)
            quality = expected_quality(geometry, names, split.hidden)
            yield SurrogateRow(
                judge.photos.identity,
                pool,
                split.rule,
                split.number,
                strategy,
                budget,
                round(quality.mean, 5),
                round(quality.worst, 5),
                _fitted_psnr(both, names, split.hidden) if plan.fits else np.nan,
            )


def _choose(
    strategy: str, budget: int, seeing: SelectionProblem, blind: SelectionProblem
) -> tuple[str, ...]:
    name, _, without = strategy.partition("+")
    options = SelectOptions(strategy=name, budget=budget)
    return select(blind if without else seeing, options).ranking


def _fitted_psnr(
    views: PinholeViews, names: Sequence[str], hidden: Sequence[str]
) -> float:
    from mtcm_pipeline.field.fit import fit_field
    from mtcm_pipeline.field.options import FieldOptions
    from mtcm_pipeline.field.quality import compare as compare_views

    fitted = fit_field(views.subset(names), names, FieldOptions(), seed=0)
    qualities = compare_views(fitted, views, hidden)
    masked = [q.masked_psnr for q in qualities]
    whole = [q.psnr for q in qualities]
    return round(float(np.mean(masked if np.isfinite(masked).all() else whole)), 4)


def differences(rows: pd.DataFrame, value: str) -> pd.DataFrame:
    """By pool and strategy: `value` less that of farthest view sampling, paired.

    Columns `pool`, `strategy`; `mean` and `error` (standard error over splits and
    captures, budgets averaged first); `K=..`, the mean at each budget; `worst_capture`,
    the mean on the capture where it is lowest.
    """
    keys = ["capture", "pool", "rule", "split", "budget"]
    reference = rows[rows["strategy"] == REFERENCE].set_index(keys)[value]
    paired = rows.join(reference.rename("reference"), on=keys)
    paired = paired.assign(gain=paired[value] - paired["reference"])
    table = []
    for (pool, strategy), cell in paired.groupby(["pool", "strategy"], sort=False):
        trials = cell.groupby(["capture", "rule", "split"])["gain"].mean()
        by_budget = cell.groupby("budget")["gain"].mean()
        table.append(
            {
                "pool": pool,
                "strategy": strategy,
                "mean": trials.mean(),
                "error": trials.std() / max(len(trials), 1) ** 0.5,
                **{f"K={k}": by_budget[k] for k in BUDGETS},
                "worst_capture": cell.groupby("capture")["gain"].mean().min(),
            }
        )
    return pd.DataFrame(table)


def table_of(summary: pd.DataFrame, title: str) -> Table:
    """The summary, for people."""
    table = Table(*summary.columns, title=title)
    for row in summary.itertuples(index=False):
        table.add_row(*[f"{x:+.4f}" if isinstance(x, float) else str(x) for x in row])
    return table


def generated(seed: int) -> PosedPhotos:
    """A generated capture; every second one without masks, so that the sweep is used."""
    gaps = ((-135.0, 50.0),) if seed % 2 else ()
    options = SampleOptions(
        seed=seed, frames=_LAST_FRAMES, width=150, height=200, gaps_deg=gaps
    )
    photos = sample_photos(options)
    return photos if seed % 2 else dataclasses.replace(photos, masks={})


@click.command(cls=BenchmarkCommand)
@click.option(
    "--capture",
    "captures",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="Folder of a clean capture; give it again for more.",
)
@click.option(
    "--generated",
    "made",
    default=2,
    show_default=True,
    type=click.IntRange(0),
    help="How many generated captures besides.",
)
@click.option("--splits", default=10, show_default=True, help="Of each of two rules.")
@click.option("--pool", "pools", multiple=True, default=POOLS, show_default=True)
@click.option("--strategy", "strategies", multiple=True, default=USUAL, show_default=True)
@click.option("--fits", is_flag=True, help="Fit a field to every choice: hours.")
@out_option
def main(  # noqa: PLR0917 - click passes keywords
    captures: tuple[Path, ...],
    made: int,
    splits: int,
    pools: tuple[str, ...],
    strategies: tuple[str, ...],
    fits: bool,
    out: Path,
) -> None:
    """Expected quality of each strategy's choices, less that of `fvs`."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("mtcm_pipeline.ingest").setLevel(logging.WARNING)
    for strategy in strategies:
        if strategy.partition("+")[0] not in (*STRATEGIES, CEILING):
            raise click.BadParameter(f"unknown strategy {strategy!r}")
    plan = Plan(pools, tuple(dict.fromkeys((REFERENCE, *strategies))), splits, fits)

    def rows() -> Iterator[SurrogateRow]:
        for folder in captures:
            yield from compare(load_photos(folder, 200), plan)
        for seed in range(2, 2 + made):
            yield from compare(generated(seed), plan)

    table = pd.DataFrame(write_as_known(rows(), SurrogateRow, out))
    Console(width=110).print(
        table_of(differences(table, "surrogate"), "surrogate over fvs")
    )
    Console(width=110).print(table_of(differences(table, "worst"), "worst view over fvs"))
    if fits:
        Console(width=110).print(
            table_of(differences(table, "psnr"), "PSNR in dB over fvs")
        )


if __name__ == "__main__":
    main()
