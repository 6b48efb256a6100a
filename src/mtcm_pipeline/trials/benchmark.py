"""The whole benchmark: what is planned and not yet known is done and written down."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence

import pandas as pd
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.errors import (
    CaptureError,
    FileContentError,
    IdentityError,
    ParameterError,
)
from mtcm_pipeline.identities import check_identity_exists
from mtcm_pipeline.selection.frame_names import named_frames
from mtcm_pipeline.trials.bench import Bench, CleanCapture, Instruments
from mtcm_pipeline.trials.left_out import LeftOut
from mtcm_pipeline.trials.options import BenchmarkOptions
from mtcm_pipeline.trials.plan import Cell, plan_cells
from mtcm_pipeline.trials.rows import (
    RowJournal,
    TrialRow,
    settings_key,
    table_of_rows,
)
from mtcm_pipeline.trials.run import run_trials
from mtcm_pipeline.trials.splits import check_frames
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
        captures: photographs of sound frames by name; all are loaded before any fit.
        options: of the benchmark.
        journal: rows of before; every new row is added at once.
        instruments: what trials use.

    Returns:
        The rows of all planned trials, as of `rows.table_of_rows`: one at least. What a
        capture cannot give is left out with a warning.

    Raises:
        ParameterError: the journal is of other settings, an arm is unknown, or a frame
            that is excluded.
        CaptureError: no trial could be done, with what each capture lacks.
    """
    cells = plan_cells(list(captures), options)
    known = known_rows(journal, options)
    rows, left_out = list(known), LeftOut()
    clean = clean_captures(captures, options, instruments, left_out)
    cells = [cell for cell in cells if cell.place.capture in clean]
    if not clean:
        raise CaptureError(left_out.in_words())
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
        for row in run_trials(clean, cells, bench, known, left_out):
            journal.append(row)
            rows.append(row)
            progress.advance(task)
    table = planned_rows([row for row in rows if _is_of(row, clean)], cells)
    if table.empty:
        raise CaptureError(left_out.in_words())
    return table


def clean_captures(
    captures: Mapping[str, LoadPhotos],
    options: BenchmarkOptions,
    instruments: Instruments,
    left_out: LeftOut,
) -> dict[str, CleanCapture]:
    """The captures that can be measured, by name; the others are told to `left_out`.

    Raises:
        ParameterError: a frame that is excluded is not in its capture.
    """
    clean = {}
    for name, load in captures.items():
        try:
            photos = sound_photos(load(), options.exclude)
            log.info("%s: %d sound frames with a pose", name, len(photos))
            check_frames(len(photos))
            clean[name] = CleanCapture(photos, instruments.surrogate(photos))
        except (CaptureError, FileContentError) as error:
            left_out.capture(name, error)
    return clean


def check_excluded(exclude: Sequence[str], known: Collection[str]) -> None:
    """Refuse frames to leave out whose capture there is none of.

    Args:
        exclude: `identity/file name`, of these and of other captures.
        known: names of all captures, measured or not.

    Raises:
        ParameterError: with the closest names.
    """
    for each in exclude:
        try:
            check_identity_exists(each.partition("/")[0], known)
        except IdentityError as error:
            raise ParameterError(f"benchmark.exclude names {each!r}: {error}") from error


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
        ParameterError: a frame of this capture is not in it, or has no pose.
    """
    prefix = f"{photos.identity}/"
    own = [each.removeprefix(prefix) for each in exclude if each.startswith(prefix)]
    try:
        faulty = set(named_frames("benchmark.exclude", own, photos.names))
    except ParameterError as error:
        raise ParameterError(
            f"{photos.identity!r}: {error} A frame without a pose needs no entry."
        ) from error
    return photos.subset([name for name in photos.names if name not in faulty])


def _is_of(row: TrialRow, clean: Mapping[str, CleanCapture]) -> bool:
    """Whether the row is of a capture as it is now."""
    return row.capture in clean and row.content == clean[row.capture].content


def _trials(cells: list[Cell]) -> set:
    return {trial for cell in cells for trial in cell.trials}
