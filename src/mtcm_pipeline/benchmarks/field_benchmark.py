"""How well and how fast a radiance field is fitted.

    python -m mtcm_pipeline.benchmarks.field_benchmark --capture FOLDER --out table.csv

Every seventh frame in order of time, from the fourth on, is held out; the field is
fitted to the others, or to as many of them as `--views` says, evenly spread.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from mtcm_pipeline.benchmarks.captures import load_photos
from mtcm_pipeline.benchmarks.command import BenchmarkCommand, captures_option, out_option
from mtcm_pipeline.benchmarks.rows import write_as_known
from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.capture_import import find_capture
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.field.options import FieldOptions
from mtcm_pipeline.scene.views import PinholeViews, pinhole_views

if TYPE_CHECKING:  # the module brings torch with it
    from mtcm_pipeline.field.fit import FittedField

log = logging.getLogger(__name__)

_FIRST_HELD_OUT, _EVERY = 3, 7
# Photographs are decoded at this multiple of the field's size, as the pipeline does.
_DECODED = 4


@dataclass(frozen=True)
class FieldRow:
    """One fit.

    Attributes:
        capture: its folder's name.
        start: where the Gaussians started: `views` or `sfm`.
        views: training views.
        held_out: views that judge.
        width, height: of the first view in px.
        gaussians: fitted.
        steps: of the fit.
        seed: of the fit.
        psnr: mean over the held-out views, dB over the whole view.
        worst_psnr: the worst of them.
        masked_psnr: mean inside the masks; NaN without.
        ssim: mean.
        cpu_s: CPU seconds of the fit, start included, compiling excluded.
    """

    capture: str
    start: str
    views: int
    held_out: int
    width: int
    height: int
    gaussians: int
    steps: int
    seed: int
    psnr: float
    worst_psnr: float
    masked_psnr: float
    ssim: float
    cpu_s: float


def split_names(names: Sequence[str], views: int) -> tuple[list[str], list[str]]:
    """(training, held out) of the names in order of time.

    Args:
        names: of all frames.
        views: so many of the training frames, evenly spread; 0 takes all.
    """
    held_out = list(names[_FIRST_HELD_OUT::_EVERY])
    training = [name for name in names if name not in held_out]
    if 0 < views < len(training):
        rows = np.linspace(0, len(training) - 1, views).round().astype(int)
        training = [training[row] for row in rows]
    return training, held_out


def benchmark_capture(
    folder: Path,
    options: FieldOptions,
    *,
    views: int,
    seeds: int,
    sfm_points: bool,
) -> Iterator[FieldRow]:
    """One fit a seed."""
    from mtcm_pipeline.field.fit import fit_field, warm_up
    from mtcm_pipeline.field.start import start_points

    photos = load_photos(folder, _DECODED * options.longer_side_px)
    pinholes = pinhole_views(photos, options.longer_side_px)
    training, held_out = split_names(pinholes.names, views)
    sparse = _sparse_points(folder) if sfm_points else None
    warm_up()
    for seed in range(seeds):
        start = None
        if sparse is not None:
            start = start_points(pinholes, training, options, seed=seed, sparse=sparse)
        fitted = fit_field(pinholes, training, options, seed=seed, start=start)
        row = _row(
            folder, fitted, pinholes, held_out, (seed, "sfm" if start else "views")
        )
        log.info("%s, seed %d: %.2f dB in %.1f CPU s", *_told(row))
        yield row


def _told(row: FieldRow) -> tuple[str, int, float, float]:
    return row.capture, row.seed, row.psnr, row.cpu_s


def _row(
    folder: Path,
    fitted: FittedField,
    views: PinholeViews,
    held_out: Sequence[str],
    run: tuple[int, str],
) -> FieldRow:
    """`run` is the seed and where the Gaussians started."""
    from mtcm_pipeline.field.quality import compare

    found = compare(fitted, views, held_out)
    decibels = [each.psnr for each in found]
    return FieldRow(
        capture=folder.resolve().name,
        start=run[1],
        views=len(fitted.names),
        held_out=len(held_out),
        width=views.views[0].width,
        height=views.views[0].height,
        gaussians=len(fitted.gaussians),
        steps=len(fitted.losses),
        seed=run[0],
        psnr=round(float(np.mean(decibels)), 3),
        worst_psnr=round(min(decibels), 3),
        masked_psnr=round(float(np.mean([each.masked_psnr for each in found])), 3),
        ssim=round(float(np.mean([each.ssim for each in found])), 4),
        cpu_s=round(fitted.seconds, 2),
    )


def _sparse_points(folder: Path) -> SparsePoints:
    """The SfM points that came with the poses."""
    from mtcm_pipeline.datasets.pose_sources import PoseSourcesDataset

    images = next(iter(find_capture(folder).images.values())).parent
    reading = PoseSourcesDataset(
        path=str(folder), images_path=str(images.resolve())
    ).load()
    if reading is None or reading.points is None:
        raise CaptureError(f"{folder} has no SfM model with points: leave --sfm-points")
    points: SparsePoints = reading.points
    return points


def table_of(rows: Sequence[FieldRow]) -> Table:
    """The rows for a terminal, one line a capture and start: means over the seeds."""
    table = Table("capture", "views", "PSNR dB", "worst", "masked", "SSIM", "CPU s")
    for key in dict.fromkeys((row.capture, row.start) for row in rows):
        own = [row for row in rows if (row.capture, row.start) == key]
        first = own[0]
        table.add_row(
            first.capture if first.start == "views" else f"{first.capture}, SfM points",
            f"{first.views} for {first.held_out}",
            f"{np.mean([row.psnr for row in own]):.2f}",
            f"{np.mean([row.worst_psnr for row in own]):.2f}",
            f"{np.mean([row.masked_psnr for row in own]):.2f}",
            f"{np.mean([row.ssim for row in own]):.3f}",
            f"{np.mean([row.cpu_s for row in own]):.1f}",
        )
    return table


@click.command(cls=BenchmarkCommand)
@captures_option
@click.option("--views", default=0, show_default=True, help="To train on; 0: all.")
@click.option("--seeds", default=1, show_default=True, type=click.IntRange(1))
@click.option("--side", default=120, show_default=True, help="Longer side in px.")
@click.option("--gaussians", default=4000, show_default=True, type=click.IntRange(1))
@click.option("--steps", default=300, show_default=True, type=click.IntRange(1))
@click.option("--sfm-points", is_flag=True, help="Start from the capture's SfM points.")
@out_option
def main(
    *,
    captures: tuple[Path, ...],
    views: int,
    seeds: int,
    side: int,
    gaussians: int,
    steps: int,
    sfm_points: bool,
    out: Path,
) -> None:
    """PSNR on held-out views, and CPU seconds, of a field fitted to each capture."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    options = FieldOptions(longer_side_px=side, gaussians=gaussians, steps=steps)
    rows = (
        row
        for folder in captures
        for row in benchmark_capture(
            folder, options, views=views, seeds=seeds, sfm_points=sfm_points
        )
    )
    known = write_as_known(rows, FieldRow, out)
    Console().print(table_of(known))


if __name__ == "__main__":
    main()
