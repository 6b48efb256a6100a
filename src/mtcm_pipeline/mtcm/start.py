"""The weights that a training starts from: the package's, a file's, or none."""

from __future__ import annotations

import hashlib
import importlib.resources
import json
import logging
from pathlib import Path

import torch
from torch import Tensor

from mtcm_pipeline.errors import ParameterError
from mtcm_pipeline.mtcm.options import TrainOptions
from mtcm_pipeline.mtcm.residual_model import ResidualMtcm

log = logging.getLogger(__name__)

SHIPPED_WEIGHTS = "hidden_tokens.safetensors"
# What must agree for weights to fit.
_SHAPE = ("d_model", "layers", "heads")


def starting_weights(options: TrainOptions) -> dict[str, Tensor] | None:
    """Weights to start from, float32; None to start from nothing.

    The shipped weights are of one size: a model of another size starts from nothing, and
    the log says so.

    Raises:
        ParameterError: the file named by `train.init` is absent, is no safetensors file,
            or does not fit the model.
    """
    content = _content(options)
    if content is None:
        return None
    tensors, shape = _read(content, options.init)
    wanted = {key: getattr(options, key) for key in _SHAPE}
    if shape == wanted:
        return _fitting(tensors, options)
    if options.init == "shipped":
        log.info("the shipped weights are of %s, not %s: starting anew", shape, wanted)
        return None
    raise ParameterError(
        f"the weights {options.init!r} (train.init) are of a model with {shape}, not "
        f"{wanted}: set these keys under train, or train.init to shipped or none"
    )


def initial_digest(options: TrainOptions) -> str:
    """Hash of the starting weights' file, empty for none."""
    content = _content(options)
    return "" if content is None else hashlib.sha256(content).hexdigest()


def _content(options: TrainOptions) -> bytes | None:
    if options.model == "plain" or options.init == "none":
        return None
    if options.init == "shipped":
        folder = importlib.resources.files("mtcm_pipeline.mtcm.weights")
        file = folder / SHIPPED_WEIGHTS
        return file.read_bytes() if file.is_file() else None
    path = Path(options.init)
    if not path.is_file():
        raise ParameterError(
            f"there is no file {options.init!r} (train.init); give the path of a "
            f"safetensors file, or shipped, or none"
        )
    return path.read_bytes()


def _read(content: bytes, name: str) -> tuple[dict[str, Tensor], dict[str, int]]:
    """Tensors, and the model's size as the file's header states it."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors = load(content)
        length = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + length])["__metadata__"]
        shape = {key: int(metadata[key]) for key in _SHAPE}
    except (SafetensorError, KeyError, ValueError) as error:
        raise ParameterError(
            f"the weights {name!r} (train.init) cannot be read: {error}; they must be a "
            f"safetensors file written by the pretrain pipeline"
        ) from error
    return tensors, shape


def _fitting(tensors: dict[str, Tensor], options: TrainOptions) -> dict[str, Tensor]:
    with torch.random.fork_rng(devices=[]):
        wanted = ResidualMtcm(options).state_dict()
    found = {name: tensor.float() for name, tensor in tensors.items()}
    shapes = {name: tuple(tensor.shape) for name, tensor in wanted.items()}
    if {name: tuple(tensor.shape) for name, tensor in found.items()} != shapes:
        raise ParameterError(
            f"the weights {options.init!r} (train.init) are of another version of the "
            f"model: pretrain again, or set train.init to none"
        )
    return found
