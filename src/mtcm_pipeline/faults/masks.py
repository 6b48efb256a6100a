"""Damaged masks; how badly is 1 - intersection over union with the true mask.

Dimension letters: H height, W width.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, shift

from mtcm_pipeline.capture.photos import Mask

Damage = Callable[[Mask, float, np.random.Generator], Mask]

_EMPTY, _OTHER = "empty", "other"
_LARGE = 1 / 3  # so much differs where a mask is empty or another frame's
_STEPS = 24


def difference(a: Mask, b: Mask) -> float:
    """1 - intersection over union of two (H, W) masks; 0 if both are empty."""
    union = int((a | b).sum())
    return 1.0 - int((a & b).sum()) / union if union else 0.0


def damaged(
    mask: Mask, least: float, others: Sequence[Mask], rng: np.random.Generator
) -> Mask:
    """The mask, eroded, dilated, shifted or with a hole, as much as asked for.

    Where the damage asked for is large (from a third on), it may also be an empty mask
    or that of another frame that differs as much.

    Args:
        mask: (H, W) with some foreground.
        least: difference that is to be reached, below 1; the result has about this.
        others: masks of the same size, of other frames.
        rng: what is done.
    """
    ways = [*_WAYS]
    if least >= _LARGE:
        ways += [_EMPTY, _OTHER]
    for way in rng.permutation(ways).tolist():
        made = _damaged_by(way, mask, least, others, rng)
        if difference(mask, made) >= least:
            return made
    return np.zeros_like(mask)


def _damaged_by(
    way: str, mask: Mask, least: float, others: Sequence[Mask], rng: np.random.Generator
) -> Mask:
    if way == _EMPTY:
        return np.zeros_like(mask)
    if way != _OTHER:
        return _grown_until(mask, least, _WAYS[way], rng)
    worse = [other for other in others if difference(mask, other) >= least]
    return worse[int(rng.integers(len(worse)))].copy() if worse else mask


def _grown_until(
    mask: Mask, least: float, damage: Damage, rng: np.random.Generator
) -> Mask:
    """The weakest damage that makes the difference, by bisection over its amount."""
    drawn = rng.integers(2**32)
    low, high = 0.0, float(max(mask.shape))
    for _ in range(_STEPS):
        middle = (low + high) / 2
        made = damage(mask, middle, np.random.default_rng(drawn))
        if difference(mask, made) >= least:
            high = middle
        else:
            low = middle
    return damage(mask, high, np.random.default_rng(drawn))


def _eroded(mask: Mask, amount: float, rng: np.random.Generator) -> Mask:
    return _depth(mask) > amount


def _dilated(mask: Mask, amount: float, rng: np.random.Generator) -> Mask:
    return _depth(~mask) <= amount


def _shifted(mask: Mask, amount: float, rng: np.random.Generator) -> Mask:
    angle = rng.uniform(0, 2 * np.pi)
    offset = amount * np.array([np.sin(angle), np.cos(angle)])
    return np.asarray(shift(mask.astype(np.uint8), np.rint(offset), order=0) > 0)


def _with_hole(mask: Mask, amount: float, rng: np.random.Generator) -> Mask:
    rows, columns = np.nonzero(mask)
    middle = int(rng.integers(len(rows)))
    y, x = np.indices(mask.shape)
    return mask & (np.hypot(y - rows[middle], x - columns[middle]) > amount)


def _depth(mask: Mask) -> NDArray[np.float64]:
    """(H, W) px to the nearest pixel that is not in the mask, beyond the border none."""
    padded = np.pad(mask, 1, mode="edge")
    if padded.all():
        return np.full(mask.shape, np.inf)
    return np.asarray(distance_transform_edt(padded)[1:-1, 1:-1])


_WAYS: Mapping[str, Damage] = MappingProxyType(
    {
        "eroded": _eroded,
        "dilated": _dilated,
        "shifted": _shifted,
        "hole": _with_hole,
    }
)
