"""The trained MTCM as the one that foresees."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.missing.foresight import Float, Foresight
from mtcm_pipeline.mtcm.results import TrainedMtcm
from mtcm_pipeline.tokens.layout import Tokens


def foresight_of(
    trained: TrainedMtcm, tokens: Tokens, usable: NDArray[np.bool_]
) -> Foresight:
    """What the model says of places where nobody stood yet.

    Args:
        trained: on the capture.
        tokens: of the capture.
        usable: (N,) frames that the model may look at.
    """
    from mtcm_pipeline.mtcm.candidate_poses import picture_uncertainty, suggested_pose

    def uncertainty(poses: Float) -> Float:
        return picture_uncertainty(trained, tokens, usable, poses)

    return Foresight(uncertainty, suggested_pose(trained, tokens, usable))
