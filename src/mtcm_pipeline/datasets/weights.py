"""A model's weights in a safetensors file, with a description in its header."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mtcm_pipeline.datasets.previews import TablePreview, table
from mtcm_pipeline.datasets.versioned import VersionedFileDataset

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Weights:
    """What a `WeightsDataset` saves and loads.

    Attributes:
        tensors: name -> tensor, as `module.state_dict()` gives them.
        metadata: texts that say what the weights belong to (options as JSON, ...).
    """

    tensors: dict[str, torch.Tensor]
    metadata: dict[str, str]


class WeightsDataset(VersionedFileDataset):
    """`Weights` <-> safetensors; tensors come back on the CPU."""

    def _encode(self, data: Weights) -> bytes:
        from safetensors.torch import save

        wrong = [k for k, v in data.metadata.items() if not isinstance(v, str)]
        if wrong:
            raise TypeError(f"metadata {wrong} is not text: encode it as JSON")
        tensors = {
            name: tensor.detach().cpu().contiguous().clone()
            for name, tensor in data.tensors.items()
        }
        return save(tensors, metadata=dict(data.metadata))

    def _decode(self, content: bytes) -> Weights:
        from safetensors import SafetensorError
        from safetensors.torch import load

        try:
            return Weights(load(content), _header(content).get("__metadata__", {}))
        except SafetensorError as error:
            raise ValueError(str(error)) from error

    def preview(self) -> TablePreview:
        """Name, shape and type of each tensor."""
        header = _header(self._load_target().read_bytes())
        rows = [
            [name, str(tuple(entry["shape"])), entry["dtype"]]
            for name, entry in header.items()
            if name != "__metadata__"
        ]
        return table(["tensor", "shape", "type"], rows)


def _header(content: bytes) -> dict[str, Any]:
    """The JSON header: 8 bytes of length, little endian, then so many bytes of JSON."""
    length = int.from_bytes(content[:8], "little")
    header: dict[str, Any] = json.loads(content[8 : 8 + length])
    return header
