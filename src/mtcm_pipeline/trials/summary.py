"""The rows in a few lines: every arm against farthest view sampling and the ideal."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from mtcm_pipeline.trials.plan import FILTERS, POOLS, SELECTORS, TAKING_TURNS, UNBALANCED
from mtcm_pipeline.trials.statistics import (
    NUMBERS,
    arm_means,
    by_capture_and_split,
    interval,
    noise_floor,
    paired,
    scored,
    training_noise,
    verdict_of,
)

ALL = "all"
# What every arm is compared with: farthest view sampling on camera centres, bare, and
# behind a filter that knows the faults.
REFERENCES = {"fvs": ("none", "fvs"), "perfect": ("perfect", "fvs")}
_NAMES = ["pool", "filter", "selector"]
# The verdict of an arm that is compared with itself.
REFERENCE = "reference"
_WORST = "worst_minus_fvs"


def summarise(rows: pd.DataFrame, *, resamples: int, seed: int = 0) -> pd.DataFrame:
    """One row an arm, pool and scope.

    Args:
        rows: of `rows.table_of_rows`.
        resamples: of the bootstrap.
        seed: of the bootstrap.

    Returns:
        `pool`, `filter`, `selector`; `capture` and `budget`, each `all` or one; `fits`;
        means of `statistics.NUMBERS` over captures, splits and budgets alike;
        `minus_fvs` with `_low`, `_high` (95 %), `_verdict` and `_pairs`: the paired
        difference to bare farthest view sampling; the same for `minus_perfect`, to
        farthest view sampling behind a perfect filter; and `worst_minus_fvs` for the
        worst view. A sound pool with a perfect filter is the pool itself.
    """
    if rows.empty:
        return pd.DataFrame()
    table = scored(rows)
    means = arm_means(table)
    ideal = _with_perfect(means)
    noise = dict(noise_table(rows).to_numpy())
    compared = {
        f"minus_{name}": paired(ideal, reference)
        for name, reference in REFERENCES.items()
    }
    compared[_WORST] = paired(means, REFERENCES["fvs"], "worst")
    lines = []
    means = _with_groups(means)
    compared = {name: _with_groups(each) for name, each in compared.items()}
    for capture, budget in _scopes(means):
        floor = noise.get(capture, np.nan)
        own_of = {
            name: dict(iter(_within(each, capture, budget).groupby(_NAMES)))
            for name, each in compared.items()
        }
        for group, arm in _within(means, capture, budget).groupby(_NAMES):
            line = _line(group, capture, budget, arm)
            for name, differences in compared.items():
                own = own_of[name].get(group, differences[:0])
                line |= _comparison(name, own, floor, resamples, seed)
                if _reference_of(name) == group[1:]:
                    line[f"{name}_verdict"] = REFERENCE
            lines.append(line)
    return _ordered(pd.DataFrame(lines))


def noise_table(rows: pd.DataFrame) -> pd.DataFrame:
    """`capture` (the last one `all`) and `noise_db`, of `statistics.training_noise`."""
    table = scored(rows)
    scopes = [*table.groupby("capture"), (ALL, table)]
    return pd.DataFrame(
        [
            {"capture": capture, "noise_db": training_noise(part)}
            for capture, part in scopes
        ]
    )


def _reference_of(comparison: str) -> tuple[str, str]:
    return REFERENCES[comparison.rpartition("_")[2]]


def _with_perfect(means: pd.DataFrame) -> pd.DataFrame:
    """In a pool without faults a perfect filter changes nothing: it needs no fit."""
    sound = means[(means["filter"] == "none") & means["pool"].isin(_sound_pools(means))]
    ideal = sound[sound["selector"] == "fvs"].assign(filter="perfect")
    return pd.concat([means, ideal], ignore_index=True).drop_duplicates(
        ["capture", "pool", "split_rule", "split", "budget", "filter", "selector"]
    )


def _with_groups(table: pd.DataFrame) -> pd.DataFrame:
    """The unbalanced pools once more, as one."""
    together = table[table["pool"].isin(UNBALANCED)].assign(pool=TAKING_TURNS)
    return pd.concat([table, together], ignore_index=True)


def _sound_pools(means: pd.DataFrame) -> list[str]:
    most = means.groupby("pool")["bad_frames"].max()
    return [str(pool) for pool in most.index[most == 0]]


def _scopes(means: pd.DataFrame) -> list[tuple[str, str]]:
    """(capture, budget), each `all` or one."""
    captures = [ALL, *sorted(means["capture"].unique())]
    budgets = [ALL, *sorted(means["budget"].unique())]
    return [(capture, str(budget)) for capture in captures for budget in budgets]


def _within(table: pd.DataFrame, capture: str, budget: str) -> pd.DataFrame:
    if capture != ALL:
        table = table[table["capture"] == capture]
    return table if budget == ALL else table[table["budget"] == int(budget)]


def _line(
    arm_name: tuple[Hashable, ...], capture: str, budget: str, arm: pd.DataFrame
) -> dict[str, Any]:
    by_capture = arm.groupby("capture")[NUMBERS].mean()
    return {
        **dict(zip(_NAMES, arm_name, strict=True)),
        "capture": capture,
        "budget": budget,
        "fits": len(arm),
        **{name: float(by_capture[name].mean()) for name in NUMBERS},
    }


def _comparison(
    name: str, own: pd.DataFrame, noise: float, resamples: int, seed: int
) -> dict[str, Any]:
    values = by_capture_and_split(own, "difference")
    estimate = interval(values, resamples=resamples, seed=seed)
    floor = noise_floor(noise, len(own)) if len(own) else np.nan
    return {
        name: estimate.mean,
        f"{name}_low": estimate.low,
        f"{name}_high": estimate.high,
        f"{name}_verdict": verdict_of(estimate, floor),
        f"{name}_pairs": len(own),
    }


def _ordered(summary: pd.DataFrame) -> pd.DataFrame:
    """In the order of the plan, whole scopes first."""
    places = {
        "pool": [*POOLS[:1], TAKING_TURNS, *POOLS[1:]],
        "filter": list(FILTERS),
        "selector": list(SELECTORS),
    }
    keys = pd.DataFrame(
        {
            "capture": summary["capture"].where(summary["capture"] != ALL, ""),
            "budget": summary["budget"].replace(ALL, "0").astype(int),
            **{name: summary[name].map(order.index) for name, order in places.items()},
        }
    )
    return summary.loc[
        keys.sort_values(["capture", "pool", "filter", "selector", "budget"]).index
    ].reset_index(drop=True)
