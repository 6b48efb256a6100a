"""A selection problem from poses alone, for use as a library.

Dimension letters: N frames.
"""

from __future__ import annotations

import numpy as np

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.selection.problem import SelectionProblem
from mtcm_pipeline.tokens.gauge import canonical_gauge


def problem_from_cameras(cameras: PosedCameras) -> SelectionProblem:
    """Every frame good, eligible, and as similar to another as their views are.

    Args:
        cameras: N >= 1 posed frames in the order of the sequence.

    Returns:
        A problem without embeddings (N rows of NaN): strategies that only need poses
        (`fvs`, `k_medoids`, `every_nth`, …) answer as in the pipeline. Similarity is the
        cosine between viewing directions.
    """
    n = len(cameras)
    gauge = canonical_gauge(cameras)
    directions = gauge.directions(cameras.viewing_directions)
    return SelectionProblem(
        names=cameras.names,
        centres_xyz=gauge.points(cameras.centres_xyz),
        directions=directions,
        embeddings=np.full((n, 1), np.nan),
        times=np.linspace(0.0, 1.0, n),
        similarity=directions @ directions.T,
        quality=np.ones(n),
        eligible=np.ones(n, dtype=bool),
    )
