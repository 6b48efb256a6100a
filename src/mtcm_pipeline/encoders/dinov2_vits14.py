"""DINOv2 ViT-S/14 in plain torch: the reference encoder, from a local weights file.

Oquab et al., "DINOv2: Learning Robust Visual Features without Supervision", 2023; a
vision transformer after Dosovitskiy et al., 2021, with LayerScale (Touvron et al., 2021).
Parameter names are the official ones, so the official file loads strictly. The embedding
is the class token after the last norm, at unit length. About 200 CPU ms an image.

Dimension letters: B images, T = 1 + P tokens (class token first, then P patches row by
row), D = 384 width, nh heads, hd head width.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mtcm_pipeline.encoders.dinov2_keys import official_keys
from mtcm_pipeline.encoders.dinov2_weights import FILE_NAME, PROJECT_FOLDER, URL
from mtcm_pipeline.encoders.fixed_projection import unit_rows
from mtcm_pipeline.encoders.preprocessing import square_batch
from mtcm_pipeline.encoders.weights_files import load_strictly, read_state_dict
from mtcm_pipeline.errors import ParameterError

WIDTH = 384
DEPTH = 12
HEADS = 6
PATCH_PX = 14
NATIVE_GRID = 37  # trained at 518 px: 37 x 37 patches
NORM_EPS = 1e-6
POSITION_OFFSET = 0.1

SIDE_PX = 224
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
BATCH = 8

_REMEDY = (
    f"set ingest.encoder_download=true to have {FILE_NAME} fetched (88,283,115 bytes, "
    f"Apache-2.0, from {URL}); or put it into {PROJECT_FOLDER.as_posix()}, or set "
    f"ingest.encoder_weights to its path or to that of model.safetensors of "
    f"facebook/dinov2-small; or set ingest.encoder to efficientnet_lite0, which brings "
    f"its weights"
)


class PatchEmbed(nn.Module):
    """Non-overlapping patches to tokens, row by row."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, kernel_size=PATCH_PX, stride=PATCH_PX)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) to (B, P, D)."""
        return self.proj(images).flatten(2).transpose(1, 2)


class Attention(nn.Module):
    """Multi-head self-attention; softmax(q k' / sqrt(hd)) v."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) to (B, T, D)."""
        b, t, d = x.shape
        qkv = self.qkv(x).reshape(b, t, 3, self.heads, d // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each (B, nh, T, hd)
        mixed = functional.scaled_dot_product_attention(q, k, v)  # (B, nh, T, hd)
        return self.proj(mixed.transpose(1, 2).reshape(b, t, d))


class Mlp(nn.Module):
    """Two linear layers around an exact GELU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) to (B, T, D)."""
        return self.fc2(functional.gelu(self.fc1(x)))


class LayerScale(nn.Module):
    """One learned factor a channel on a residual branch."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) to (B, T, D)."""
        return x * self.gamma


class Block(nn.Module):
    """Pre-norm transformer block with LayerScale on both branches."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=NORM_EPS)
        self.attn = Attention(width, heads)
        self.ls1 = LayerScale(width)
        self.norm2 = nn.LayerNorm(width, eps=NORM_EPS)
        self.mlp = Mlp(width)
        self.ls2 = LayerScale(width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) to (B, T, D)."""
        x = x + self.ls1(self.attn(self.norm1(x)))
        return x + self.ls2(self.mlp(self.norm2(x)))


class VisionTransformer(nn.Module):
    """ViT-S/14 with the parameter names of the official DINOv2 file."""

    def __init__(
        self,
        width: int = WIDTH,
        depth: int = DEPTH,
        heads: int = HEADS,
        native_grid: int = NATIVE_GRID,
    ) -> None:
        super().__init__()
        self.native_grid = native_grid
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + native_grid**2, width))
        self.mask_token = nn.Parameter(torch.zeros(1, width))  # of training; unused here
        self.patch_embed = PatchEmbed(width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=NORM_EPS)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W), H and W multiples of 14, to (B, D): the normed class token."""
        grid_h, grid_w = images.shape[2] // PATCH_PX, images.shape[3] // PATCH_PX
        patches = self.patch_embed(images)  # (B, P, D)
        class_token = self.cls_token.expand(len(images), -1, -1)  # (B, 1, D)
        x = torch.cat([class_token, patches], dim=1)  # (B, T, D)
        x = x + self.positions(grid_h, grid_w)
        for block in self.blocks:
            x = block(x)
        return self.norm(x)[:, 0]

    def positions(self, grid_h: int, grid_w: int) -> Tensor:
        """(1, T, D) position embeddings for a grid of patches.

        Bicubic from the native grid, with 0.1 added to the target size in the scale
        factor: an accident of the reference that its weights have been used with ever
        since. At the native size they are taken as they are.
        """
        native = self.native_grid
        if (grid_h, grid_w) == (native, native):
            return self.pos_embed
        width = self.pos_embed.shape[-1]
        patches = self.pos_embed[:, 1:].float().reshape(1, native, native, width)
        scale = [(side + POSITION_OFFSET) / native for side in (grid_h, grid_w)]
        resized = functional.interpolate(
            patches.permute(0, 3, 1, 2), scale_factor=scale, mode="bicubic"
        )  # (1, D, grid_h, grid_w)
        flat = resized.permute(0, 2, 3, 1).reshape(1, grid_h * grid_w, width)
        return torch.cat([self.pos_embed[:, :1], flat.to(self.pos_embed)], dim=1)


class DinoV2ViTS14:
    """The reference encoder; use `load`."""

    name = "dinov2_vits14"
    side_px = SIDE_PX

    def __init__(self, network: VisionTransformer) -> None:
        self._network = network.eval()

    @classmethod
    def load(cls, weights: str | Path | None) -> DinoV2ViTS14:
        """From the official `.pth`, or the same weights as published for transformers.

        Raises:
            ParameterError: no weights file is configured, or none is there.
            FileContentError: the file is not this network's.
        """
        if weights is None:
            raise ParameterError(f"encoder dinov2_vits14 needs a weights file: {_REMEDY}")
        path = Path(weights)
        state = official_keys(read_state_dict(path, _REMEDY))
        with torch.device("meta"):
            network = VisionTransformer()
        load_strictly(network, state, path, _REMEDY)
        return cls(network)

    def encode(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """N images (H, W, 3) uint8 RGB to (N, 384) float32 of unit length."""
        if not images:
            return np.empty((0, WIDTH), dtype=np.float32)
        starts = range(0, len(images), BATCH)
        tokens = [self._class_tokens(images[i : i + BATCH]) for i in starts]
        return unit_rows(np.concatenate(tokens))

    @torch.inference_mode()
    def _class_tokens(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """(B, D) class tokens before normalisation."""
        batch = square_batch(images, side=SIDE_PX, mean=MEAN, std=STD)
        return self._network(torch.from_numpy(batch)).float().numpy()
