"""The rows of `hidden_token_evaluation`, summed up against the best simple regressor."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mtcm_pipeline.mtcm.hidden_token_evaluation import MTCM
from mtcm_pipeline.regressors.registry import simple_predictors

# Measures that are better when larger; the others are errors.
LARGER_IS_BETTER = ("embedding R2", "embedding cosine")
UNITS = {
    "position": "median camera distances, median",
    "rotation": "degrees, median",
    "timestamp": "standard deviations of the shown, median",
    "mask_area": "standard deviations of the shown, median",
    "focal": "standard deviations of the shown, median",
}


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Means over captures and seeds, and the MTCM against the best simple regressor.

    Returns:
        One row a setting and measure: every method's mean; `best`, the simple method
        with the best mean; `gain`, how much better the MTCM is (positive is better), and
        `noise`, the standard error of that difference over captures.
    """
    simple = [name for name in rows["method"].unique() if name in simple_predictors()]
    keys = ["ordered", "mask", "hidden", "measure"]
    table = []
    for key, group in rows.groupby(keys, sort=False):
        sign = 1.0 if key[3] in LARGER_IS_BETTER else -1.0
        by_capture = group.pivot_table(values="value", index="capture", columns="method")
        means = by_capture.mean()
        best = max(simple, key=lambda name: sign * means[name])
        gains = sign * (by_capture[MTCM] - by_capture[best])
        noise = (
            float(gains.std(ddof=1) / np.sqrt(len(gains))) if len(gains) > 1 else np.nan
        )
        table.append(
            {
                **dict(zip(keys, key, strict=True)),
                **means,
                "best": best,
                "gain": float(gains.mean()),
                "noise": noise,
            }
        )
    return pd.DataFrame(table)
