"""What the photographs say against a frame: sharpness, light, what is new in it.

Every column is larger, the worse; NaN where nothing can be said.

Dimension letters: N frames, C = 14 cells a side, P patch width.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from mtcm_pipeline.judge.capture_evidence import CaptureEvidence
from mtcm_pipeline.judge.neighbourhoods import (
    Neighbourhoods,
    beside,
    logarithm,
    median,
    of_neighbours,
    quantile,
)

Float = NDArray[np.float64]
Index = NDArray[np.int64]
Columns = dict[str, Float]

# A partner's patch that is alike by 0.1 more counts more than twice as much.
_SHARPER = 8.0
_SHARPNESS = ("sharpness", "sharpness_half", "sharpness_quarter")


def photo_columns(evidence: CaptureEvidence, near: Neighbourhoods) -> Columns:
    """Columns of everything that single photographs show beside their neighbours."""
    return _sharpness_columns(evidence, near) | _light_columns(evidence, near)


def _sharpness_columns(evidence: CaptureEvidence, near: Neighbourhoods) -> Columns:
    """How much duller than the neighbours, at three scales and in the worst direction."""
    columns: Columns = {}
    for name in _SHARPNESS:
        logs = logarithm(evidence.number(name))
        for kind, others in near.by_name().items():
            columns[f"dull_{name}_{kind}"] = -beside(logs, others)
    fine = logarithm(evidence.number("sharpness")) - logarithm(
        evidence.number("sharpness_quarter")
    )
    columns["dull_fine_to_coarse"] = -beside(fine, near.both)
    least, most = _detail_beside(evidence, near.both)
    columns["dull_direction"] = -least
    columns["dull_one_direction"] = most - least
    return columns


def _detail_beside(evidence: CaptureEvidence, others: Index) -> tuple[Float, Float]:
    """(N,) logarithms of detail over the neighbours', in the directions with the least
    and with the most of it.

    Eigenvalues of the frame's second moments over the neighbours' median (a generalised
    eigenproblem of 2 x 2 matrices).
    """
    xx, xy, yy = (evidence.number(f"detail_{axes}") for axes in ("xx", "xy", "yy"))
    mine = np.stack([xx, xy, xy, yy], axis=1).reshape(-1, 2, 2)
    usual = median(of_neighbours(mine, others))
    known = np.isfinite(mine).all(axis=(1, 2)) & np.isfinite(usual).all(axis=(1, 2))
    result = np.full((len(mine), 2), np.nan)
    floor = 1e-6 * np.eye(2)
    white = np.linalg.inv(np.linalg.cholesky(_positive(usual[known]) + floor))
    relative = white @ (mine[known] + floor) @ white.transpose(0, 2, 1)
    result[known] = np.log(np.maximum(np.linalg.eigvalsh(relative), 1e-6))
    return result[:, 0], result[:, 1]


def _positive(matrices: Float) -> Float:
    """Medians of entries need not be positive definite: negative eigenvalues are cut."""
    values, vectors = np.linalg.eigh(matrices)
    return (vectors * np.maximum(values, 0.0)[:, None]) @ vectors.transpose(0, 2, 1)


def _light_columns(evidence: CaptureEvidence, near: Neighbourhoods) -> Columns:
    columns: Columns = {}
    logs = logarithm(evidence.number("luminance"))
    for kind, others in near.by_name().items():
        columns[f"light_{kind}"] = np.abs(beside(logs, others))
    columns["brighter"] = beside(logs, near.both)
    columns["contrast"] = np.abs(
        beside(logarithm(evidence.number("contrast")), near.both)
    )
    columns["clipped"] = beside(evidence.number("clipped"), near.both)
    columns["dark"] = np.abs(beside(evidence.number("dark"), near.both))
    columns["bright"] = np.abs(beside(evidence.number("bright"), near.both))
    return columns


def novelty_columns(evidence: CaptureEvidence, partners: Index) -> tuple[Columns, Float]:
    """What stands in a frame and in none of those beside it.

    Each patch is looked for in every partner; its likeness is that of the second-best
    partner, so that one other frame with the same intruder does not excuse it. On the
    way the most similar patches of the partners say what share should be foreground.

    Args:
        evidence: of N frames.
        partners: (N, m) frames to compare with, -1 where there are fewer.

    Returns:
        `novel_mean`, `novel_much`, `novel_place` (largest mean of 3 x 3 cells),
        `novel_extent` (share of cells beyond the capture's usual) and `novel_contrast`
        (largest place over the frame's middle); and (N, C, C) foreground as the partners
        have it.
    """
    n, side = len(evidence), evidence.patches.shape[1]
    novelty = np.full((n, side * side), np.nan)
    foreground = np.full((n, side * side), np.nan)
    flat = evidence.patches.reshape(n, side * side, -1)
    shares = evidence.mask_cells.reshape(n, side * side)
    for row in range(n):
        others = partners[row][partners[row] >= 0]
        if len(others) == 0:
            continue
        likeness, foreground[row] = _looked_up(flat[row], flat[others], shares[others])
        ranked = np.sort(likeness, axis=0)
        novelty[row] = 1.0 - ranked[-min(2, len(others))]
    return _novelty_summary(novelty, side), foreground.reshape(n, side, side)


def _looked_up(
    mine: NDArray[np.float16], others: NDArray[np.float16], shares: Float
) -> tuple[Float, Float]:
    """(m, C * C) best likeness in each partner; (C * C,) foreground as they have it, the
    more alike counting more."""
    m, cells, width = others.shape
    product = mine.astype(np.float32) @ others.reshape(-1, width).astype(np.float32).T
    product = product.reshape(cells, m, cells)  # of my cell, partner, its cell
    best = product.argmax(axis=2)  # (C * C, m)
    likeness = np.take_along_axis(product, best[..., None], axis=2)[..., 0]
    foreground = shares[np.arange(m)[None], best]
    weight = np.where(np.isfinite(foreground), np.exp(_SHARPER * likeness), 0.0)
    total = weight.sum(axis=1)
    said = np.divide((weight * np.nan_to_num(foreground)).sum(axis=1), total,
                     out=np.full(cells, np.nan), where=total > 0)  # fmt: skip
    return likeness.T.astype(np.float64), said


def _novelty_summary(novelty: Float, side: int) -> Columns:
    maps = novelty.reshape(-1, side, side)
    smooth = np.stack([uniform_filter(m, 3, mode="nearest") for m in maps])
    flat = smooth.reshape(len(smooth), -1)
    finite = np.isfinite(novelty).all(axis=1)
    high = np.quantile(novelty[finite], 0.95) if finite.any() else np.nan
    return {
        "novel_mean": np.log(novelty.mean(axis=1) + 1e-3),
        "novel_much": np.log(quantile(novelty, 0.9) + 1e-3),
        "novel_place": np.log(flat.max(axis=1) + 1e-3),
        "novel_extent": np.where(finite, (flat > high).mean(axis=1), np.nan),
        "novel_contrast": np.log(flat.max(axis=1) + 1e-3)
        - np.log(np.median(novelty, axis=1) + 1e-3),
    }
