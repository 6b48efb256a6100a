"""Frame quality as ratios to what the neighbours show.

Dimension letters: N frames.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.consistency.neighbours import pose_features
from mtcm_pipeline.ingest.quality import relative_to_neighbours
from mtcm_pipeline.tokens.layout import Tokens


def relative_quality(
    frames: pd.DataFrame, tokens: Tokens, pose_evidence: pd.DataFrame, neighbours: int
) -> pd.DataFrame:
    """What the pixels say of each frame, beside what they say of others.

    Columns `sharpness_ratio`, `luminance_ratio`, `mask_area_ratio` (to the neighbours; 0
    where a mask is empty though most frames show a subject), `duplicate_of`,
    `pose_verdict` and `pose_doubt`.

    Luminance counts as odd only if it is so beside the neighbours in pose and beside the
    neighbours in time: the dark side of a subject is a stretch of dark frames.

    Args:
        frames: the ingested frame table, rows as in `tokens`.
        tokens: poses in the canonical gauge.
        pose_evidence: of matched features, rows likewise.
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
    nowhere = np.full((len(tokens), 3), np.nan)
    by_time = relative_to_neighbours(
        frames["luminance"].to_numpy(dtype=np.float64),
        nowhere,
        nowhere,
        tokens.times,
        neighbours,
    )
    by_pose = frames["relative_luminance"].to_numpy(dtype=np.float64)
    return pd.DataFrame(
        {
            "sharpness_ratio": np.exp(frames["relative_sharpness"]),
            "luminance_ratio": np.exp(_nearer_to_zero(by_pose, by_time)),
            "mask_area_ratio": np.where(_subject_gone(frames), 0.0, np.exp(mask_area)),
            "duplicate_of": frames["duplicate_of"],
            "pose_verdict": pose_evidence["pose_verdict"],
            "pose_doubt": pose_evidence["pose_doubt"],
        }
    )


def _subject_gone(frames: pd.DataFrame) -> NDArray[np.bool_]:
    """(N,) frames with an empty mask, where more than half of all have another."""
    if "mask_empty" not in frames:
        return np.zeros(len(frames), dtype=bool)
    shown = frames["mask_area"].notna().mean() > 0.5
    return frames["mask_empty"].to_numpy(bool) & bool(shown)


def _nearer_to_zero(
    a: NDArray[np.float64], b: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(N,) of two numbers the one with the smaller size; the known one if one is NaN."""
    known = np.where(np.isnan(a), b, a)
    both = np.isfinite(a) & np.isfinite(b)
    return np.where(both & (np.abs(b) < np.abs(a)), b, known)
