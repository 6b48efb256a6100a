"""A trained MTCM as named tensors and texts, and back."""

from __future__ import annotations

import io
import json
from dataclasses import asdict

import pandas as pd
import torch
from torch import Tensor

from mtcm_pipeline.errors import FileContentError
from mtcm_pipeline.mtcm.model import Mtcm
from mtcm_pipeline.mtcm.options import TrainOptions
from mtcm_pipeline.mtcm.results import TrainedMtcm
from mtcm_pipeline.tokens.standardise import Standardiser

_MODEL = "model."


def weights_of(trained: TrainedMtcm) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors by name and metadata texts, for a safetensors file."""
    state = trained.model.state_dict()
    tensors = {_MODEL + name: tensor for name, tensor in state.items()}
    tensors["standardiser.shift"] = torch.from_numpy(trained.standardiser.shift)
    tensors["standardiser.scale"] = torch.from_numpy(trained.standardiser.scale)
    history = trained.history.to_json(orient="records", double_precision=15)
    return tensors, {"options": json.dumps(asdict(trained.options)), "history": history}


def trained_from_weights(
    tensors: dict[str, Tensor], metadata: dict[str, str]
) -> TrainedMtcm:
    """The inverse of `weights_of`.

    Raises:
        FileContentError: the weights are not of an MTCM, or of another shape.
    """
    try:
        options = TrainOptions(**json.loads(metadata["options"]))
        with torch.random.fork_rng(devices=[]):
            model = Mtcm(options)
        model.load_state_dict(
            {
                name.removeprefix(_MODEL): tensor
                for name, tensor in tensors.items()
                if name.startswith(_MODEL)
            }
        )
        standardiser = Standardiser(
            tensors["standardiser.shift"].numpy(), tensors["standardiser.scale"].numpy()
        )
        history = pd.read_json(io.StringIO(metadata["history"]), orient="records")
    except (KeyError, RuntimeError, ValueError) as error:
        raise FileContentError(
            f"these are not the weights of an MTCM: {error}"
        ) from error
    return TrainedMtcm(model.eval(), standardiser, options, history)
