"""Masks that may mean the background: what is read as the subject lies all around.

Dimension letters: N frames.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

# A subject may be cut off on one or two sides of the picture, hardly on all of them.
_AROUND = 0.9
# More of the picture than most subjects fill.
_LARGE = 0.5


def polarity_note(touches_border: Float, area: Float) -> str:
    """A remark where most masks surround what they leave out; empty otherwise.

    They may be right (a mask that takes a passer-by out of a room surrounds him too), so
    nothing is changed.

    Args:
        touches_border: (N,) share of the picture's border that is foreground; NaN without
            a mask.
        area: (N,) share of the picture that is foreground; likewise.
    """
    known = np.isfinite(touches_border) & np.isfinite(area)
    around = known & (touches_border > _AROUND) & (area > _LARGE) & (area < 1.0)
    if 2 * around.sum() <= known.sum():
        return ""
    return (
        f"{around.sum()} of {known.sum()} masks are foreground all around and leave "
        f"something out in the middle: white, or what is opaque, is read as the subject; "
        f"if that is the background here, invert the masks"
    )
