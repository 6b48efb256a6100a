"""Frame quality as ratios to what the neighbours show.

Dimension letters: N frames.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mtcm_pipeline.consistency.neighbours import pose_features
from mtcm_pipeline.ingest.quality import relative_to_neighbours
from mtcm_pipeline.tokens.layout import Tokens


def relative_quality(
    frames: pd.DataFrame, tokens: Tokens, neighbours: int
) -> pd.DataFrame:
    """Columns `sharpness_ratio`, `luminance_ratio`, `mask_area_ratio`, `duplicate_of`.

    Args:
        frames: the ingested frame table, rows as in `tokens`.
        tokens: poses in the canonical gauge.
        neighbours: frames that the mask area is compared with.
    """
    features = pose_features(tokens)
    mask_area = relative_to_neighbours(
        frames["mask_area"].to_numpy(dtype=np.float64),
        features[:, :3],
        features[:, 3:],
        tokens.times,
        neighbours,
    )
    return pd.DataFrame(
        {
            "sharpness_ratio": np.exp(frames["relative_sharpness"]),
            "luminance_ratio": np.exp(frames["relative_luminance"]),
            "mask_area_ratio": np.exp(mask_area),
            "duplicate_of": frames["duplicate_of"],
        }
    )
