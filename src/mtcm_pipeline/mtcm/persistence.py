"""A trained MTCM as named tensors and texts, and back."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from mtcm_pipeline.errors import FileContentError
from mtcm_pipeline.mtcm.model import Mtcm
from mtcm_pipeline.mtcm.options import TrainOptions
from mtcm_pipeline.mtcm.prior import FittedPrior
from mtcm_pipeline.mtcm.residual_model import ResidualMtcm
from mtcm_pipeline.mtcm.results import TrainedMtcm
from mtcm_pipeline.regressors.gaussian import Chosen
from mtcm_pipeline.regressors.kernels import Kernel
from mtcm_pipeline.tokens.standardise import Standardiser

_MODEL = "model."


def weights_of(trained: TrainedMtcm) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors by name and metadata texts, for a safetensors file."""
    state = trained.model.state_dict()
    tensors = {_MODEL + name: tensor for name, tensor in state.items()}
    tensors["standardiser.shift"] = torch.from_numpy(trained.standardiser.shift)
    tensors["standardiser.scale"] = torch.from_numpy(trained.standardiser.scale)
    history = trained.history.to_json(orient="records", double_precision=15)
    texts = {"options": json.dumps(asdict(trained.options)), "history": history}
    if trained.prior is not None:
        texts["prior"] = json.dumps(_prior_to_plain(trained.prior))
    return tensors, texts


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
            model = new_model(options)
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
        prior = None
        if options.model == "residual":
            prior = _prior_from_plain(json.loads(metadata["prior"]))
        history = pd.read_json(io.StringIO(metadata["history"]), orient="records")
    except (KeyError, RuntimeError, ValueError) as error:
        raise FileContentError(
            f"these are not the weights of an MTCM: {error}"
        ) from error
    return TrainedMtcm(model.eval(), standardiser, options, history, prior)


def new_model(options: TrainOptions) -> Mtcm | ResidualMtcm:
    """A freshly drawn model of the kind that the options name."""
    return Mtcm(options) if options.model == "plain" else ResidualMtcm(options)


def _prior_to_plain(prior: FittedPrior) -> dict[str, Any]:
    """Numbers and texts, for JSON."""
    return {
        "gates": dict(prior.gates),
        "choices": [
            {
                "field": field,
                "inputs": list(inputs),
                "member": member,
                "shape": chosen.kernel.shape,
                "lengths": dict(chosen.kernel.lengths),
                "noise": chosen.noise,
            }
            for (field, inputs), members in prior.choices.items()
            for member, chosen in members.items()
        ],
    }


def _prior_from_plain(plain: dict[str, Any]) -> FittedPrior:
    choices: dict[tuple[str, tuple[str, ...]], dict[str, Chosen]] = {}
    for row in plain["choices"]:
        kernel = Kernel(str(row["shape"]), dict(row["lengths"]))
        of_field = choices.setdefault((row["field"], tuple(row["inputs"])), {})
        of_field[row["member"]] = Chosen(kernel, float(row["noise"]))
    return FittedPrior(choices, {k: float(v) for k, v in plain["gates"].items()})
