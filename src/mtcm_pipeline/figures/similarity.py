"""How alike the model finds the frames.

Dimension letters: N frames, S <= N frames shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mtcm_pipeline.figures.heatmaps import MatrixLook, square_heatmap
from mtcm_pipeline.figures.labels import spaced
from mtcm_pipeline.figures.style import check_lengths

# More rows than the picture has pixels for would only be averaged away.
_MOST_FRAMES = 800


def similarity_image(
    similarity: NDArray[np.floating],
    names: Sequence[str],
    faulty: NDArray[np.bool_],
    thumbnails: Mapping[str, NDArray[np.uint8]] | None = None,
) -> Figure:
    """The similarity matrix; of more than 800 frames, 800 evenly spaced ones.

    Args:
        similarity: (N, N) in -1..1; NaN where unknown.
        names: (N) file names.
        faulty: (N) bool.
        thumbnails: uint8 pictures by name; a few are put along the axes.

    Raises:
        CaptureError: the lengths disagree.
    """
    n = len(names)
    check_lengths(n, faulty=faulty, similarity=similarity)
    rows = spaced(n, _MOST_FRAMES) if n else np.empty(0, dtype=np.int64)
    shown = "" if len(rows) == n else f", {len(rows)} of {n} frames"
    look = MatrixLook(
        title=f"Similarity of frames{shown}",
        rows="frame",
        columns="frame",
        unit="cosine of the representations (1 alike, -1 opposite)",
        colours="RdBu_r",
        low=-1.0,
        high=1.0,
    )
    matrix = similarity[np.ix_(rows, rows)] if n else np.empty((0, 0))
    return square_heatmap(
        matrix, [names[row] for row in rows], faulty[rows], thumbnails or {}, look
    )
