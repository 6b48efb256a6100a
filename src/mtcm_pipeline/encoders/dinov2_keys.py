"""DINOv2 weights are published under two sets of names; this maps one to the other.

The transformers checkpoint (`facebook/dinov2-small`) splits query, key and value; the
official file has them stacked in that order.
"""

from __future__ import annotations

import torch

StateDict = dict[str, torch.Tensor]

_TOP = {
    "embeddings.cls_token": "cls_token",
    "embeddings.position_embeddings": "pos_embed",
    "embeddings.mask_token": "mask_token",
    "embeddings.patch_embeddings.projection.weight": "patch_embed.proj.weight",
    "embeddings.patch_embeddings.projection.bias": "patch_embed.proj.bias",
    "layernorm.weight": "norm.weight",
    "layernorm.bias": "norm.bias",
}
_IN_LAYER = {
    "attention.output.dense": "attn.proj",
    "layer_scale1.lambda1": "ls1.gamma",
    "layer_scale2.lambda1": "ls2.gamma",
}
_LAYER = "encoder.layer."


def official_keys(weights: StateDict) -> StateDict:
    """Rename a transformers checkpoint to the official keys; others pass unchanged."""
    weights = {key.removeprefix("dinov2."): value for key, value in weights.items()}
    if "embeddings.cls_token" not in weights:
        return weights
    renamed: StateDict = {}
    for key, value in weights.items():
        if ".attention.attention.query." in key:
            parts = [
                key.replace(".query.", f".{part}.") for part in ("query", "key", "value")
            ]
            if all(part in weights for part in parts):
                stacked = torch.cat([weights[part] for part in parts])
                renamed[
                    _renamed(key.replace("attention.attention.query", "attn.qkv"))
                ] = stacked
        elif ".attention.attention." not in key:
            renamed[_renamed(key)] = value
    return renamed


def _renamed(key: str) -> str:
    """One key of the transformers checkpoint by its official name."""
    if not key.startswith(_LAYER):
        return _TOP.get(key, key)
    key = "blocks." + key.removeprefix(_LAYER)
    for theirs, official in _IN_LAYER.items():
        key = key.replace(theirs, official)
    return key
