"""What is wrong with a mask: beside its neighbours', and against what the picture shows.

Two expectations of how much of each cell is foreground do not look at the frame's own
mask: the most similar patches of partner frames tell theirs, and a linear map from patch
to foreground is fitted to the other frames of the capture. A mask that has grown or
shrunk is off by one sign all along its outline; a hole or a shift is off in one place.

Dimension letters: N frames, C = 14 cells a side, P patch width.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from mtcm_pipeline.judge.capture_evidence import CaptureEvidence
from mtcm_pipeline.judge.counterparts import Counterparts
from mtcm_pipeline.judge.neighbourhoods import (
    Neighbourhoods,
    beside,
    logarithm,
    median,
    of_neighbours,
)

Float = NDArray[np.float64]
Columns = dict[str, Float]

_FEWEST = 8
# Ridge penalty a frame; a frame's patches have squares of about 1.3 a dimension.
_PENALTY = 0.01
# Frames whose masks fit this badly are not learned from.
_LEARNED_FROM = 0.75
# Cells by which even the smallest outline is taken to be longer.
_LEAST_OUTLINE = 3.0


def mask_columns(evidence: CaptureEvidence, near: Neighbourhoods) -> Columns:
    """Area, place and outline beside the neighbours'; larger is worse."""
    columns: Columns = {}
    logs = logarithm(evidence.number("mask_area"))
    for kind, others in near.by_name().items():
        columns[f"mask_area_{kind}"] = np.abs(beside(logs, others))
    place = np.stack([evidence.number("mask_x"), evidence.number("mask_y")], axis=1)
    usual = median(of_neighbours(place, near.both))
    columns["mask_place"] = np.linalg.norm(place - usual, axis=1)
    columns["mask_outline"] = np.abs(
        beside(logarithm(evidence.number("mask_outline")), near.both)
    )
    columns["mask_border"] = np.abs(beside(evidence.number("mask_border"), near.both))
    return columns


def expectation_columns(
    shares: Float, partners_say: Float, content_says: Float
) -> Columns:
    """How a mask differs from both expectations.

    Args:
        shares: (N, C, C) of foreground, as the masks have it; NaN without.
        partners_say: (N, C, C) see `foreground_by_partners`.
        content_says: (N, C, C) see `foreground_by_content`.

    Returns:
        Of each expectation `..._more` (sum of the difference along the outline, less the
        capture's usual), `..._off` (its squares) and `..._lump` (largest mean of 3 x 3
        cells); `mask_unlike`, mean distance from what partners say.
    """
    columns: Columns = {"mask_unlike": np.abs(shares - partners_say).mean(axis=(1, 2))}
    for name, expected in (("partners", partners_say), ("content", content_says)):
        difference = shares - expected
        outline = _LEAST_OUTLINE + 4.0 * sum(
            (map_ * (1.0 - map_)).sum(axis=(1, 2)) for map_ in (shares, expected)
        )
        more = difference.sum(axis=(1, 2)) / outline
        smooth = uniform_filter(difference, (0, 3, 3), mode="nearest")
        lump = np.abs(smooth - median(smooth, axis=0)).max(axis=(1, 2))
        columns[f"mask_{name}_more"] = np.abs(more - median(more, axis=0))
        columns[f"mask_{name}_off"] = (difference**2).sum(axis=(1, 2)) / outline
        columns[f"mask_{name}_lump"] = lump
    return columns


def foreground_by_partners(found: Counterparts, shares: Float) -> Float:
    """(N, C, C) foreground as the partners' most similar patches have it, the more alike
    counting more; NaN where no partner has a mask.

    Args:
        found: counterparts of the N frames' patches.
        shares: (N, C, C) of foreground; NaN without a mask.
    """
    theirs = found.there(shares.reshape(len(shares), -1))
    weights = np.where(np.isfinite(theirs), found.weights(), 0.0)
    total = weights.sum(axis=1)
    said = np.divide(
        (weights * np.nan_to_num(theirs)).sum(axis=1),
        total,
        out=np.full(total.shape, np.nan),
        where=total > 0,
    )
    return said.reshape(shares.shape)


def foreground_by_content(patches: NDArray[np.float16], shares: Float) -> Float:
    """(N, C, C) foreground as a linear map from patches says it, the frame left out.

    Ridge regression over all cells of all frames with masks, but the quarter whose masks
    fit it worst; NaN where there is no mask, or fewer than 8 in all.

    Args:
        patches: (N, C, C, P).
        shares: (N, C, C) NaN without a mask.
    """
    expected = np.full(shares.shape, np.nan)
    rows = np.flatnonzero(np.isfinite(shares).all(axis=(1, 2)))
    if len(rows) < _FEWEST:
        return expected
    cells = patches.shape[1] * patches.shape[2]
    flat = patches[rows].reshape(len(rows), cells, -1)
    wanted = shares[rows].reshape(len(rows), cells)
    squares, products = _sums(flat, wanted)
    for _ in range(2):
        weights = _solved(squares, products)
        misfit = np.array(
            [
                np.abs(_said(x, weights) - y).mean()
                for x, y in zip(flat, wanted, strict=True)
            ]
        )
        learned = misfit <= np.quantile(misfit, _LEARNED_FROM)
        squares, products = _sums(flat[learned], wanted[learned])
    for row, x, y, inside in zip(rows, flat, wanted, learned, strict=True):
        own = _sums(x[None], y[None]) if inside else (0.0, 0.0)
        said = _said(x, _solved(squares - own[0], products - own[1]))
        expected[row] = said.reshape(expected.shape[1:])
    return expected


def _sums(flat: NDArray[np.float16], wanted: Float) -> tuple[Float, Float]:
    """(P + 1, P + 1) squares of patches with a one beside, and (P + 1,) products."""
    width = flat.shape[2] + 1
    squares, products = np.zeros((width, width)), np.zeros(width)
    for x, y in zip(flat, wanted, strict=True):
        with_one = _with_one(x)
        squares += with_one.T @ with_one
        products += with_one.T @ y
    return squares + _PENALTY * len(flat) * np.eye(width), products


def _solved(squares: Float, products: Float) -> Float:
    return np.asarray(np.linalg.solve(squares, products))


def _said(patches: NDArray[np.float16], weights: Float) -> Float:
    return np.clip(_with_one(patches) @ weights, 0.0, 1.0)


def _with_one(patches: NDArray[np.float16]) -> Float:
    return np.hstack([patches.astype(np.float64), np.ones((len(patches), 1))])
