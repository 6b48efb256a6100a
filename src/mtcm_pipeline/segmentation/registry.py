"""The segmenters by name, and the one small interface that they share."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.errors import ParameterError

SEGMENTER_NAMES = ("u2netp",)


class Segmenter(Protocol):
    """Anything that tells the subject of a photograph from the rest."""

    @property
    def name(self) -> str:
        """Model and weights; results of equal names may be kept for one another."""
        ...

    def saliency(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(H, W, 3) uint8 RGB to (h, w) float32 in 0..1 over the same field of view.

        h and w are the model's own; 1 is certainly foreground.
        """
        ...


def load_segmenter(name: str, weights: str | Path | None = None) -> Segmenter:
    """Load a segmenter with its weights.

    Args:
        name: one of `SEGMENTER_NAMES`.
        weights: local weights file; None to look where the extra `masks` puts them.

    Raises:
        ParameterError: the name is unknown, or the weights or their package are missing.
        FileContentError: the weights file is not the published one.
    """
    if name == "u2netp":
        from mtcm_pipeline.segmentation.u2netp import U2NetP

        return U2NetP.load(weights)
    known = ", ".join(SEGMENTER_NAMES)
    raise ParameterError(
        f"unknown segmenter {name!r} (masks.segmenter); there are: {known}"
    )
