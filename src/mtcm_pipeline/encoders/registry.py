"""The encoders by name, and the one small interface that they share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.errors import ParameterError

ENCODER_NAMES = ("efficientnet_lite0", "dinov2_vits14", "clip")


class Encoder(Protocol):
    """Anything that turns photographs into comparable vectors."""

    @property
    def name(self) -> str:
        """What is written beside the vectors: only equal names may be compared."""
        ...

    @property
    def side_px(self) -> int:
        """Side of the square that every image is squeezed to before the network.

        Squeezing images before `encode` by `preprocessing.squeeze_to_square` gives
        the same vectors, so that nobody needs to hold full photographs in memory.
        """
        ...

    def encode(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """N images (H, W, 3) uint8 RGB to (N, 384) float32 of unit length.

        The same image gives the same vector whatever else is in the batch.
        """
        ...


def locate_weights(
    name: str, weights: str | Path | None, *, download: bool = False
) -> str | Path | None:
    """The weights to load: as given, else where this encoder's usually lie.

    Args:
        name: one of `ENCODER_NAMES`.
        weights: local weights; None to look for those of dinov2_vits14 by
            `dinov2_weights.find_weights`. Other encoders find theirs as they load.
        download: whether those that are not found are fetched.

    Returns:
        None where nothing was found; loading says what to do.

    Raises:
        ParameterError: they could not be fetched.
    """
    if weights is not None or name != "dinov2_vits14":
        return weights
    from mtcm_pipeline.encoders import dinov2_weights

    found = dinov2_weights.find_weights()
    return dinov2_weights.fetch_weights() if found is None and download else found


def load_encoder(
    name: str, weights: str | Path | None = None, *, download: bool = False
) -> Encoder:
    """Load an encoder with its weights; imports torch.

    Args:
        name: one of `ENCODER_NAMES`. `efficientnet_lite0` brings its weights in a
            package and works offline; `dinov2_vits14` is better and needs a file;
            `clip` needs the extra `clip` and a folder or the name of a model on the hub.
        weights: local weights; None for the packaged ones, DINOv2's where they were
            found or fetched (`locate_weights`), or CLIP's usual ones.
        download: whether DINOv2's weights are fetched where there are none.

    Raises:
        ParameterError: the name is unknown, or the weights are missing.
        FileContentError: the weights file is not what the encoder needs.
    """
    if name == "efficientnet_lite0":
        from mtcm_pipeline.encoders.efficientnet_lite0 import EfficientNetLite0

        return EfficientNetLite0.load(weights)
    if name == "dinov2_vits14":
        from mtcm_pipeline.encoders.dinov2_vits14 import DinoV2ViTS14

        return DinoV2ViTS14.load(locate_weights(name, weights, download=download))
    if name == "clip":
        from mtcm_pipeline.encoders.clip import Clip

        return Clip.load(weights)
    known = ", ".join(ENCODER_NAMES)
    raise ParameterError(f"unknown encoder {name!r} (ingest.encoder); there are: {known}")
