"""Fine-tuning against filters, on captures with faults, at equal CPU time.

    python -m mtcm_pipeline.benchmarks.finetune_benchmark \\
        --captures FOLDER --captures FOLDER --out rows.csv

Every arm fits the same kind of field to a pool and is judged by views held out, which
are sound and stand at their true poses. Fine-tuning comes first; the other arms then get
as many steps as fit into the CPU seconds that it took, at the speed of its own ordinary
steps: on a machine whose speed varies, seconds of another moment would say less. What
the judge took to look at the photographs and to match them stands apart (`judge_s`): the
arms `judge` and `tuned` need it, and the default run has it anyway. Rows are on the disk
one by one; the same command goes on after a kill. `sample` as a capture stands for the
generated one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd

from mtcm_pipeline.benchmarks.command import BenchmarkCommand
from mtcm_pipeline.benchmarks.finetune_pools import (
    POOLS,
    FinetunePool,
    JudgedPool,
    judge_pool,
    pool_of,
    pose_errors_deg,
    sound_photos,
    tokens_of,
)
from mtcm_pipeline.benchmarks.rows import rows_so_far, write_as_known
from mtcm_pipeline.datasets.checkpoints import CheckpointFolder
from mtcm_pipeline.field.fit import FittedField, fit_field
from mtcm_pipeline.field.gaussians import Gaussians
from mtcm_pipeline.field.options import FieldOptions
from mtcm_pipeline.field.quality import (
    QualitySummary,
    ViewQuality,
    comparison,
    quality_of,
    summary,
)
from mtcm_pipeline.judge.matched import MatchMemory
from mtcm_pipeline.scene.points import ScenePoints
from mtcm_pipeline.scene.views import PinholeViews
from mtcm_pipeline.trials.filters import is_low
from mtcm_pipeline.tuning.doubts import doubt_of_judgement, matches_of, predicted_poses
from mtcm_pipeline.tuning.fine_tune import fine_tune
from mtcm_pipeline.tuning.frames import Tuned
from mtcm_pipeline.tuning.matched_start import matched_start
from mtcm_pipeline.tuning.matches import tracks_of
from mtcm_pipeline.tuning.options import TuningOptions, field_options

# `same_start`: as `none`, from the points that fine-tuning starts from; clean pools only.
ARMS = ("tuned", "none", "same_start", "residual", "judge", "perfect")
_LAST_ARM = "residual"
_LEAST_STEPS = 60
# The residual filter's first fit, as in the selection benchmark.
_RESIDUAL_STEPS = 300
_NOISE_SEEDS = 6
_GOOD_POSE_DEG = 0.3


@dataclass(frozen=True)
class FinetuneRow:
    """One fit; pose columns are NaN but for `tuned` where poses are faulty.

    Attributes:
        capture: name of its folder.
        pool: of `POOLS`.
        split: which frames are held out.
        arm: of `ARMS`.
        seed: of the training.
        psnr: mean over the test views in dB, inside the masks where all have one.
        worst: of the worst test view, in dB.
        ssim: mean over the test views.
        cpu_s: CPU seconds of all fits of the arm; for `tuned`, of everything it does.
        ordinary: share of them that steps and starts as in a plain fit took.
        judge_s: CPU seconds of the judge's look at the pool, not in `cpu_s`.
        steps: of the last fit.
        views: that it was trained on; for `tuned` those of weight 0.5 or more.
        faulty_used: faulty frames among them (corrected ones count).
        good_lost: sound frames of the pool that are not among them.
        pose_faults: frames whose pose is faulty.
        pose_before_deg: median error of those: the larger of the rotation and of the
            shift as an angle at the subject.
        pose_after_deg: the same after tuning.
        pose_good: share of them below 0.3 degrees after tuning.
    """

    capture: str
    pool: str
    split: int
    arm: str
    seed: int
    psnr: float
    worst: float
    ssim: float
    cpu_s: float
    ordinary: float
    judge_s: float
    steps: int
    views: int
    faulty_used: int
    good_lost: int
    pose_faults: int
    pose_before_deg: float
    pose_after_deg: float
    pose_good: float


def rows_of_cell(
    cell: FinetunePool, judged: JudgedPool, options: TuningOptions, blank: FinetuneRow
) -> Iterator[FinetuneRow]:
    """All arms of a pool, fine-tuning first."""
    blank = replace(blank, judge_s=round(judged.seconds, 2), ordinary=1.0)
    tuned, seconds = tune(cell, judged, options, blank.seed)
    yield _tuned_row(cell, tuned, seconds, blank)
    steps = equal_steps(tuned, seconds)
    for seed in _more_seeds(blank.pool, "tuned"):
        again = tune(cell, judged, options, seed)
        yield _tuned_row(cell, *again, replace(blank, seed=seed))
    plain = field_options(options)
    enough = replace(plain, steps=steps)
    for arm, kept in _plain_arms(cell, judged).items():
        for seed in (blank.seed, *_more_seeds(blank.pool, arm)):
            start = None
            if arm == "same_start":
                start = _start_of_tuning(cell, judged, plain, seed)
            fitted = fit_field(cell.views, kept, enough, seed=seed, start=start)
            yield _row(cell, arm, fitted, replace(blank, seed=seed))
    yield _residual_row(cell, plain, steps, blank)


def _plain_arms(cell: FinetunePool, judged: JudgedPool) -> dict[str, list[str]]:
    """Names of the views of each arm that is one fit."""
    everything = list(cell.views.names)
    arms = {"none": everything, "judge": _kept_by_judge(judged)}
    if cell.bad:
        arms["perfect"] = [name for name in everything if name not in cell.bad]
    else:
        arms["same_start"] = everything
    return arms


def _start_of_tuning(
    cell: FinetunePool, judged: JudgedPool, options: FieldOptions, seed: int
) -> ScenePoints:
    """Where fine-tuning starts if no frame is doubted; to match is the judge's work."""
    names = cell.views.names
    matches = matches_of(cell.faulty.photos, judged.memory, judged.evidence.pairs)
    tracks = tracks_of(matches, names)
    return matched_start(cell.views, names, tracks, options, seed=seed)


