"""Which frames the transformer looks at when it judges a frame.

Dimension letters: N frames, S <= N frames shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mtcm_pipeline.figures.heatmaps import MatrixLook, square_heatmap
from mtcm_pipeline.figures.style import check_lengths

if TYPE_CHECKING:  # the module brings torch with it
    from mtcm_pipeline.mtcm.snapshots import TrainingSnapshot

# A few frames that everybody looks at would make all others black.
_BRIGHTEST_PERCENTILE = 99.0


def attention_heatmap(
    snapshot: TrainingSnapshot,
    names: Sequence[str],
    faulty: NDArray[np.bool_],
    thumbnails: Mapping[str, NDArray[np.uint8]],
) -> Figure:
    """The last layer's attention, mean over heads, in percent of a row's whole.

    A long capture is seen window by window: frames of different windows never meet, have
    no attention at all, and are grey.

    Args:
        snapshot: of a training; its S `attention_rows` index the N frames.
        names: (N) file names.
        faulty: (N) bool.
        thumbnails: uint8 pictures by name; absent ones are left out.

    Raises:
        CaptureError: the lengths disagree.
    """
    check_lengths(len(names), faulty=faulty)
    rows = snapshot.attention_rows
    check_lengths(len(rows), attention=snapshot.attention)
    met = snapshot.attention > 0.0  # a softmax is nowhere zero
    percent = np.where(met, 100.0 * snapshot.attention, np.nan)
    finite = percent[np.isfinite(percent)]
    high = float(np.percentile(finite, _BRIGHTEST_PERCENTILE)) if finite.size else 1.0
    shown = "" if len(rows) == len(names) else f", {len(rows)} of {len(names)} frames"
    shown += "" if met.all() else "; grey: never seen together"
    look = MatrixLook(
        title=f"Attention at epoch {snapshot.epoch}{shown}",
        rows="frame that attends",
        columns="frame attended to",
        unit="attention (% of the row's frame's attention)",
        colours="magma",
        low=0.0,
        high=high if high > 0 else 1.0,
        extend="max",
    )
    return square_heatmap(
        percent, [names[row] for row in rows], faulty[rows], thumbnails, look
    )
