"""One row a fit: the tidy table that everything else is computed from."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd

from mtcm_pipeline.errors import FileContentError
from mtcm_pipeline.trials.options import BenchmarkOptions
from mtcm_pipeline.trials.plan import Trial

# To be raised when fits, splits, pools or filters change: rows of before do not count.
METHOD_VERSION = 2
# Options that say how much is measured and how, but change no single row.
_NOT_IN_SETTINGS = (
    "preset",
    "captures",
    "exclude",
    "arms",
    "budgets",
    "splits",
    "random_draws",
    "fit_seeds",
    "workers",
    "resamples",
)


@dataclass(frozen=True)
class TrialRow:
    """A trial and what came of it; numbers in dB where nothing else is said.

    Attributes:
        capture: of the trial, as all up to `fit_seed`.
        pool: likewise.
        pool_seed: likewise.
        split_rule: likewise.
        split: likewise.
        budget: likewise.
        filter: likewise.
        selector: likewise.
        draw: likewise.
        fit_seed: likewise.
        psnr: mean over the test views.
        masked_psnr: the same inside the masks; NaN where a test view has none.
        worst: least over the test views, inside the masks where there are any.
        ssim: mean over the test views.
        surrogate: expected quality from geometry, 0 to 1; NaN where
            frames of the pool are not as in the clean capture.
        chosen: views that the selector chose, fewer than the budget where not enough
            were kept.
        bad_chosen: of those, faulty ones.
        pool_frames: frames that the filter saw.
        bad_frames: of those, faulty ones.
        bad_kept: faulty frames that the filter let through.
        good_lost: sound frames that it did not.
        cpu_s: CPU seconds of the fit.
        repeated: whether the very same fit was known already, so that it was not done.
        subset: hash of the photographs and poses that were fitted and tested on.
        content: hash of the clean capture.
        settings: hash of the options that rows depend on (`settings_key`).
        views: names of the chosen views, best first, with `/` between them.
    """

    capture: str
    pool: str
    pool_seed: int
    split_rule: str
    split: int
    budget: int
    filter: str
    selector: str
    draw: int
    fit_seed: int
    psnr: float
    masked_psnr: float
    worst: float
    ssim: float
    surrogate: float
    chosen: int
    bad_chosen: int
    pool_frames: int
    bad_frames: int
    bad_kept: int
    good_lost: int
    cpu_s: float
    repeated: bool
    subset: str
    content: str
    settings: str
    views: str

    @property
    def trial(self) -> Trial:
        """The trial that this row answers."""
        return Trial(*(getattr(self, name) for name in _KEY))


_KEY = [field.name for field in dataclasses.fields(Trial)]
COLUMNS = [field.name for field in dataclasses.fields(TrialRow)]
_READERS: Mapping[str, Callable[[Any], Any]] = {
    "int": int,
    "float": float,
    "str": str,
    "bool": lambda text: {"True": True, "False": False}[str(text)],
}


class RowJournal(Protocol):
    """Rows that outlive a kill; whoever implements it opens files."""

    def read(self) -> list[TrialRow]:
        """All whole rows so far."""

    def append(self, row: TrialRow) -> None:
        """Add a row; when it returns, a kill does not lose it."""


def row_of_texts(texts: Mapping[str, Any]) -> TrialRow:
    """A row from the texts of its columns.

    Raises:
        FileContentError: a column is missing, or a value is not of its type.
    """
    values = {}
    for column in dataclasses.fields(TrialRow):
        try:
            values[column.name] = _READERS[str(column.type)](texts[column.name])
        except (KeyError, ValueError, TypeError) as error:
            raise FileContentError(
                f"benchmark rows: column {column.name!r} is "
                f"{texts.get(column.name)!r}, not of type {column.type}: remove the "
                f"file to begin anew"
            ) from error
    return TrialRow(**values)


def table_of_rows(rows: Iterable[TrialRow]) -> pd.DataFrame:
    """The rows as a table, in the order of their trials."""
    ordered = sorted(rows, key=lambda row: row.trial)
    return pd.DataFrame([vars(row) for row in ordered], columns=COLUMNS)


def settings_key(options: BenchmarkOptions) -> str:
    """Hash of all options that rows depend on: equal keys, comparable rows."""
    kept = {
        name: value
        for name, value in dataclasses.asdict(options).items()
        if name not in _NOT_IN_SETTINGS
    }
    text = json.dumps([METHOD_VERSION, kept], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