def _more_seeds(pool: str, arm: str) -> range:
    """Where nothing is to be gained, a small loss is told from noise by more fits."""
    more = pool == "clean" and arm in ("none", "same_start", "tuned")
    return range(1, _NOISE_SEEDS if more else 1)


def tune(
    cell: FinetunePool, judged: JudgedPool, options: TuningOptions, seed: int
) -> tuple[Tuned, float]:
    """Fine-tune to a pool; the CPU seconds include what is made of matches and tokens."""
    began = time.process_time()
    photos = cell.faulty.photos
    matches = matches_of(photos, judged.memory, judged.evidence.pairs)
    table = judged.table
    misplaced = table.loc[table["faulty"] & table["field"].eq("pose"), "name"]
    # Predictions are for those that matches cannot place.
    alone = [name for name in misplaced if len(matches[name]) < 2]
    predicted = predicted_poses(tokens_of(photos, judged.evidence), alone)
    doubt = doubt_of_judgement(
        judged.table, cell.views.names, matches=matches, predicted=predicted
    )
    tuned = fine_tune(cell.views, doubt, options, seed=seed)
    return tuned, time.process_time() - began


def equal_steps(tuned: Tuned, seconds: float) -> int:
    """Steps of a plain fit that take as long, the start included.

    Args:
        tuned: says how long a start and an ordinary step took.
        seconds: that may be spent.
    """
    steps = round((seconds - tuned.spent["start"]) / tuned.step_seconds())
    return max(steps, _LEAST_STEPS)


def _kept_by_judge(judged: JudgedPool) -> list[str]:
    return judged.table.loc[~judged.table["faulty"], "name"].tolist()


