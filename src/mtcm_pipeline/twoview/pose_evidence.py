"""One row a frame: what matched features, and COLMAP's own points, say of its pose.

Dimension letters: N frames.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.twoview.evidence import TwoViewEvidence
from mtcm_pipeline.twoview.frame_evidence import UNKNOWN, frame_evidence
from mtcm_pipeline.twoview.table import PairRow


def pose_evidence(
    names: Sequence[str], evidence: TwoViewEvidence | None, points: SparsePoints
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Pair table, and evidence of all frames, those without a pose included.

    Args:
        names: (N) all frames in capture order.
        evidence: of the posed frames; None where fewer than two have a pose.
        points: sparse points of a COLMAP model; empty without one.

    Returns:
        The pair table, and a table with rows as `names`: the columns of
        `frame_evidence`, then `observations` (points of the model that the frame sees)
        and `reprojection_error_px` (their mean error), NaN where no model has the frame.
    """
    if evidence is None:
        pairs = pd.DataFrame(columns=list(PairRow.__dataclass_fields__))
        pairs["connected"] = pairs["connected"].astype(bool)
        frames = frame_evidence(pairs, names)
    else:
        pairs, frames = evidence.pairs, evidence.frames
    table = pd.DataFrame({"name": list(names)}).merge(frames, on="name", how="left")
    table["pose_verdict"] = table["pose_verdict"].fillna(UNKNOWN)
    table["pose_doubt"] = table["pose_doubt"].fillna(0.5)
    return pairs, table.merge(observation_table(names, points), on="name")


def observation_table(names: Sequence[str], points: SparsePoints) -> pd.DataFrame:
    """Columns `name`, `observations` and `reprojection_error_px`; NaN without points.

    A frame of the model that sees no point has 0 observations; one that the model lacks
    was never asked: NaN. A point's error is COLMAP's mean over its track; unknown errors
    (-1) are left out.
    """
    table = pd.DataFrame(
        {"name": list(names), "observations": np.nan, "reprojection_error_px": np.nan}
    )
    if len(points) == 0:
        return table
    observers, which = points.observers()
    seen = pd.Series(points.error_px[points.track_point])
    grouped = seen.where(seen >= 0).groupby(which)
    counts, errors = (s.set_axis(observers) for s in (grouped.size(), grouped.mean()))
    observed = table["name"].map(counts).fillna(0.0)
    table["observations"] = observed.where(table["name"].isin(points.images()))
    table["reprojection_error_px"] = table["name"].map(errors)
    return table
