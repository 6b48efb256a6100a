"""How much of the transformer's residual is believed on this capture.

Some shown frames are hidden as well, as far from the rest as the hidden ones are; the
residual's own held-out success there gives the gate, part by part, in closed form. If the
residual does not help, its gate is 0 and the prediction is the prior's.

Dimension letters: R held-out frames, m numbers of a part.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.regressors.belief import believed_share

Float = NDArray[np.float64]

# With fewer held-out frames no standard error means anything.
_FEWEST = 4


def gate_of(residual: Float, missing: Float) -> float:
    """The gate g in 0..1 that makes `prior + g * residual` best on held-out frames.

    See `believed_share`: least squares, lowered by a standard error.

    Args:
        residual: (R, m) predicted.
        missing: (R, m) truth minus prior.
    """
    if len(residual) < _FEWEST:
        return 0.0
    return believed_share(residual, missing)