def _residual_row(
    cell: FinetunePool, options: FieldOptions, steps: int, blank: FinetuneRow
) -> FinetuneRow:
    """The steps of the first fit to all views are taken from the same number."""
    first = replace(options, steps=_RESIDUAL_STEPS)
    fitted = fit_field(cell.views, cell.views.names, first, seed=blank.seed)
    qualities = _qualities(fitted.gaussians, cell.views, options.background)
    masked = np.array([each.masked_psnr for each in qualities])
    decibels = masked if np.isfinite(masked).all() else [each.psnr for each in qualities]
    low = is_low(np.array(decibels)) | is_low(np.array([q.ssim for q in qualities]))
    kept = [name for name, out in zip(cell.views.names, low, strict=True) if not out]
    left = max(steps - _RESIDUAL_STEPS, round(0.3 * steps))
    last = fit_field(cell.views, kept, replace(options, steps=left), seed=blank.seed)
    row = _row(cell, "residual", last, blank)
    return replace(row, cpu_s=round(fitted.seconds + last.seconds, 2))


def _row(
    cell: FinetunePool, arm: str, fitted: FittedField, blank: FinetuneRow
) -> FinetuneRow:
    used = set(fitted.names)
    return _with_quality(
        replace(
            blank,
            arm=arm,
            cpu_s=round(fitted.seconds, 2),
            steps=len(fitted.losses),
            views=len(used),
            faulty_used=len(cell.bad & used),
            good_lost=len(set(cell.views.names) - cell.bad - used),
        ),
        _test(fitted.gaussians, cell, fitted.background),
    )


def _tuned_row(
    cell: FinetunePool, tuned: Tuned, seconds: float, blank: FinetuneRow
) -> FinetuneRow:
    used = set(tuned.views.loc[tuned.views["weight"] >= 0.5, "name"])
    before, after = pose_errors_deg(cell, tuned.cam_from_world)
    row = replace(
        blank,
        arm="tuned",
        cpu_s=round(seconds, 2),
        ordinary=round(_ordinary_share(tuned, seconds), 3),
        steps=len(tuned.curve),
        views=len(used),
        faulty_used=len(cell.bad & used),
        good_lost=len(set(cell.views.names) - cell.bad - used),
        pose_faults=len(before),
    )
    if len(before):
        row = replace(
            row,
            pose_before_deg=round(float(np.median(before)), 3),
            pose_after_deg=round(float(np.median(after)), 3),
            pose_good=round(float((after < _GOOD_POSE_DEG).mean()), 3),
        )
    return _with_quality(row, _test(tuned.gaussians, cell, tuned.background))


def _ordinary_share(tuned: Tuned, seconds: float) -> float:
    """Of the CPU seconds; a step whose gradient is compared counts as an ordinary one."""
    return (tuned.spent["start"] + len(tuned.curve) * tuned.step_seconds()) / seconds


def _with_quality(row: FinetuneRow, quality: QualitySummary) -> FinetuneRow:
    return replace(
        row,
        psnr=round(quality.mean_psnr, 3),
        worst=round(quality.worst_psnr, 3),
        ssim=round(quality.mean_ssim, 4),
    )


def _test(gaussians: Gaussians, cell: FinetunePool, background: float) -> QualitySummary:
    return summary(_qualities(gaussians, cell.hidden, background))


def _qualities(
    gaussians: Gaussians, views: PinholeViews, background: float
) -> list[ViewQuality]:
    return [
        quality_of(view.name, comparison(gaussians, view, background))
        for view in views.views
    ]


def measure(
    captures: Sequence[Path],
    pools: Sequence[str],
    *,
    splits: int,
    options: TuningOptions,
    known: Sequence[FinetuneRow],
    store: CheckpointFolder,
) -> Iterator[FinetuneRow]:
    """Rows of all cells that are not whole among the known ones."""
    done = {(row.capture, row.pool, row.split) for row in known}
    for split in range(splits):
        for folder in captures:
            clean, memory = None, MatchMemory()
            for pool in pools:
                if (folder.name, pool, split) in done:
                    continue
                clean = clean or sound_photos(folder)
                cell = pool_of(clean, pool, split, options.longer_side_px)
                _compile(cell, options)
                judged = judge_pool(cell.faulty.photos, memory, store)
                blank = _blank(folder.name, pool, split)
                yield from rows_of_cell(cell, judged, options, blank)


