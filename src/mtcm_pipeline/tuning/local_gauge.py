"""Adjusted poses against the given ones around them, not against all of them.

Adjusted together and hardly held, poses may drift: a little bend or twist of the whole
row of cameras hardly changes any reprojection error, and given poses have smooth errors
of their own. One similarity takes neither off. Each frame is therefore brought back by
the similarity that its neighbours agree with; it does not vote on itself, so that one
that was given wrongly still stands out.

Dimension letters: V frames, K neighbours.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.tuning.rigid import common_motions, corrections_deg, turned_deg

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

# Nearest voters; half the distance of the last is the width of the kernel (with all of
# it, bends that were put on captures on purpose hid most of the wrong frames).
_NEIGHBOURS = 6
_WIDTH = 0.5
_ROUNDS = 4
# A voter whose own correction is so many times the usual one counts half.
_SOFT = 1.5
# Below it no voter is worth less: given poses are not known better.
_LEAST_DEG = 0.1
_TINY = 1e-12


def in_the_gauge_of_neighbours(adjusted: Float, given: Float, voting: Bool) -> Float:
    """Adjusted poses, each in the gauge of the given poses around it.

    Exact where the adjusted poses are a similarity of the given ones; otherwise the
    similarity varies over the frames, weighted by nearness (Gaussian, of centre and
    direction together) and by how well each voter agrees with its own neighbours
    (Cauchy).

    Args:
        adjusted: (V, 4, 4) cam_from_world.
        given: (V, 4, 4) the same cameras before; distances in median camera distances.
        voting: (V) frames whose given poses count, two or more.

    Returns:
        (V, 4, 4).
    """
    near = _nearness(given, voting)
    sizes = np.median(disagreements_deg(adjusted, given, voting), axis=1)
    back = adjusted
    for _ in range(_ROUNDS):
        usual = max(float(np.median(sizes[voting])), _LEAST_DEG)
        trust = voting / (1.0 + (sizes / (_SOFT * usual)) ** 2)
        weights = near * trust + _TINY * voting
        back = common_motions(adjusted, given, weights).taken_off(adjusted)
        sizes = corrections_deg(back, given)
    return back


def disagreements_deg(adjusted: Float, given: Float, voting: Bool) -> Float:
    """(V, K) how far each frame was given from where one neighbour would have it.

    A neighbour that was given right would have the frame where the adjustment puts it
    relative to itself. A frame that was given wrongly disagrees with all its neighbours;
    where a stretch of them is bent, each still agrees with the next.

    Args:
        adjusted: (V, 4, 4) cam_from_world.
        given: (V, 4, 4) the same cameras before.
        voting: (V) frames that count as neighbours, two or more; K is 6 or what there is.
    """
    count = max(min(_NEIGHBOURS, int(voting.sum()) - 1), 1)
    nearest = np.argsort(-_nearness(given, voting), axis=1, kind="stable")[:, :count]
    relative = adjusted[:, None] @ np.linalg.inv(adjusted)[nearest]
    there = relative @ given[nearest]
    return corrections_deg(there, given[:, None])


def _nearness(given: Float, voting: Bool) -> Float:
    """(V, V) weight of each frame for each, none for itself."""
    world = invert_rigid(given)
    apart = np.linalg.norm(world[:, None, :3, 3] - world[None, :, :3, 3], axis=2)
    angle = turned_deg(world[:, None, :3, :3], world[None, :, :3, :3])
    far = np.hypot(apart, np.radians(angle))
    np.fill_diagonal(far, np.inf)
    others = np.sort(np.where(voting[None, :], far, np.inf), axis=1)
    last = max(min(_NEIGHBOURS, int(voting.sum()) - 1), 1) - 1
    width = np.maximum(_WIDTH * others[:, last], _TINY)
    return np.asarray(np.exp(-0.5 * (far / width[:, None]) ** 2) * voting)
