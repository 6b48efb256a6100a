"""What a model of the capture says of places where nobody stood yet.

Dimension letters: M directions of the band, A places asked, N cameras.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.selection.viewing_sphere import view_vectors
from mtcm_pipeline.viewpoints.sphere import angles_between_deg, even_directions

Float = NDArray[np.float64]

# (A, 4, 4) `world_from_cam` in the canonical gauge -> (A,) how uncertain the model is.
Uncertainty = Callable[[Float], Float]

# Places that a model is asked about, over the whole sphere: 8 degrees apart, since what
# it says changes slowly and each place costs milliseconds.
_ASKED = 600
_SPACING_DEG = 8.3
# What is said of a place is carried to directions around it, falling as a Gaussian.
_CARRIED_DEG = 6.0


@dataclass(frozen=True)
class Foresight:
    """A model's part in the proposals.

    Attributes:
        uncertainty: of what a picture from a pose would show; any unit.
        suggested_pose: (4, 4) `world_from_cam` in the canonical gauge that plausibly
            follows the last picture; None where the model has none.
    """

    uncertainty: Uncertainty
    suggested_pose: Float | None = None


def relative_uncertainty(
    directions: Float, ask: Callable[[Float], Float]
) -> NDArray[np.float64]:
    """(M,) uncertainty over a band of directions, 1 in its middle.

    Args:
        directions: (M, 3) unit vectors.
        ask: (A, 3) directions -> (A,) uncertainty, not negative.
    """
    asked = even_directions(_ASKED)
    apart = angles_between_deg(directions, asked)  # (M, A)
    near = apart.min(axis=0) <= _SPACING_DEG
    said = np.maximum(ask(asked[near]), 0.0)
    nearest = apart[:, near] - apart[:, near].min(axis=1, keepdims=True)
    weight = np.exp(-0.5 * (nearest / _CARRIED_DEG) ** 2)
    values = (weight @ said) / weight.sum(axis=1)
    middle = float(np.median(values))
    return np.asarray(values / middle) if middle > 0 else np.ones(len(values))


def bearing_of(
    pose: Float, centres_xyz: Float, viewing_directions: Float
) -> NDArray[np.float64]:
    """(3,) the direction from the subject of one more camera of a capture.

    Args:
        pose: (4, 4) `world_from_cam` in the gauge of the centres.
        centres_xyz: (N, 3) of the capture's cameras.
        viewing_directions: (N, 3) unit vectors.
    """
    return view_vectors(
        np.vstack([centres_xyz, pose[:3, 3]]),
        np.vstack([viewing_directions, pose[:3, 2]]),
    )[-1]