def _compile(cell: FinetunePool, options: TuningOptions) -> None:
    """One step of a fit: no arm is timed with what a process does once."""
    plain = replace(field_options(options), steps=1)
    fit_field(cell.views, cell.views.names, plain, seed=0)


def _blank(capture: str, pool: str, split: int) -> FinetuneRow:
    nothing = float("nan")
    return FinetuneRow(
        capture, pool, split, "", 0, nothing, nothing, nothing, nothing, nothing, nothing,
        0, 0, 0, 0, 0, nothing, nothing, nothing,
    )  # fmt: skip


def whole_cells(rows: Sequence[FinetuneRow]) -> list[FinetuneRow]:
    """Rows of cells that were measured to their end (the residual filter comes last)."""
    done = {(r.capture, r.pool, r.split) for r in rows if r.arm == _LAST_ARM}
    return [row for row in rows if (row.capture, row.pool, row.split) in done]


def summary_table(rows: Sequence[FinetuneRow]) -> pd.DataFrame:
    """Mean PSNR of each arm by pool, and what of the gap to the perfect filter is won.

    `won` is (arm - residual) / (perfect - residual), of the means over captures and
    splits; NaN where the residual filter leaves less than 0.1 dB.
    """
    table = pd.DataFrame([vars(row) for row in rows])
    mean = table.groupby(["pool", "arm"], sort=False)["psnr"].mean().unstack("arm")
    mean = mean.reindex(columns=list(ARMS))
    left = (mean["perfect"] - mean["residual"]).where(lambda gap: gap > 0.1)
    mean["won_by_judge"] = (mean["judge"] - mean["residual"]) / left
    mean["won_by_tuned"] = (mean["tuned"] - mean["residual"]) / left
    first = (table["arm"] == "tuned") & (table["seed"] == 0)
    poses = table[first].groupby("pool", sort=False)
    mean["pose_after_deg"] = poses["pose_after_deg"].median()
    mean["pose_good"] = poses["pose_good"].mean()
    mean["cells"] = poses.size()
    return mean.reindex([pool for pool in POOLS if pool in mean.index])


@click.command(cls=BenchmarkCommand)
@click.option(
    "--captures", multiple=True, required=True, type=click.Path(path_type=Path),
    help="Folder of a capture, or `sample`; give it again for more.",
)  # fmt: skip
@click.option("--out", required=True, type=click.Path(path_type=Path), help="CSV file.")
@click.option("--pools", multiple=True, default=POOLS, type=click.Choice(POOLS))
@click.option("--splits", default=1, show_default=True, help="Of frames held out.")
@click.option("--steps", default=1000, show_default=True, help="Of the fine-tuning.")
@click.option("--longer-side-px", default=120, show_default=True)
@click.option("--gaussians", default=4000, show_default=True)
@click.option("--summary-only", is_flag=True, help="Of the rows that are there.")
def main(
    captures: tuple[Path, ...],
    out: Path,
    pools: tuple[str, ...],
    *,
    splits: int,
    summary_only: bool,
    **given: Any,
) -> None:
    """Fit fields to spoilt pools by filter and by fine-tuning, and compare them."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    import pycolmap

    pycolmap.logging.minloglevel = pycolmap.logging.Level.WARNING.value
    options = TuningOptions(**given)
    rows = whole_cells(rows_so_far(FinetuneRow, out))
    if not summary_only:
        store = CheckpointFolder(out.parent / f"{out.stem}_cache")
        new = measure(
            captures, pools, splits=splits, options=options, known=rows, store=store
        )
        rows = write_as_known(chain(rows, new), FinetuneRow, out)
    if not rows:
        raise click.ClickException(f"there are no rows in {out} yet")
    click.echo(summary_table(rows).round(2).to_string())


if __name__ == "__main__":
    main()
