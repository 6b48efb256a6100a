"""How much each exported view should weigh in a trainer's loss."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def view_weights(fault_scores: NDArray[np.float64]) -> NDArray[np.float32]:
    """(K,) weights with mean 1 from (K,) fault scores in 0..1.

    A view's weight is the trust that it is good, 1 - fault score, so that a doubtful view
    that was chosen all the same pulls less. All equally doubtful: all weigh 1.
    """
    trust = 1.0 - np.clip(np.asarray(fault_scores, dtype=np.float64), 0.0, 1.0)
    mean = trust.mean() if len(trust) else 0.0
    weights = trust / mean if mean > 0 else np.ones_like(trust)
    return weights.astype(np.float32)
