"""How much of the transformer's residual is believed on this capture.

Some shown frames are hidden as well, as far from the rest as the hidden ones are; the
residual's own held-out success there gives the gate, part by part, in closed form. If the
residual does not help, its gate is 0 and the prediction is the prior's.

Dimension letters: R held-out frames, m numbers of a part.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

# A residual is believed by as much as it is better than this many standard errors.
_DOUBT = 1.0
# With fewer held-out frames no standard error means anything.
_FEWEST = 4


def gate_of(residual: Float, missing: Float) -> float:
    """The gate g in 0..1 that makes `prior + g * residual` best on held-out frames.

    Least squares: g = sum r.d / sum r.r with r the residual and d what the prior missed,
    lowered by the standard error of that sum over frames, and with weights that keep a
    few large misses (faulty frames) from deciding.

    Args:
        residual: (R, m) predicted.
        missing: (R, m) truth minus prior.
    """
    if len(residual) < _FEWEST:
        return 0.0
    lengths = np.linalg.norm(missing, axis=1)
    typical = max(float(np.median(lengths)), 1e-12)
    weights = 1.0 / np.maximum(lengths / typical, 1.0)
    gains = weights * (residual * missing).sum(axis=1)
    energy = float((weights * (residual**2).sum(axis=1)).sum())
    error = float(np.std(gains, ddof=1) * np.sqrt(len(gains)))
    if energy <= 1e-12 * max(float((missing**2).sum()), 1e-300):
        return 0.0
    return float(np.clip((gains.sum() - _DOUBT * error) / energy, 0.0, 1.0))
