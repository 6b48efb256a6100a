"""Viewpoints that a trained field may be asked for: those that the capture moves among.

The cameras' poses are spread out along the surface that they lie on, by mixing each with
its neighbours, and thinned to even spacing, so that a place where the camera lingered
counts no more than any other. What such a viewpoint sees is taken from the frames beside
it. Everything turns with the capture and does not depend on the frames' order.

Dimension letters: P frames in the pool, T targets, Q points of a target, V points of the
scene.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from mtcm_pipeline.capture.farthest_points import farthest_rows
from mtcm_pipeline.selection.options import SelectOptions
from mtcm_pipeline.selection.pool import Pool
from mtcm_pipeline.surrogate.geometry import ViewGeometry

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]

_NEIGHBOURS = 7
# Mixtures a frame: many more than the targets that are left of them.
_MIXTURES = 12
# Frames this many times farther from their neighbours than three in four of these are
# from theirs stand alone: a wrong pose, more often than a rare view. Targets near them
# count by the square of it.
_ALONE = 2.0
_USUAL_QUANTILE = 0.75
# A target sees what this share of the frames around it see: close-ups among them hide
# little, and a frame whose pose is wrong adds little.
_SEEN_SHARE = 0.3
_FEWEST_POINTS = 5
# Frames times targets times points, so that 10,000 frames need 80 MB and seconds.
_MOST_NUMBERS = 20_000_000
# Without points: places on the target's axis, in its distances from the subject, and the
# half opening of a view that sees them.
_AXIS_DEPTHS = (0.7, 1.0, 1.6)
_SEEN_COSINE = np.cos(np.radians(35.0))
# When targets are thinned, a turn by 90 degrees is 0.7 camera distances of travel.
_TURN_WEIGHT = 0.5


@dataclass(frozen=True)
class Targets:
    """What the selection is made for.

    Attributes:
        centres_xyz: (T, 3) viewpoints.
        points_xyz: (T, Q, 3) what each of them looks at.
        seen: (P, T, Q) whether each frame of the pool sees it.
        weights: (T,) how much each counts, sum 1.
    """

    centres_xyz: Float
    points_xyz: Float
    seen: Bool
    weights: Float


def plausible_targets(pool: Pool, options: SelectOptions) -> Targets:
    """Targets for a pool of P >= 1 frames that have poses.

    Args:
        pool: with `problem.geometry` where it was measured, else from poses alone.
        options: number and spread of the targets, points of each.
    """
    around = neighbours_of(pool.centres_xyz)
    centres, directions, source = _dilated(pool, around, options.target_spread)
    features = np.hstack([centres, _TURN_WEIGHT * directions])
    rows = farthest_rows(features, options.targets)
    trust = _trust(pool, around)
    geometry = pool.problem.geometry
    if geometry is not None:
        points = [_points_seen(geometry, pool, around[s], options) for s in source[rows]]
        sees = np.array([len(p) > 0 for p in points], dtype=bool)
        if sees.any():
            rows = rows[sees]
            chosen = np.stack([p for p in points if len(p)])  # (T, Q)
            return Targets(
                centres[rows],
                geometry.points_xyz[chosen],
                geometry.seen[pool.rows][:, chosen],
                _shares(trust[source[rows]]),
            )
    points_xyz = _points_on_axes(centres[rows], directions[rows])
    seen = _in_cones(pool, points_xyz)
    return Targets(centres[rows], points_xyz, seen, _shares(trust[source[rows]]))


def neighbours_of(centres: Float) -> Int:
    """(P, 1 + k) each frame itself, then its nearest ones, nearest first."""
    count = min(_NEIGHBOURS + 1, len(centres))
    found = cKDTree(centres).query(centres, count)[1].reshape(len(centres), count)
    own = np.arange(len(centres))
    # Of frames in one place, the tree may name another one first.
    rows = [
        [i, *[j for j in near if j != i][: count - 1]]
        for i, near in zip(own.tolist(), found.tolist(), strict=True)
    ]
    return np.array(rows, dtype=np.int64)


def _dilated(pool: Pool, around: Int, spread: float) -> tuple[Float, Float, Int]:
    """Frames and mixtures: centres, unit directions, and the frame that each is of."""
    own = np.arange(len(pool))
    k = around.shape[1] - 1
    if k == 0:
        return pool.centres_xyz, pool.directions, own
    # The same mixtures everywhere, so that neither order nor axes matter.
    mixtures = np.random.default_rng(0).normal(size=(_MIXTURES, k)) * spread / np.sqrt(k)
    shrink = _company(pool.centres_xyz, around)

    def mixed(values: Float) -> Float:
        steps = values[around[:, 1:]] - values[:, None]  # (P, k, 3)
        moves = np.einsum("mk,pkc->pmc", mixtures, steps) * shrink[:, None, None]
        return np.asarray((values[:, None] + moves).reshape(-1, 3))

    centres = np.concatenate([pool.centres_xyz, mixed(pool.centres_xyz)])
    directions = np.concatenate([pool.directions, mixed(pool.directions)])
    lengths = np.linalg.norm(directions, axis=1, keepdims=True)
    directions /= np.maximum(lengths, 1e-12)
    return centres, directions, np.concatenate([own, np.repeat(own, _MIXTURES)])


def _company(centres: Float, around: Int) -> Float:
    """(P) 1, or for a frame that stands alone how much nearer its company should be.

    Alone is who is farther from its neighbours than these are from theirs, as in the
    local outlier factor (Breunig et al. 2000): a thin stretch of the capture is none.
    """
    steps = centres[around[:, 1:]] - centres[:, None]
    reach = np.maximum(np.sqrt((steps**2).sum(axis=2).mean(axis=1)), 1e-12)
    usual = np.quantile(reach[around[:, 1:]], _USUAL_QUANTILE, axis=1)
    return np.asarray(np.minimum(1.0, _ALONE * usual / reach))


def frame_trust(pool: Pool) -> Float:
    """(P) in 0..1, how much each frame counts, from its quality and its company."""
    return _trust(pool, neighbours_of(pool.centres_xyz))


def _trust(pool: Pool, around: Int) -> Float:
    if around.shape[1] == 1:
        return np.ones(len(pool))
    quality = np.maximum(pool.quality, 1e-3)
    return np.asarray(_company(pool.centres_xyz, around) ** 2 * quality)


def _points_seen(
    geometry: ViewGeometry, pool: Pool, around: Int, options: SelectOptions
) -> Int:
    """(Q) points that frames around a target see, evenly from all of them; or none."""
    share = geometry.seen[pool.rows[around]].mean(axis=0)
    rows = np.flatnonzero(share >= _SEEN_SHARE)
    if len(rows) < _FEWEST_POINTS:
        rows = np.flatnonzero(geometry.seen[pool.rows[around[0]]])
    if len(rows) < _FEWEST_POINTS:
        return rows[:0]
    most = max(_FEWEST_POINTS, _MOST_NUMBERS // (len(pool) * options.targets))
    count = min(options.target_points, most)
    return rows[(np.arange(count) * len(rows) + len(rows) // 2) // count % len(rows)]


def _points_on_axes(centres: Float, directions: Float) -> Float:
    """(T, Q, 3) places on each target's axis, about as far away as the subject."""
    distance = np.linalg.norm(centres, axis=1)
    distance = np.where(distance > 0, distance, 1.0)
    steps = distance[:, None] * np.array(_AXIS_DEPTHS)
    return np.asarray(centres[:, None] + steps[..., None] * directions[:, None])


def _in_cones(pool: Pool, points: Float) -> Bool:
    """(P, T, Q) whether each point lies within each frame's view, seen from its pose."""
    seen = np.empty((len(pool), *points.shape[:2]), dtype=bool)
    for row in range(len(pool)):
        rays = points - pool.centres_xyz[row]
        along = rays @ pool.directions[row]
        seen[row] = along >= _SEEN_COSINE * np.linalg.norm(rays, axis=2)
    return seen


def _shares(weights: Float) -> Float:
    return np.asarray(weights / weights.sum())
