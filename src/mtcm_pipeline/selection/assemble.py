"""From tokens and scores to the problem that the selectors solve.

Dimension letters: N frames.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.capture.rotations import matrix_from_quat
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.selection.problem import SelectionProblem
from mtcm_pipeline.surrogate.geometry import ViewGeometry
from mtcm_pipeline.tokens.layout import CENTRE, QUATERNION, Tokens

Float = NDArray[np.float64]

# A frame that lacks a part which most others have serves a trainer less (no mask, say)
# and could be judged on less; it is chosen where nothing complete will do.
_INCOMPLETE = 0.3
_USUAL_SHARE = 0.5


def assemble_problem(
    tokens: Tokens,
    similarity: NDArray[np.floating],
    scores: pd.DataFrame,
    geometry: ViewGeometry | None = None,
) -> SelectionProblem:
    """The selection problem of a capture.

    Args:
        tokens: of the capture.
        similarity: (N, N) learned similarity.
        scores: of `consistency.scores.score_frames`, or with the user's word on them
            (`user_word.final_scores`); rows as in `tokens`.
        geometry: which points of the scene the frames see, in the tokens' gauge; one
            without points counts as none.

    Raises:
        CaptureError: the scores are of other frames than the tokens.
    """
    if tuple(scores["name"]) != tokens.names:
        raise CaptureError(
            "scores and tokens are of different frames: run evaluate again"
        )
    usable = scores["usable"].to_numpy(dtype=bool)
    posed = tokens.has("pose")
    directions = np.full((len(tokens), 3), np.nan)
    directions[posed] = matrix_from_quat(tokens.values[posed, QUATERNION])[:, :, 2]
    seconds = tokens.field("timestamp")[:, 0]
    return SelectionProblem(
        names=tokens.names,
        centres_xyz=tokens.values[:, CENTRE].copy(),
        directions=directions,
        embeddings=tokens.field("embedding").copy(),
        times=tokens.times,
        similarity=np.asarray(similarity),
        quality=frame_quality(tokens, scores),
        eligible=usable,
        reasons_out=_reasons_out(scores, usable),
        seconds=seconds if np.isfinite(seconds).all() else None,
        geometry=geometry.aligned(tokens.names) if geometry and len(geometry) else None,
    )


def _reasons_out(scores: pd.DataFrame, usable: NDArray[np.bool_]) -> dict[str, str]:
    """What speaks against a frame, by name; also where the user overruled it."""
    said = scores["reason"]
    if "overruled" in scores:
        said = scores["overruled"].where(usable, said)
    return {
        str(name): str(reason)
        for name, reason, ok in zip(scores["name"], said, usable, strict=True)
        if not ok or ("overruled" in scores and reason)
    }


def frame_quality(tokens: Tokens, scores: pd.DataFrame) -> Float:
    """(N,) trust in 0..1: no sign of a fault, as sharp as its neighbours, complete."""
    trust = 1.0 - scores["fault_score"].to_numpy(dtype=np.float64)
    blur = scores["degree_blurred"].to_numpy(dtype=np.float64)
    usual = tokens.present.mean(axis=0) > _USUAL_SHARE  # (F,)
    lacking = (~tokens.present & usual).sum(axis=1)
    return trust * np.exp(-0.5 * blur) * _INCOMPLETE**lacking
