"""The whole benchmark: what is planned and not yet known is done and written down."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial

import pandas as pd
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.errors import CaptureError, ParameterError
from mtcm_pipeline.trials.bench import Bench, CleanCapture, Instruments
from mtcm_pipeline.trials.options import BenchmarkOptions
from mtcm_pipeline.trials.plan import Cell, plan_cells
from mtcm_pipeline.trials.rows import (
    RowJournal,
    TrialRow,
    settings_key,
    table_of_rows,
)
from mtcm_pipeline.trials.run import run_trials
from mtcm_pipeline.trials.workers import started_workers

log = logging.getLogger(__name__)

LoadPhotos = Callable[[], PosedPhotos]


def run_benchmark(
    captures: Mapping[str, LoadPhotos],
    options: BenchmarkOptions,
    journal: RowJournal,
    instruments: Instruments,
) -> pd.DataFrame:
    """Do what is planned and not in the journal; a kill loses the fits in progress only.

    Args:
        captures: photographs of sound frames by name, loaded when their turn comes.
        options: of the benchmark.
        journal: rows of before; every new row is added at once.
        instruments: what trials use.

    Returns:
        The rows of all planned trials, as of `rows.table_of_rows`.

    Raises:
        ParameterError: the journal is of other settings, or an arm is unknown.
    """
    cells = plan_cells(list(captures), options)
    known = known_rows(journal, options)
    rows = list(known)
    clean = {
        name: partial(_clean, name, load, options, instruments)
        for name, load in captures.items()
    }
    wanted = sum(len(cell.trials) for cell in cells)
    log.info("%d trials are planned, %d rows are known", wanted, len(known))
    with (
        started_workers(options.workers, [instruments.warm_up]) as workers,
        Progress(
            "{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        ) as progress,
    ):
        done = len({row.trial for row in known} & _trials(cells))
        task = progress.add_task("Trials", total=wanted, completed=done)
        bench = Bench(options, instruments, workers)
        for row in run_trials(clean, cells, bench, known):
            journal.append(row)
            rows.append(row)
            progress.advance(task)
    return planned_rows(rows, cells)


def known_rows(journal: RowJournal, options: BenchmarkOptions) -> list[TrialRow]:
    """Rows of before.

    Raises:
        ParameterError: they were made with other settings.
    """
    rows, settings = journal.read(), settings_key(options)
    others = {row.settings for row in rows} - {settings}
    if others:
        raise ParameterError(
            f"the rows of before were made with other settings ({', '.join(others)}, now "
            f"{settings}), so they cannot be compared: give another file for the rows, "
            f"or the same options"
        )
    return rows


def planned_rows(rows: list[TrialRow], cells: list[Cell]) -> pd.DataFrame:
    """Those of the rows that are planned; of two with one trial the later one."""
    planned = _trials(cells)
    newest = {row.trial: row for row in rows if row.trial in planned}
    return table_of_rows(newest.values())


def sound_photos(photos: PosedPhotos, exclude: list[str]) -> PosedPhotos:
    """The capture without frames that are known to be faulty.

    Args:
        photos: a capture.
        exclude: `identity/file name` of frames, of this and of other captures.

    Raises:
        CaptureError: a frame of this capture is not in it.
    """
    prefix = f"{photos.identity}/"
    own = {each.removeprefix(prefix) for each in exclude if each.startswith(prefix)}
    unknown = sorted(own - set(photos.names))
    if unknown:
        raise CaptureError(
            f"benchmark.exclude names {prefix}{unknown[0]}, which has no pose or is not "
            f"in this capture"
        )
    return photos.subset([name for name in photos.names if name not in own])


def _clean(
    name: str, load: LoadPhotos, options: BenchmarkOptions, instruments: Instruments
) -> CleanCapture:
    photos = sound_photos(load(), options.exclude)
    log.info("%s: %d sound frames with a pose", name, len(photos))
    return CleanCapture(photos, instruments.surrogate(photos))


def _trials(cells: list[Cell]) -> set:
    return {trial for cell in cells for trial in cell.trials}
