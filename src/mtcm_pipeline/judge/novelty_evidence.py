"""What stands in a frame and in none of those beside it.

Every column is larger, the worse; NaN where nothing can be said.

Dimension letters: N frames, S = C * C cells, C = 14 cells a side.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from mtcm_pipeline.judge.counterparts import Counterparts
from mtcm_pipeline.judge.neighbourhoods import quantile

Float = NDArray[np.float64]
Columns = dict[str, Float]

# Cells count as new beyond this quantile of the capture's.
_USUAL = 0.9
_LEAST_LUMP = 0.002


def novelty_columns(found: Counterparts, in_context: Counterparts) -> Columns:
    """How new a frame's patches are.

    Novelty is one less the likeness of the second-best partner's patch, so that one other
    frame with the same intruder does not excuse it.

    Args:
        found: of the patches as they are.
        in_context: of each patch with those around it.

    Returns:
        `novel_mean`, `novel_much` (ninth tenth), `novel_place` (largest mean of 3 x 3
        cells), `novel_extent` (share of such means beyond the capture's usual),
        `novel_contrast` (largest place over the frame's middle) and `novel_lump` (what
        patches in context have beyond the capture's usual).
    """
    novelty = novelty_of(found)
    side = round(novelty.shape[1] ** 0.5)
    maps = novelty.reshape(-1, side, side)
    places = uniform_filter(maps, (0, 3, 3), mode="nearest").reshape(novelty.shape)
    known = np.isfinite(novelty).all(axis=1)
    high = np.quantile(novelty[known], 0.95) if known.any() else np.nan
    return {
        "novel_mean": np.log(novelty.mean(axis=1) + 1e-3),
        "novel_much": np.log(quantile(novelty, 0.9) + 1e-3),
        "novel_place": np.log(places.max(axis=1) + 1e-3),
        "novel_extent": np.where(known, (places > high).mean(axis=1), np.nan),
        "novel_contrast": np.log(places.max(axis=1) + 1e-3)
        - np.log(np.median(novelty, axis=1) + 1e-3),
        "novel_lump": _lump(novelty_of(in_context)),
    }


def novelty_of(found: Counterparts) -> Float:
    """(N, S) one less the second-best partner's likeness; NaN without partners."""
    alike = np.sort(np.nan_to_num(found.likeness, nan=-np.inf), axis=1)
    second = alike[:, -min(2, alike.shape[1])]
    second = np.where(np.isfinite(second), second, alike[:, -1])
    return np.where(np.isfinite(second), 1.0 - second.astype(np.float64), np.nan)


def _lump(novelty: Float) -> Float:
    known = np.isfinite(novelty).all(axis=1)
    if not known.any():
        return np.full(len(novelty), np.nan)
    beyond = np.clip(novelty - np.quantile(novelty[known], _USUAL), 0.0, None)
    return np.log(beyond.mean(axis=1) + _LEAST_LUMP)
