"""How well scores tell faulty frames from sound ones.

Scores are compared within one spoilt capture only; a mean over captures counts each
alike.

Dimension letters: N frames.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]


def won_pairs(scores: Float, faulty: Bool, sound: Bool) -> tuple[float, int]:
    """Pairs of a faulty and a sound frame in which the faulty one scores higher.

    Ties count half. The share of won pairs is the area under the ROC curve (Hanley and
    McNeil 1982).

    Returns:
        Won pairs, and all pairs.
    """
    bad, good = scores[faulty][:, None], scores[sound][None]
    won = float((bad > good).sum() + 0.5 * (bad == good).sum())
    return won, bad.size * good.size


def caught_at_loss(scores: Float, faulty: Bool, sound: Bool, loss: float) -> int:
    """Faulty frames above a threshold that loses at most a share of the sound frames."""
    limit = threshold_at_loss(scores[sound], loss)
    return int((scores[faulty] > limit).sum())


def threshold_at_loss(sound_scores: Float, loss: float) -> float:
    """Least threshold above which at most a share `loss` of the sound scores lies."""
    if len(sound_scores) == 0:
        return -np.inf
    ordered = np.sort(sound_scores)
    allowed = int(np.floor(loss * len(ordered) + 1e-9))
    return float(ordered[len(ordered) - 1 - allowed])
