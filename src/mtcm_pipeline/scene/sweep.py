"""Photo-consistency sweep: depths at which neighbouring views agree about a pixel.

For pixels drawn at random, depths along the ray are tried at even steps of inverse depth
(Collins 1996, "A space-sweep approach to true multi-image matching", with the pixel's own
ray in the plane's place). A depth costs the mean of its few smallest colour and gradient
differences to neighbouring views, so that views in which the point is hidden do not count
against it. Pixels whose best depth stands out most are kept. Nothing but the given views
is looked at.

Dimension letters: V views, R rays, P points, B neighbours of a view.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.scene.features import PackedViews, pack_views
from mtcm_pipeline.scene.points import ScenePoints
from mtcm_pipeline.scene.views import PinholeViews

Float = NDArray[np.float64]
Int = NDArray[np.int64]

# Inverse depths tried on a ray. 32 are enough where the range is known: the best one is
# refined between its neighbours. The search for the range itself spans more.
_STEPS = 32
_RANGE_STEPS = 64
_RANGE_RAYS = 4000
# Twice as many rays as points: the half that stands out least is left away.
_OVERSAMPLING = 2.0
# The mean of the three best neighbours, of twelve: hidden and mistaken ones drop out.
_BEST_OF = 3
_NEIGHBOURS = 12
# In camera distances (3 degrees of an orbit): nearer neighbours show no parallax.
_BASELINE = 0.05
# Turning by 90 degrees keeps a neighbour as far away as travelling 0.7 camera distances.
_TURN_WEIGHT = 0.5
# Search range in camera distances: from 0.15 (but never beyond the nearest camera's own
# subject) to 20, where the parallax of a whole orbit is 3 degrees.
_NEAREST, _FARTHEST = 0.15, 20.0
_NEAR_SHARE = 0.3
# What is taken for a certain depth when the range is looked for.
_CERTAIN_SHARE = 0.3
_FEWEST_CERTAIN = 50
_RANGE_QUANTILES = (0.01, 0.99)
_RANGE_MARGIN = 0.1
# A range for captures in which nothing is certain (in camera distances).
_PLAIN_RANGE = (0.35, 6.0)
# Below this the cost is the same at every depth: a blank wall.
_BLANK = 1e-6
_FOREGROUND = 0.5


class _Rays(NamedTuple):
    """R pixels from which rays start, and where in its step each ray is sampled."""

    view: Int
    column: Int
    row: Int
    jitter: Float

    def take(self, kept: Int) -> _Rays:
        """The rays at `kept`."""
        return _Rays(
            self.view[kept], self.column[kept], self.row[kept], self.jitter[kept]
        )


class _Depths(NamedTuple):
    """(R) best depth of each ray, its cost, and how far the mean cost lies above it."""

    depth: Float
    cost: Float
    margin: Float


def sweep_points(views: PinholeViews, count: int, seed: int) -> ScenePoints:
    """`count` points at the depths that these views agree about best.

    Args:
        views: V >= 2 views in the canonical gauge; where a view has a mask, rays start
            in its foreground only, and depths that several neighbours see in their
            background are ruled out.
        count: P points; fewer where the views have fewer foreground pixels.
        seed: of the drawn pixels; the same seed gives the same points.

    Raises:
        CaptureError: fewer than two views, or no foreground pixel in any of them.
    """
    if len(views) < 2:
        raise CaptureError(
            f"a sweep compares views with each other and there is {len(views)}: "
            f"give at least 2"
        )
    rng = np.random.default_rng(seed)
    packed = pack_views(views)
    neighbours = neighbour_views(packed)
    near, far = depth_range(packed, neighbours, rng)
    rays = _draw_rays(packed, int(count * _OVERSAMPLING), rng)
    found = _sweep(packed, neighbours, rays, (near, far, _STEPS))
    blank = found.margin < _BLANK
    inverse = 1 / far + (1 / near - 1 / far) * rays.jitter
    depth = np.where(blank, 1 / inverse, found.depth)
    kept = np.argsort(-found.margin, kind="stable")[:count]
    return _as_points(packed, rays.take(kept), depth[kept])


def depth_range(
    packed: PackedViews, neighbours: Int, rng: np.random.Generator
) -> tuple[float, float]:
    """(nearest, farthest) depth of what the views surely show.

    A first, wide sweep over few rays; the range holds all but the extreme hundredths of
    the depths that stand out most, so that neither an unbounded background nor a
    close-up needs a setting.

    Args:
        packed: V views.
        neighbours: (V, B) of `neighbour_views`.
        rng: draws the rays.
    """
    distances = np.linalg.norm(packed.centres_xyz, axis=1)
    near = max(_NEAREST * _NEAR_SHARE, min(_NEAREST, _NEAR_SHARE * distances.min()))
    far = max(_FARTHEST, 3.0 * float(np.median(distances)))
    rays = _draw_rays(packed, _RANGE_RAYS, rng)
    found = _sweep(packed, neighbours, rays, (near, far, _RANGE_STEPS))
    order = np.argsort(-found.margin, kind="stable")
    certain = order[: int(_CERTAIN_SHARE * len(order))]
    certain = certain[found.margin[certain] > _BLANK]
    if len(certain) < _FEWEST_CERTAIN:
        return _PLAIN_RANGE
    low, high = np.quantile(1 / found.depth[certain], _RANGE_QUANTILES)
    margin = _RANGE_MARGIN * (high - low) + 1e-3
    nearest, farthest = min(high + margin, 1 / near), max(low - margin, 1 / far)
    return float(1 / nearest), float(1 / farthest)


def neighbour_views(packed: PackedViews) -> Int:
    """(V, B) the views with which each view is compared, nearest first; -1 = none.

    By distance and turning, but no two of them (nor one and the view itself) from almost
    the same place while there are others: a video that lingers has no parallax.
    """
    centres, axes = packed.centres_xyz, packed.directions
    apart = np.linalg.norm(centres[:, None] - centres[None], axis=2)  # (V, V)
    turned = _TURN_WEIGHT * (1 - axes @ axes.T)
    order = np.argsort(apart**2 + turned, axis=1, kind="stable")
    width = min(_NEIGHBOURS, len(centres) - 1)
    table = np.full((len(centres), width), -1, dtype=np.int64)
    for view in range(len(centres)):
        others = order[view][order[view] != view]
        table[view] = _spread_neighbours(view, others, apart, width)
    return table


def _spread_neighbours(view: int, others: Int, apart: Float, width: int) -> Int:
    """(width) of `others` in their order, those with a baseline before the rest."""
    taken = [view]
    spare = []
    for other in others.tolist():
        if len(taken) > width:
            break
        if apart[other, taken].min() >= _BASELINE:
            taken.append(other)
        else:
            spare.append(other)
    return np.array([*taken[1:], *spare][:width], dtype=np.int64)


def _draw_rays(packed: PackedViews, count: int, rng: np.random.Generator) -> _Rays:
    """Up to `count` different foreground pixels."""
    foreground = np.flatnonzero(packed.mask >= _FOREGROUND)
    if not len(foreground):
        raise CaptureError("no view has a foreground pixel: check the masks")
    drawn = rng.choice(foreground, min(count, len(foreground)), replace=False)
    view = np.searchsorted(packed.offsets, drawn, side="right") - 1
    row, column = np.divmod(drawn - packed.offsets[view], packed.sizes[view, 0])
    return _Rays(view, column, row, rng.random(len(drawn)))


def _sweep(
    packed: PackedViews,
    neighbours: Int,
    rays: _Rays,
    grid: tuple[float, float, int],
) -> _Depths:
    from mtcm_pipeline.scene.sweep_kernels import sweep_rays

    near, far, steps = grid
    depth, cost, margin = sweep_rays(
        packed.arrays,
        neighbours,
        (rays.view, rays.column, rays.row, rays.jitter),
        np.array([1 / far, 1 / near]),
        np.array([steps, min(_BEST_OF, neighbours.shape[1])]),
    )
    return _Depths(depth, cost, margin)


def _as_points(packed: PackedViews, rays: _Rays, depth: Float) -> ScenePoints:
    focal, principal = packed.focal_px[rays.view], packed.principal_px[rays.view]
    pixels = np.stack([rays.column + 0.5, rays.row + 0.5], axis=1)
    in_cam = np.column_stack([(pixels - principal) / focal, np.ones(len(depth))])
    in_cam *= depth[:, None]
    # From the camera's axes (right, down, forward) to the world's.
    rotated = np.einsum("pij,pi->pj", packed.cam_from_world[rays.view, :, :3], in_cam)
    flat = packed.offsets[rays.view] + rays.row * packed.sizes[rays.view, 0] + rays.column
    return ScenePoints(
        xyz=rotated + packed.centres_xyz[rays.view],
        rgb=packed.rgb[flat].astype(np.float32),
        spacing=depth / focal.mean(axis=1),
    )
