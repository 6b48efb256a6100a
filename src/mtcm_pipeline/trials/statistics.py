"""Differences between arms, paired by split, with intervals, noise floor and ties.

Selections of the same split are compared on the same test views, so that how hard a
split is cancels out. Intervals come from a bootstrap of two levels: captures are drawn
with replacement, then splits within each (Davison and Hinkley 1997, section 3.8), since
another capture is another question and another split of the same one hardly is.

Dimension letters: C captures, S splits of a capture, B resamples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.trials.plan import BEST_OF, BEST_OF_RANDOM, RANDOM

Float = NDArray[np.float64]

PLACE = ["capture", "pool", "split_rule", "split", "budget"]
ARM = ["filter", "selector"]
NUMBERS = [
    "score",
    "psnr",
    "worst",
    "ssim",
    "surrogate",
    "bad_chosen",
    "bad_frames",
    "cpu_s",
]
# 95 % of a normal distribution lies within so many standard deviations.
_Z95 = 1.96
# Two numbers say nothing of how far a third one may lie from them.
_FEWEST_NUMBERS = 3


@dataclass(frozen=True)
class Estimate:
    """A mean with the ends of its 95 % interval; NaN where there is nothing."""

    mean: float
    low: float
    high: float


def scored(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with `score`: PSNR in dB, inside the masks in captures that have them."""
    masked = np.isfinite(rows["masked_psnr"]).groupby(rows["capture"]).transform("all")
    return rows.assign(score=rows["masked_psnr"].where(masked, rows["psnr"]))


def arm_means(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a place and arm: means over draws, of the first training seed.

    Args:
        rows: of `scored`.

    Returns:
        Columns `PLACE`, `ARM`, `NUMBERS`. Where 20 random draws or more are known, the
        best of the first 20 by test score is there as an arm of its own: a ceiling for
        luck, which nobody can reach without looking at the test views.
    """
    first = rows[rows["fit_seed"] == 0]
    means = first.groupby([*PLACE, *ARM], as_index=False)[NUMBERS].mean()
    drawn = first[(first["selector"] == RANDOM) & (first["draw"] < BEST_OF)]
    place = drawn.groupby([*PLACE, "filter"])["score"]
    best = drawn[
        (place.transform("size") == BEST_OF) & (drawn["score"] == place.transform("max"))
    ].drop_duplicates([*PLACE, "filter"])
    ceiling = best.assign(selector=BEST_OF_RANDOM)[[*PLACE, *ARM, *NUMBERS]]
    return pd.concat([means, ceiling], ignore_index=True)


def paired(
    means: pd.DataFrame, reference: tuple[str, str], column: str = "score"
) -> pd.DataFrame:
    """Differences of every arm to one arm in the same place.

    Args:
        means: of `arm_means`.
        reference: filter and selector.
        column: what is compared.

    Returns:
        `PLACE`, `ARM` and `difference`; places where the reference is not known yet
        are left out.
    """
    of_reference = means[
        (means["filter"] == reference[0]) & (means["selector"] == reference[1])
    ]
    both = means.merge(of_reference[[*PLACE, column]], on=PLACE, suffixes=("", "_of"))
    both["difference"] = both[column] - both[f"{column}_of"]
    return both[[*PLACE, *ARM, "difference"]]


def by_capture_and_split(differences: pd.DataFrame, value: str) -> dict[str, Float]:
    """(S) means over the budgets of each split, by capture."""
    splits = differences.groupby(["capture", "split_rule", "split"])[value].mean()
    return {
        str(capture): of_capture.to_numpy(dtype=np.float64)
        for capture, of_capture in splits.groupby(level="capture")
    }


def interval(
    values: Mapping[str, Float] | Mapping[str, Sequence[float]],
    *,
    resamples: int,
    seed: int,
) -> Estimate:
    """Mean over captures of the mean over splits, with its bootstrap interval.

    Args:
        values: (S) numbers by capture.
        resamples: B.
        seed: of the bootstrap.

    Returns:
        Percentile interval. One capture alone: over its splits only. Fewer than three
        numbers have no interval.
    """
    captures = [np.asarray(v, dtype=np.float64) for v in values.values() if len(v)]
    if not captures:
        return Estimate(np.nan, np.nan, np.nan)
    mean = float(np.mean([each.mean() for each in captures]))
    if sum(map(len, captures)) < _FEWEST_NUMBERS:
        return Estimate(mean, np.nan, np.nan)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(captures), size=(resamples, len(captures)))  # (B, C)
    means = np.empty(drawn.shape)
    for row, splits in enumerate(captures):
        where = drawn == row
        picks = rng.integers(len(splits), size=(int(where.sum()), len(splits)))
        means[where] = splits[picks].mean(axis=1)
    low, high = np.quantile(means.mean(axis=1), [0.025, 0.975])
    return Estimate(mean, float(low), float(high))


def training_noise(rows: pd.DataFrame) -> float:
    """Standard deviation in dB between trainings of one subset with other seeds.

    Args:
        rows: of `scored`.

    Returns:
        Root of the mean variance over subsets that were trained more than once; NaN
        where there is none.
    """
    groups = rows.groupby([*PLACE, *ARM, "draw", "subset"])["score"]
    variances = groups.var(ddof=1).dropna()
    return float(np.sqrt(variances.mean())) if len(variances) else float("nan")


def noise_floor(noise: float, pairs: int) -> float:
    """Mean paired difference in dB that training noise alone stays below, 95 in 100."""
    return _Z95 * noise * float(np.sqrt(2.0 / pairs))


def verdict_of(estimate: Estimate, floor: float) -> str:
    """`better`, `worse`, `tie`, or `unknown` where there is no interval.

    A tie is an interval around zero, or a difference below the noise floor.
    """
    if not np.isfinite(estimate.low):
        return "unknown"
    if estimate.low <= 0 <= estimate.high or abs(estimate.mean) < np.nan_to_num(floor):
        return "tie"
    return "better" if estimate.mean > 0 else "worse"
