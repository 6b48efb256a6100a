"""What photographs near the proposals added, as rows and tables.

A part is one capture with something hidden. Ways are compared part by part; the mean over
a part's trainings counts once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from mtcm_pipeline.benchmarks.missing_parts import OURS
from mtcm_pipeline.trials.statistics import interval

# Between the names of photographs in a row; no file name holds it.
JOINED = " / "
_PART = ["capture", "kind", "seed"]
_ASKED = ["pool", "proposals"]
_RESAMPLES = 10_000
_FEWEST = 3
# Measures of a gain, and the digits that they are shown with.
_DIGITS = {"hole_gain_db": 2, "rest_gain_db": 2, "expected_gain": 3}


@dataclass(frozen=True)
class GainRow:
    """The first proposals of one way, on one capture with one part hidden.

    Attributes:
        capture: its folder's name.
        kind: what was hidden.
        seed: which part.
        fit_seed: of the training.
        way: who proposes.
        proposals: P.
        pool: which photographs could be added.
        added: their names, in alphabetical order.
        nearest_deg: mean angle from a proposal to the photograph added for it; NaN
            where nothing was proposed.
        expected_gain: what they should add in the hole by the surrogate, 0..1.
        hole_before_db: mean PSNR over the hidden test views without them.
        hole_gain_db: what they added there; NaN, as all PSNR, where nothing was fitted.
        rest_gain_db: what they added on the test views of the rest.
    """

    capture: str
    kind: str
    seed: int
    fit_seed: int
    way: str
    proposals: int
    pool: str
    added: str
    nearest_deg: float
    expected_gain: float
    hole_before_db: float
    hole_gain_db: float
    rest_gain_db: float


def summary(rows: Sequence[GainRow], measure: str = "hole_gain_db") -> Table:
    """Gains, paired by part: means with 95 % bootstrap intervals.

    `same` is the share of parts in which a way was led to our photographs; there the
    difference is zero, and `where not the same` leaves those parts out.

    Args:
        rows: of any captures.
        measure: `hole_gain_db`, `rest_gain_db` or `expected_gain`.
    """
    data = by_part(rows)
    data = data[np.isfinite(data[measure])]
    compared = ["ours − it", "same", "where not the same"]
    shown = Table("added from", "proposals", "way", measure, *compared)
    for (pool, count), group in data.groupby(_ASKED, sort=False):
        ours = group[group["way"] == OURS].set_index(_PART)
        for way in dict.fromkeys(group["way"]):
            it = group[group["way"] == way].set_index(_PART)
            cells = [""] * 3 if way == OURS else _compared(ours, it, measure)
            shown.add_row(str(pool), str(count), way, _text(it[measure], measure), *cells)
    return shown


def by_capture(rows: Sequence[GainRow], measure: str = "hole_gain_db") -> Table:
    """Means by capture."""
    data = by_part(rows)
    data = data[np.isfinite(data[measure])]
    captures = list(dict.fromkeys(data["capture"]))
    shown = Table("added from", "proposals", measure, *captures)
    means = data.groupby([*_ASKED, "way", "capture"], sort=False)[measure].mean()
    for pool, count, way in dict.fromkeys(key[:3] for key in means.index):
        values = [means.get((pool, count, way, name), np.nan) for name in captures]
        digits = _DIGITS[measure]
        shown.add_row(pool, str(count), way, *(f"{v:+.{digits}f}" for v in values))
    return shown


def by_part(rows: Sequence[GainRow]) -> pd.DataFrame:
    """One row a part, way, count and pool: means over its trainings."""
    data = pd.DataFrame([vars(row) for row in rows])
    keys = [*_PART, "way", *_ASKED, "added"]
    numbers = ["hole_before_db", *_DIGITS]
    return data.groupby(keys, sort=False, as_index=False)[numbers].mean()


def training_noise_db(rows: Sequence[GainRow]) -> float:
    """Standard deviation of a gain in the hole between trainings of one set.

    Returns:
        In dB, root of the mean variance; NaN where every field was trained once.
    """
    data = pd.DataFrame([vars(row) for row in rows])
    # The same set counts once, whoever proposed it.
    once = data.drop_duplicates([*_PART, "fit_seed", "added"])
    variances = once.groupby([*_PART, "added"])["hole_gain_db"].var(ddof=1).dropna()
    return float(np.sqrt(variances.mean())) if len(variances) else float("nan")


def agreement(rows: Sequence[GainRow]) -> float:
    """Correlation of PSNR gained in the hole with what was expected.

    Returns:
        Over parts, counts and different photographs; NaN for fewer than three.
    """
    data = by_part(rows).drop_duplicates([*_PART, "added"])
    data = data[np.isfinite(data["hole_gain_db"])]
    if len(data) < _FEWEST:
        return float("nan")
    return float(np.corrcoef(data["hole_gain_db"], data["expected_gain"])[0, 1])


def print_tables(rows: Sequence[GainRow]) -> None:
    """All of the above on the console, but for what was not measured."""
    console = Console(width=160)
    fitted = [row for row in rows if np.isfinite(row.hole_gain_db)]
    for measure in _DIGITS:
        some = rows if measure == "expected_gain" else fitted
        if some:
            console.print(summary(some, measure))
            console.print(by_capture(some, measure))
    noise, r = training_noise_db(rows), agreement(rows)
    if np.isfinite(noise):
        console.print(f"a gain's deviation between trainings of one set: {noise:.2f} dB")
    if np.isfinite(r):
        console.print(f"correlation of PSNR gained with what was expected: {r:.2f}")


def _compared(ours: pd.DataFrame, it: pd.DataFrame, measure: str) -> list[str]:
    """Over the parts in which both were asked."""
    ours, it = ours.align(it, join="inner", axis=0)
    ahead = ours[measure] - it[measure]
    same = ours["added"] == it["added"]
    elsewhere = "–" if same.all() else _text(ahead[~same], measure)
    return [_text(ahead, measure), f"{same.mean():.0%}", elsewhere]


def _text(values: pd.Series, measure: str) -> str:
    grouped = {
        str(capture): part.to_numpy(dtype=np.float64)
        for capture, part in values.groupby(level="capture")
    }
    found = interval(grouped, resamples=_RESAMPLES, seed=0)
    mean, low, high = (f"{v:+.{_DIGITS[measure]}f}" for v in vars(found).values())
    return f"{mean} ({low} to {high})"
