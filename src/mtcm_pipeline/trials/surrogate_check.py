"""Does the geometric surrogate tell good selections from bad ones? Held against fits."""

from __future__ import annotations

import numpy as np
import pandas as pd

_SAME = ["capture", "pool", "split_rule", "split", "budget"]


def surrogate_against_fits(rows: pd.DataFrame) -> pd.DataFrame:
    """Correlation of surrogate and score with split and budget removed.

    Both are taken relative to their mean over all selections of the same capture, pool,
    split and budget, so that neither easy test views nor more views make a correlation.

    Args:
        rows: of `statistics.scored`; those without a surrogate are left out.

    Returns:
        One row a capture, then `all`: `capture`, `fits`, `correlation`, and
        `db_per_unit`, by how many dB the score rises a unit of the surrogate (least
        squares); NaN where nothing varies.
    """
    known = centred(rows)
    answers = [
        {"capture": capture, **_fitted(of_capture)}
        for capture, of_capture in known.groupby("capture")
    ]
    answers.append({"capture": "all", **_fitted(known)})
    return pd.DataFrame(answers)


def centred(rows: pd.DataFrame) -> pd.DataFrame:
    """Distinct subsets with `surrogate` and `score` relative to their split's means."""
    known = rows[np.isfinite(rows["surrogate"])].drop_duplicates([*_SAME, "subset"])
    groups = known.groupby(_SAME)
    several = groups["subset"].transform("size") > 1
    relative = known[["surrogate", "score"]] - groups[["surrogate", "score"]].transform(
        "mean"
    )
    return known.assign(**relative)[several]


def _fitted(known: pd.DataFrame) -> dict[str, float]:
    x, y = known["surrogate"].to_numpy(), known["score"].to_numpy()
    xx, yy, xy = x @ x, y @ y, x @ y
    varies = xx > 0 and yy > 0
    return {
        "fits": len(known),
        "correlation": float(xy / np.sqrt(xx * yy)) if varies else np.nan,
        "db_per_unit": float(xy / xx) if varies else np.nan,
    }
