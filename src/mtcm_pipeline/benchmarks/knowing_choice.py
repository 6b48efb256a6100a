"""What somebody would choose who knows the views that will be asked for: a ceiling.

The surrogate of `surrogate.quality` over the true test views is maximised: greedily, then
by exchanges until no single one raises it. No selector can know that much; how far they
stay below says what there is to win by guessing better.

Dimension letters: P frames to choose from, K chosen, C columns, one a (target, point).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.surrogate.geometry import ViewGeometry
from mtcm_pipeline.surrogate.quality import DECAY_ANGLE_DEG, worth

Float = NDArray[np.float64]

# Rises smaller than this are rounding.
_LEAST_RISE = 1e-9


def knowing_choice(
    geometry: ViewGeometry,
    names: Sequence[str],
    targets: Sequence[str],
    budget: int,
    *,
    decay_angle_deg: float = DECAY_ANGLE_DEG,
) -> tuple[str, ...]:
    """The K of P frames of the highest expected quality of the true targets.

    A local optimum: no exchange of one frame for another raises it. Its first k are what
    greedy and the exchanges left in these places, not the answer for k.

    Args:
        geometry: of frames and targets.
        names: P frames to choose from.
        targets: the test views.
        budget: K, at most P.
        decay_angle_deg: as in `expected_quality`.
    """
    columns = _columns(geometry, names, targets, decay_angle_deg)
    chosen: list[int] = []
    while len(chosen) < budget:
        chosen.append(_best_addition(columns, chosen))
    place, unchanged = 0, 0
    while unchanged < budget:
        rest = chosen[:place] + chosen[place + 1 :]
        best = _best_addition(columns, rest)
        before, after = (_value(columns, [*rest, i]) for i in (chosen[place], best))
        better = after > before + _LEAST_RISE
        chosen[place] = best if better else chosen[place]
        unchanged = 0 if better else unchanged + 1
        place = (place + 1) % budget
    return tuple(names[i] for i in chosen)


def _columns(
    geometry: ViewGeometry, names: Sequence[str], targets: Sequence[str], half: float
) -> Float:
    """(P, C) worth of each frame at each target's points, targets alike in weight."""
    frames = geometry.rows_of(names)
    parts = []
    for row in geometry.rows_of(targets).tolist():
        points = np.flatnonzero(geometry.seen[row])
        if len(points):
            centre = geometry.centres_xyz[row]
            values = worth(geometry, centre, points, frames, decay_angle_deg=half)
            parts.append(values.astype(np.float64) / len(points))
    return np.concatenate(parts, axis=1) / len(parts)


def _value(columns: Float, rows: Sequence[int]) -> float:
    return float(columns[list(rows)].max(axis=0).sum())


def _best_addition(columns: Float, rows: Sequence[int]) -> int:
    """The frame outside a set that raises its value most; the earlier one of equals."""
    best = columns[list(rows)].max(axis=0, initial=0.0)
    gains = np.maximum(columns - best, 0.0).sum(axis=1)
    gains[list(rows)] = -1.0
    return int(gains.argmax())
