"""The sweep's compiled loops; rays are independent, so threads change nothing.

`views` is `PackedViews.arrays`. Inverse depths are in 1 / world units.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

# A difference counts at most this much: hidden is no worse than different.
_CUT = 0.3
# Depths that this share of the neighbours see in their background are ruled out; masks
# are wrong now and then.
_OUTSIDE_SHARE = 0.3
_FOREGROUND = 0.3
_MIN_DEPTH = 0.02
_REFINEMENTS = 2


@njit(parallel=True, cache=True)
def sweep_rays(views, neighbours, rays, inverse_range, counts):  # pragma: no cover
    """Best depth, its cost, and the mean cost above it, for each ray.

    Args:
        views: of V views.
        neighbours: (V, B) views to compare each view with; -1 = none.
        rays: (R) view, column, row, and where in its step each ray is sampled (0..1).
        inverse_range: smallest and largest inverse depth.
        counts: steps over the range, and how many smallest differences count.

    Returns:
        Three (R) arrays.
    """
    view_of, column, row, jitter = rays
    depth = np.empty(len(view_of))
    cost = np.empty(len(view_of))
    margin = np.empty(len(view_of))
    low, steps, best_of = inverse_range[0], counts[0], counts[1]
    stride = (inverse_range[1] - inverse_range[0]) / steps
    for i in prange(len(view_of)):
        ray = ray_of(views, view_of[i], column[i], row[i])
        best, best_cost, total = low + 0.5 * stride, 1e9, 0.0
        smallest = np.empty(best_of)
        for k in range(steps):
            inverse = low + (k + jitter[i]) * stride
            c = cost_at(views, neighbours[view_of[i]], ray, 1 / inverse, smallest)
            total += c
            if c < best_cost:
                best, best_cost = inverse, c
        margin[i] = total / steps - best_cost
        step = stride
        for _ in range(_REFINEMENTS):
            step /= 3
            centre = best
            for k in (-2, -1, 1, 2):
                inverse = max(centre + k * step, 0.5 * low)
                c = cost_at(views, neighbours[view_of[i]], ray, 1 / inverse, smallest)
                if c < best_cost:
                    best, best_cost = inverse, c
        depth[i] = 1 / best
        cost[i] = best_cost
    return depth, cost, margin


@njit(cache=True)
def ray_of(views, view, column, row):  # pragma: no cover
    """(11) centre, direction per unit depth in the world, and the pixel's features."""
    features, _, offsets, sizes, focal, principal, poses, centres = views
    x = (column + 0.5 - principal[view, 0]) / focal[view, 0]
    y = (row + 0.5 - principal[view, 1]) / focal[view, 1]
    ray = np.empty(11)
    for a in range(3):
        ray[a] = centres[view, a]
        ray[3 + a] = poses[view, 0, a] * x + poses[view, 1, a] * y + poses[view, 2, a]
    at = offsets[view] + row * sizes[view, 0] + column
    for q in range(5):
        ray[6 + q] = features[at, q]
    return ray


@njit(cache=True)
def cost_at(views, neighbours, ray, depth, smallest):  # pragma: no cover
    """Mean of the smallest differences to the neighbours at one depth, at most `_CUT`."""
    smallest[:] = _CUT
    seen, outside = 0, 0
    for j in neighbours:
        if j < 0:
            continue
        difference = difference_in(views, j, ray, depth)
        if difference == -1.0:
            continue
        seen += 1
        if difference == -2.0:
            outside += 1
            continue
        k = len(smallest) - 1
        if difference < smallest[k]:
            while k > 0 and smallest[k - 1] > difference:
                smallest[k] = smallest[k - 1]
                k -= 1
            smallest[k] = difference
    if outside > _OUTSIDE_SHARE * seen:
        return _CUT
    return smallest.mean()


@njit(cache=True)
def difference_in(views, j, ray, depth):  # pragma: no cover
    """Mean difference to view `j`; -1 = not in the picture, -2 = in its background."""
    features, mask, offsets, sizes, focal, principal, poses, _ = views
    x = ray[0] + ray[3] * depth
    y = ray[1] + ray[4] * depth
    z = ray[2] + ray[5] * depth
    pose = poses[j]
    forward = pose[2, 0] * x + pose[2, 1] * y + pose[2, 2] * z + pose[2, 3]
    if forward < _MIN_DEPTH:
        return -1.0
    right = pose[0, 0] * x + pose[0, 1] * y + pose[0, 2] * z + pose[0, 3]
    down = pose[1, 0] * x + pose[1, 1] * y + pose[1, 2] * z + pose[1, 3]
    u = right / forward * focal[j, 0] + principal[j, 0] - 0.5
    v = down / forward * focal[j, 1] + principal[j, 1] - 0.5
    width, height = sizes[j, 0], sizes[j, 1]
    if u < 0 or v < 0 or u >= width - 1 or v >= height - 1:
        return -1.0
    column, row = int(u), int(v)
    a, b = u - column, v - row
    at = offsets[j] + row * width + column
    if mask[at] < _FOREGROUND and mask[at + width + 1] < _FOREGROUND:
        return -2.0
    total = 0.0
    for q in range(5):
        upper = features[at, q] * (1 - a) + features[at + 1, q] * a
        lower = features[at + width, q] * (1 - a) + features[at + width + 1, q] * a
        total += abs(upper * (1 - b) + lower * b - ray[6 + q])
    return total / 5
