"""From a plan to rows: filters, selections and fits, one cell after another.

A fit starts from nothing but the views that it is given.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.trials.bench import Bench, CleanCapture
from mtcm_pipeline.trials.filters import Verdict
from mtcm_pipeline.trials.fitting import FitTask, Outcome, task_of
from mtcm_pipeline.trials.left_out import LeftOut
from mtcm_pipeline.trials.plan import Cell, Trial
from mtcm_pipeline.trials.prepared import (
    PreparedCell,
    chosen_views,
    prepared_cell,
    verdicts_of,
)
from mtcm_pipeline.trials.rows import TrialRow


@dataclass(frozen=True)
class _Scores:
    """What a fit came to, as a row has it."""

    psnr: float
    masked_psnr: float
    worst: float
    ssim: float
    cpu_s: float


class Memory:
    """Fits that are known: the same subset with the same seed is never fitted twice."""

    def __init__(self, rows: Iterable[TrialRow] = ()) -> None:
        self._known: dict[tuple[str, int], _Scores] = {}
        for row in rows:
            scores = _Scores(row.psnr, row.masked_psnr, row.worst, row.ssim, row.cpu_s)
            self._known[row.subset, row.fit_seed] = scores

    def get(self, subset: str, fit_seed: int) -> _Scores | None:
        """What is known of a fit."""
        return self._known.get((subset, fit_seed))

    def keep(self, subset: str, fit_seed: int, scores: _Scores) -> None:
        """Remember a fit."""
        self._known[subset, fit_seed] = scores


def run_trials(
    captures: Mapping[str, CleanCapture],
    cells: Sequence[Cell],
    bench: Bench,
    done: Collection[TrialRow] = (),
    left_out: LeftOut | None = None,
) -> Iterator[TrialRow]:
    """Rows of all trials that are not done, as they come.

    Args:
        captures: by name, those of the cells.
        cells: of `plan.plan_cells`.
        bench: where they take place.
        done: rows of before; theirs and those of another content are told apart.
        left_out: is told of cells that a capture is too small for; they stop no other.
    """
    left_out = LeftOut() if left_out is None else left_out
    memory = Memory(done)
    answered = {(row.trial, row.content) for row in done}
    for cell in cells:
        clean = captures[cell.place.capture]
        left = tuple(t for t in cell.trials if (t, clean.content) not in answered)
        if not left:
            continue
        try:
            yield from run_cell(Cell(left), clean, bench, memory)
        except CaptureError as error:
            left_out.cell(cell.place, error)


def run_cell(
    cell: Cell, clean: CleanCapture, bench: Bench, memory: Memory
) -> Iterator[TrialRow]:
    """Rows of one cell: prepare, filter, select, fit."""
    options = bench.options
    prepared = prepared_cell(cell, clean.photos, bench)
    verdicts = verdicts_of(cell, prepared, bench)
    chosen = chosen_views(cell, prepared, verdicts)
    jobs: dict[tuple[str, int], FitTask] = {}
    asking: dict[tuple[str, int], list[Trial]] = {}
    for trial, names in chosen.items():
        task = task_of(
            prepared.views, names, prepared.hidden, options, seed=trial.fit_seed
        )
        key = (task.subset, trial.fit_seed)
        jobs.setdefault(key, task)
        asking.setdefault(key, []).append(trial)

    def rows(key: tuple[str, int], scores: _Scores, first: bool) -> Iterator[TrialRow]:
        for number, trial in enumerate(asking[key]):
            verdict = verdicts[trial.filter]
            row = _row(trial, chosen[trial], prepared, verdict, clean)
            yield replace(
                row,
                settings=bench.settings,
                **vars(scores),
                subset=key[0],
                repeated=number > 0 or not first,
            )

    for key in list(jobs):
        if (known := memory.get(*key)) is not None:
            del jobs[key]
            yield from rows(key, known, first=False)
    for key, outcome in bench.workers.run(bench.instruments.fit, jobs):
        scores = scores_of(outcome)
        memory.keep(*key, scores)
        yield from rows(key, scores, first=True)


def scores_of(outcome: Outcome) -> _Scores:
    """Means over the test views, and the worst of them."""
    return _Scores(
        psnr=float(np.mean(outcome.psnr)),
        masked_psnr=float(np.mean(outcome.masked_psnr)),
        worst=float(np.min(outcome.primary)),
        ssim=float(np.mean(outcome.ssim)),
        cpu_s=outcome.cpu_s,
    )


def _row(
    trial: Trial,
    names: Sequence[str],
    prepared: PreparedCell,
    verdict: Verdict,
    clean: CleanCapture,
) -> TrialRow:
    """A row without the numbers of its fit."""
    pool, kept = prepared.pool, set(verdict.kept)
    expected = np.nan
    if prepared.untouched:
        expected = clean.expected_quality(names, prepared.hidden.names)
    return TrialRow(
        **vars(trial),
        psnr=np.nan,
        masked_psnr=np.nan,
        worst=np.nan,
        ssim=np.nan,
        surrogate=float(expected),
        chosen=len(names),
        bad_chosen=len(pool.bad.intersection(names)),
        pool_frames=len(pool.photos),
        bad_frames=len(pool.bad),
        bad_kept=len(pool.bad & kept),
        good_lost=len(set(pool.photos.names) - pool.bad - kept),
        cpu_s=np.nan,
        repeated=False,
        subset="",
        content=clean.content,
        settings="",
        views="/".join(names),
    )
