"""CLIP's image tower by the transformers package, an extra of this project.

Radford et al., "Learning Transferable Visual Models From Natural Language Supervision",
2021. The projected image embedding (512 numbers for ViT-B/32) is brought to 384 by the
fixed projection. Images are squeezed and normalised here, as for every other encoder, so
that neither torchvision nor the package's image processors are needed.

Dimension letters: N images, D = the model's projection width.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mtcm_pipeline.encoders.fixed_projection import embeddings_in_batches
from mtcm_pipeline.encoders.preprocessing import square_batch
from mtcm_pipeline.errors import FileContentError, ParameterError

DEFAULT_MODEL = "openai/clip-vit-base-patch32"
# Mean and deviation of CLIP's training images, in 0..1 (the paper's own code).
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
BATCH = 8

_NO_PACKAGE = (
    "encoder clip needs the package transformers: install the extra by "
    "pip install 'mtcm-pipeline[clip]', or set ingest.encoder to efficientnet_lite0"
)
_NO_WEIGHTS = (
    f"download {DEFAULT_MODEL} (config.json and model.safetensors or pytorch_model.bin) "
    f"into a folder and set ingest.encoder_weights to it, or set ingest.encoder to "
    f"efficientnet_lite0, which brings its weights"
)


class Clip:
    """See the module; use `load`."""

    def __init__(self, model: Any) -> None:
        """Wrap a `transformers.CLIPVisionModelWithProjection`."""
        self._model = model.eval()

    @property
    def name(self) -> str:
        """Architecture and a mark of its weights: two checkpoints do not compare."""
        config = self._model.config
        weights = self._model.visual_projection.weight.detach().float().cpu().numpy()
        mark = hashlib.sha256(np.ascontiguousarray(weights).tobytes()).hexdigest()[:8]
        return f"clip_w{config.hidden_size}_p{config.patch_size}_{self.side_px}px_{mark}"

    @property
    def side_px(self) -> int:
        """Side of the square that the network was trained on."""
        return int(self._model.config.image_size)

    @classmethod
    def load(cls, weights: str | Path | None = None) -> Clip:
        """From a folder, or by the name of a model on the hub, which is downloaded.

        Raises:
            ParameterError: the extra is not installed, or the model cannot be had.
            FileContentError: the checkpoint is no CLIP, or lacks its image tower.
        """
        try:
            from transformers import CLIPVisionModelWithProjection
        except ImportError as error:
            raise ParameterError(f"{_NO_PACKAGE} ({error})") from error
        source = str(DEFAULT_MODEL if weights is None else weights)
        try:
            model, report = CLIPVisionModelWithProjection.from_pretrained(
                source, output_loading_info=True
            )
        except (OSError, ValueError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise ParameterError(
                f"CLIP model {source!r} cannot be loaded ({reason}): {_NO_WEIGHTS}"
            ) from error
        # Missing weights would be drawn at random, with no more than a warning.
        missing = sorted(report["missing_keys"])
        if missing:
            raise FileContentError(
                f"CLIP model {source!r} lacks {len(missing)} weights of the image tower, "
                f"{missing[0]!r} among them: {_NO_WEIGHTS}"
            )
        return cls(model)

    def encode(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """N images (H, W, 3) uint8 RGB to (N, 384) float32 of unit length."""
        return embeddings_in_batches(images, self._features, BATCH)

    @torch.inference_mode()
    def _features(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """(N, D) projected image embeddings."""
        batch = square_batch(images, side=self.side_px, mean=MEAN, std=STD)
        output = self._model(pixel_values=torch.from_numpy(batch))
        return output.image_embeds.float().cpu().numpy()
