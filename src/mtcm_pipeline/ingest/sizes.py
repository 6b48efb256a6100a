"""Which photographs are of another size or shape than the rest of the capture.

Dimension letters: N frames.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.matching import shown

Float = NDArray[np.float64]
Size = tuple[int, int]

# A ratio that is exactly the factor is none beyond it, however logarithms round.
_ROUNDING = 1e-9


def size_outliers(
    widths: Float, heights: Float, *, size_factor: float, aspect_factor: float
) -> NDArray[np.bool_]:
    """Frames whose resolution or aspect ratio is far from the most common one.

    Sides are sorted before they are compared: the same camera held upright gives the
    same two sides, which is no fault.

    Args:
        widths: (N,) px; NaN for a photograph that could not be decoded.
        heights: (N,) px; likewise.
        size_factor: largest ratio of the geometric means of the sides.
        aspect_factor: largest ratio of the aspects (longer over shorter side).

    Returns:
        (N,) whether a frame is an outlier; never where its size is unknown.
    """
    sides = np.sort(np.stack([widths, heights], axis=1), axis=1)  # (N, 2) short, long
    outlier = np.zeros(len(sides), dtype=bool)
    known = np.isfinite(sides).all(axis=1)
    if not known.any():
        return outlier
    logs = np.log(sides[known])
    common = np.log(np.array(most_common_size(widths, heights), dtype=np.float64))
    size = np.abs(logs.mean(axis=1) - common.mean())
    aspect = np.abs((logs[:, 1] - logs[:, 0]) - (common[1] - common[0]))
    outlier[known] = (size > np.log(size_factor) + _ROUNDING) | (
        aspect > np.log(aspect_factor) + _ROUNDING
    )
    return outlier


def most_common_size(widths: Float, heights: Float) -> Size:
    """(shorter, longer) side in px that most frames have; at least one must be known.

    Of sizes that are equally common, it is the middle one by area (the lower of two), so
    that neither the order of the frames nor a single giant decides.
    """
    known = np.isfinite(widths) & np.isfinite(heights)
    pairs = zip(widths[known].astype(int), heights[known].astype(int), strict=True)
    counts = Counter((int(min(pair)), int(max(pair))) for pair in pairs)
    most = max(counts.values())
    tied = [size for size, count in counts.items() if count == most]
    tied.sort(key=lambda size: (size[0] * size[1], size))
    return tied[(len(tied) - 1) // 2]


def size_note(
    names: Sequence[str], outlier: NDArray[np.bool_], widths: Float, heights: Float
) -> str:
    """A remark that names the outliers with their sizes; empty without any."""
    rows = np.flatnonzero(outlier).tolist()
    if not rows:
        return ""
    short, long = most_common_size(widths, heights)
    named = shown(
        tuple(f"{names[row]} ({widths[row]:.0f}x{heights[row]:.0f})" for row in rows)
    )
    what = "frame is" if len(rows) == 1 else "frames are"
    return (
        f"{len(rows)} {what} of another size or shape than most, which have {long} and "
        f"{short} px: {named}"
    )
