"""Weights files to state dicts: `.pth` without unpickling code, or `.safetensors`."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from mtcm_pipeline.errors import FileContentError, ParameterError

StateDict = dict[str, torch.Tensor]

_UNREADABLE = (
    pickle.UnpicklingError,
    SafetensorError,
    RuntimeError,
    ValueError,
    EOFError,
    OSError,
)


def read_state_dict(path: Path, remedy: str) -> StateDict:
    """Read a weights file onto the CPU.

    Args:
        path: `.safetensors`, else a file that `torch.save` wrote; only tensors are
            read from it, never code.
        remedy: what to do if there is no such file; ends the error's message.

    Raises:
        ParameterError: there is no file at `path`.
        FileContentError: the file cannot be read as tensors by name.
    """
    if not path.is_file():
        raise ParameterError(f"no weights file at {str(path)!r}: {remedy}")
    try:
        if path.suffix == ".safetensors":
            content = load_file(path)
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    except _UNREADABLE as error:
        raise FileContentError(
            f"weights file {str(path)!r} cannot be read ({_first_line(error)}): {remedy}"
        ) from error
    if not isinstance(content, dict) or not all(
        isinstance(value, torch.Tensor) for value in content.values()
    ):
        raise FileContentError(
            f"weights file {str(path)!r} holds no plain mapping of tensors: {remedy}"
        )
    return dict(content)


def load_strictly(
    network: torch.nn.Module, weights: StateDict, path: Path, remedy: str
) -> None:
    """Load `weights` into `network`; every key and shape must fit.

    Raises:
        FileContentError: keys are missing or surplus, or a shape differs.
    """
    try:
        network.load_state_dict(weights, strict=True, assign=True)
    except RuntimeError as error:
        raise FileContentError(
            f"weights file {str(path)!r} does not fit the network: "
            f"{str(error)[:300]}; {remedy}"
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
