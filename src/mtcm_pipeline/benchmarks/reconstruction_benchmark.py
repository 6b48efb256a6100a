"""Which selections reconstruct best, on captures anywhere on the disk.

    python -m mtcm_pipeline.benchmarks.reconstruction_benchmark \\
        --captures FOLDER --captures FOLDER --preset quick --workers 2 --out rows.csv

The same as `kedro run --pipelines=benchmark`, for captures that are not in a project's
data folder. Rows are added to the file as they come; a killed command goes on where it
was when it is given again.
"""

from __future__ import annotations

import logging
import shlex
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
import pandas as pd
from pydantic import ValidationError

from mtcm_pipeline.benchmarks.captures import load_photos
from mtcm_pipeline.benchmarks.command import BenchmarkCommand, out_option
from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.datasets.captures import planted_faults
from mtcm_pipeline.datasets.checkpoints import CheckpointFolder
from mtcm_pipeline.datasets.row_journal import CsvJournal
from mtcm_pipeline.figures.style import png_bytes
from mtcm_pipeline.report.benchmark_results import benchmark_results
from mtcm_pipeline.trials.benchmark import known_rows, planned_rows, run_benchmark
from mtcm_pipeline.trials.instruments import instruments
from mtcm_pipeline.trials.options import BenchmarkOptions
from mtcm_pipeline.trials.plan import plan_cells

_USUAL = BenchmarkOptions()


def sound_capture(folder: Path) -> PosedPhotos:
    """A capture's posed photographs, without faults that were planted on purpose."""
    photos = load_photos(folder)
    places = [folder, folder / "metadata"]
    if folder.resolve().parent.name == "raw_images":
        places.append(folder.resolve().parents[1] / "metadata" / folder.resolve().name)
    planted = set().union(*(planted_faults(place) for place in places))
    return photos.subset([name for name in photos.names if name not in planted])


def measure(
    folders: Sequence[Path], options: BenchmarkOptions, out: Path, *, fits: bool = True
) -> pd.DataFrame:
    """Rows of all planned trials; without `fits`, of those that are done already."""
    captures: dict[str, Callable[[], PosedPhotos]] = {
        folder.resolve().name: partial(sound_capture, folder) for folder in folders
    }
    if len(captures) < len(folders):
        raise click.BadParameter("two captures have folders of one name")
    journal = CsvJournal(out)
    if not fits:
        cells = plan_cells(list(captures), options)
        return planned_rows(known_rows(journal, options), cells)
    cache = CheckpointFolder(out.parent / f"{out.stem}_cache")
    return run_benchmark(captures, options, journal, instruments(options, cache))


def write_results(
    rows: pd.DataFrame, options: BenchmarkOptions, command: str, out: Path
) -> None:
    """Summary, figures and page beside the file of the rows."""
    figures = out.parent / f"{out.stem}_figures"
    results = benchmark_results(rows, options, command, f"{figures.name}/")
    results.summary.to_csv(out.with_name(f"{out.stem}_summary.csv"), index=False)
    out.with_name(f"{out.stem}.md").write_text(results.page, encoding="utf-8")
    figures.mkdir(exist_ok=True)
    for name, figure in results.figures.items():
        (figures / name).write_bytes(png_bytes(figure))


@click.command(cls=BenchmarkCommand)
@click.option(
    "--captures", multiple=True, required=True, type=click.Path(path_type=Path),
    help="Folder of a capture; give it again for more.",
)  # fmt: skip
@out_option
@click.option("--preset", default=_USUAL.preset, type=click.Choice(["quick", "full"]))
@click.option("--arms", multiple=True, help="pool/filter/selector, * for anything.")
@click.option("--budgets", multiple=True, type=int, help="Numbers of views.")
@click.option("--splits", default=_USUAL.splits, help="Test splits of each rule.")
@click.option("--random-draws", default=_USUAL.random_draws, show_default=True)
@click.option("--workers", default=_USUAL.workers, show_default=True)
@click.option("--longer-side-px", default=_USUAL.longer_side_px, show_default=True)
@click.option("--gaussians", default=_USUAL.gaussians, show_default=True)
@click.option("--steps", default=_USUAL.steps, show_default=True)
@click.option("--residual-steps", default=_USUAL.residual_steps, show_default=True)
@click.option("--summary-only", is_flag=True, help="Of the rows that are there.")
def main(captures: tuple[Path, ...], out: Path, summary_only: bool, **given: Any) -> None:
    """Fit fields to selections and compare them on views held out."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for key in ("arms", "budgets"):
        given[key] = list(given[key])
    options = checked_options(given)
    rows = measure(captures, options, out, fits=not summary_only)
    if rows.empty:
        raise click.ClickException(f"there are no rows in {out} yet")
    write_results(rows, options, shown_command(sys.argv[1:]), out)
    click.echo(out.with_name(f"{out.stem}.md").read_text(encoding="utf-8"))


def checked_options(given: dict[str, Any]) -> BenchmarkOptions:
    """The options of the command line.

    Raises:
        click.UsageError: one is out of its bounds.
    """
    try:
        return BenchmarkOptions(**given)
    except ValidationError as error:
        faults = [
            f"--{str(fault['loc'][0]).replace('_', '-')} {fault['input']}: {fault['msg']}"
            for fault in error.errors()
        ]
        raise click.UsageError("; ".join(faults)) from error


def shown_command(arguments: Sequence[str]) -> str:
    """The command as others can type it: captures by the names of their folders."""
    words = ["python", "-m", "mtcm_pipeline.benchmarks.reconstruction_benchmark"]
    shown = [Path(word).name if "/" in word and not _is_arm(word) else word
             for word in arguments if word != "--summary-only"]  # fmt: skip
    return shlex.join([*words, *shown])


def _is_arm(word: str) -> bool:
    return word.count("/") == 2 and not Path(word).exists()


if __name__ == "__main__":
    main()
