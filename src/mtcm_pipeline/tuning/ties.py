"""Which frames matches can place: those in groups that sound frames hold.

A group of frames that share points with no sound frame may move as a whole without any
error in px; one that a single sound frame holds may still change its size. Adjusted all
the same, they drift, and whatever they drift by says nothing of where they were given.

Dimension letters: V frames, P points.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from mtcm_pipeline.tuning.matches import Tracks

Bool = NDArray[np.bool_]

# Sound frames that leave a group no freedom of place, direction or size.
_HOLDING = 2


def tied(tracks: Tracks, sound: Bool, looking: Bool, least_points: int) -> Bool:
    """(V,) frames of `looking` in groups that two or more sound frames hold.

    Args:
        tracks: of V frames.
        sound: (V,) frames that stand still.
        looking: (V,) frames that look for their poses.
        least_points: that two frames must share to hold one another.
    """
    sees = csr_matrix(
        (np.ones(len(tracks), np.int64), (tracks.frame, tracks.point)),
        shape=(tracks.frames, tracks.points),
    )
    linked = (sees @ sees.T).toarray() >= least_points
    rows = np.flatnonzero(looking)
    count, group = connected_components(linked[np.ix_(rows, rows)], directed=False)
    held = np.zeros(tracks.frames, bool)
    for number in range(count):
        members = rows[group == number]
        holding = sound & linked[members].any(axis=0)
        held[members] = int(holding.sum()) >= _HOLDING
    return held
