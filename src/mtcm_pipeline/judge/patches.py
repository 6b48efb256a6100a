"""What a photograph shows where: a grid of vectors from inside the image encoder.

Patches of the middle of a network that was trained on photographs tell textures and parts
of things apart; what stands in a frame and in none of those beside it has no counterpart
among their patches (Roth et al., "Towards total recall in industrial anomaly detection",
2022, section 3.1, which takes the same layers).

Dimension letters: N images, C = 14 cells a side, P = 152 patch width.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mtcm_pipeline.encoders.efficientnet_lite0 import (
    BATCH,
    MEAN,
    SIDE_PX,
    STD,
    EfficientNetLite0,
)
from mtcm_pipeline.encoders.fixed_projection import project
from mtcm_pipeline.encoders.preprocessing import square_batch

CELLS_A_SIDE = 14
# The last blocks before the network halves its maps: 40 channels of (28, 28) and 112 of
# (14, 14). The earlier sees texture, the later parts of things.
_FINE_BLOCK, _COARSE_BLOCK = 4, 10

Images = Sequence[NDArray[np.uint8]]


class PatchEncoder(EfficientNetLite0):
    """The packaged encoder, with its maps on the way; use `load`."""

    @classmethod
    def load(cls, weights: str | Path | None = None) -> PatchEncoder:
        """With the packaged weights, or those of another file of the same keys."""
        return cls(super().load(weights)._network)

    def encode_with_patches(
        self, images: Images
    ) -> tuple[NDArray[np.float32], NDArray[np.float16]]:
        """(N, 384) embeddings of unit length and (N, C, C, P) patches, likewise."""
        vectors, patches = [], []
        for start in range(0, len(images), BATCH):
            pooled, maps = self._pass(images[start : start + BATCH])
            vectors.append(project(pooled))
            patches.append(maps)
        return np.concatenate(vectors), np.concatenate(patches)

    @torch.inference_mode()
    def _pass(self, images: Images) -> tuple[NDArray[np.float32], NDArray[np.float16]]:
        batch = square_batch(images, side=SIDE_PX, mean=MEAN, std=STD)
        network = self._network
        x = torch.from_numpy(batch).to(memory_format=torch.channels_last)
        x = network._swish(network._bn0(network._conv_stem(x)))
        kept: dict[int, torch.Tensor] = {}
        for index, block in enumerate(network._blocks):
            x = block(x)
            if index in (_FINE_BLOCK, _COARSE_BLOCK):
                kept[index] = x
        x = network._swish(network._bn1(network._conv_head(x)))
        fine = torch.nn.functional.avg_pool2d(kept[_FINE_BLOCK], 2)  # (N, 40, 14, 14)
        parts = [_unit(fine), _unit(kept[_COARSE_BLOCK])]
        maps = torch.cat(parts, dim=1).permute(0, 2, 3, 1) / 2**0.5  # (N, C, C, P)
        return x.mean(dim=(2, 3)).numpy(), maps.contiguous().numpy().astype(np.float16)


def _unit(maps: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(maps, dim=1)
