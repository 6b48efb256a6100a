"""How bright a frame is where it shows what other frames show.

Frames that stand beside each other may show different things, a bright wall here and a
dark one there; the same thing is as bright in all of them, but for the exposure.

Dimension letters: N frames, S = C * C cells, C = 14 cells a side.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mtcm_pipeline.judge.counterparts import Counterparts

Float = NDArray[np.float64]

# Light that a cell without any has, of 1.
_DARK = 0.02


def content_light(small: Float, found: Counterparts) -> Float:
    """(N,) by how much a frame differs in brightness from its counterparts, as the
    logarithm of a factor, without its sign; NaN without partners.

    The weighted median over all counterparts in all partners.

    Args:
        small: (N, side, side) grey pictures, 0 to 1.
        found: counterparts of their patches.
    """
    light = np.log(cell_light(small, found.cell.shape[2]) + _DARK)
    difference = light[:, None, :] - found.there(light)
    weights = found.weights()
    return np.array(
        [
            abs(_weighted_median(d.ravel(), w.ravel()))
            for d, w in zip(difference, weights, strict=True)
        ]
    )


def cell_light(small: Float, cells: int) -> Float:
    """(N, S) mean brightness of cells."""
    side = round(cells**0.5)
    pictures = [
        Image.fromarray(picture.astype(np.float32)).resize(
            (side, side), Image.Resampling.BOX
        )
        for picture in small
    ]
    return np.stack([np.asarray(p, dtype=np.float64).ravel() for p in pictures])


def _weighted_median(values: Float, weights: Float) -> float:
    """The least value that half of the weight does not exceed; NaN without weight."""
    known = weights > 0
    if not known.any():
        return float("nan")
    middle = np.quantile(
        values[known], 0.5, weights=weights[known], method="inverted_cdf"
    )
    return float(middle)
