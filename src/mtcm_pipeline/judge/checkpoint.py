"""A trained judge: networks that vote, what they were fed, how their logits are read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mtcm_pipeline.errors import FileContentError, ParameterError
from mtcm_pipeline.judge.calibration import Calibration
from mtcm_pipeline.judge.graphs import case_of, graph_of
from mtcm_pipeline.judge.kinds import FAULT_KINDS, FIELDS
from mtcm_pipeline.judge.model import JudgeModel, ModelOptions
from mtcm_pipeline.judge.observations import Observations, input_names, signature
from mtcm_pipeline.judge.pair_evidence import PAIR_COLUMNS

Float = NDArray[np.float64]

SHIPPED = "judge.safetensors"


@dataclass(frozen=True)
class Logits:
    """What the networks say on average.

    Attributes:
        faulty: (N,) logits, as they come.
        kinds: (N, len(FAULT_KINDS)) shares that add up to 1.
        fields: (N, len(FIELDS)) shares that add up to 1.
    """

    faulty: Float
    kinds: Float
    fields: Float


@dataclass(frozen=True)
class Judge:
    """Everything that is needed to judge a capture.

    Attributes:
        models: networks, whose logits are averaged.
        columns: names of the evidence that they were trained on.
        calibration: how the logits are read; None until calibrated.
        card: what it was trained on, for people.
    """

    models: tuple[JudgeModel, ...]
    columns: tuple[str, ...]
    calibration: Calibration | None = None
    card: str = ""

    def logits(self, observations: Observations) -> Logits:
        """Judge every frame of a capture.

        Raises:
            FileContentError: the evidence is not what the networks were trained on.
        """
        if signature(observations.columns) != signature(self.columns):
            raise FileContentError(
                "this judge was trained on other evidence than this version gathers: "
                "train it again, or set scores.judge to shipped"
            )
        graph = graph_of([case_of(observations)])
        with torch.inference_mode():
            said = [model(graph) for model in self.models]
        return Logits(
            np.mean([v.faulty.numpy() for v in said], axis=0).astype(np.float64),
            np.mean([_shares(v.kinds) for v in said], axis=0),
            np.mean([_shares(v.fields) for v in said], axis=0),
        )


def judge_to_bytes(judge: Judge) -> bytes:
    """A safetensors file with half-precision weights."""
    from safetensors.torch import save

    tensors = {
        f"{number}.{name}": tensor.to(torch.float16).contiguous()
        for number, model in enumerate(judge.models)
        for name, tensor in model.state_dict().items()
    }
    options = [asdict(model.options) for model in judge.models]
    about = {
        "options": json.dumps(options),
        "columns": json.dumps(judge.columns),
        "signature": signature(judge.columns),
        "kinds": json.dumps([FAULT_KINDS, FIELDS]),
        "card": judge.card,
    }
    if judge.calibration is not None:
        about["calibration"] = json.dumps(judge.calibration.to_dict())
    return save(tensors, metadata=about)


def judge_from_bytes(content: bytes) -> Judge:
    """The inverse of `judge_to_bytes`.

    Raises:
        FileContentError: these are not the weights of a judge of this version.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors, about = load(content), _metadata(content)
        columns = tuple(json.loads(about["columns"]))
        if about["signature"] != signature(columns):
            raise FileContentError(
                "the judge's weights are of another version: train it again, or set "
                "scores.judge to shipped"
            )
        models = []
        for number, options in enumerate(json.loads(about["options"])):
            models.append(_model(number, options, columns, tensors))
        calibration = None
        if "calibration" in about:
            calibration = Calibration.from_dict(json.loads(about["calibration"]))
    except (SafetensorError, KeyError, ValueError, RuntimeError, TypeError) as error:
        raise FileContentError(
            f"these are not the weights of a judge: {error}"
        ) from error
    return Judge(tuple(models), columns, calibration, about.get("card", ""))


def shipped_judge() -> Judge:
    """The judge that comes with the package, trained on generated captures only.

    Raises:
        FileContentError: the package came without it.
    """
    file = resources.files("mtcm_pipeline.judge") / "weights" / SHIPPED
    if not file.is_file():
        raise FileContentError(
            f"the package came without judge/weights/{SHIPPED}: install it again, or set "
            f"scores.judge to none"
        )
    return judge_from_bytes(file.read_bytes())


def load_judge(choice: str) -> Judge:
    """The judge that a parameter names: `shipped`, or a file of weights.

    Raises:
        ParameterError: there is no such file.
        FileContentError: it holds something else.
    """
    if choice == "shipped":
        return shipped_judge()
    file = Path(choice)
    if not file.is_file():
        raise ParameterError(
            f"scores.judge is {choice!r}, which is no file of weights: give shipped, "
            f"none, or the path of a .safetensors file"
        )
    return judge_from_bytes(file.read_bytes())


def _model(
    number: int, options: dict, columns: tuple[str, ...], tensors: dict
) -> JudgeModel:
    with torch.random.fork_rng(devices=[]):
        model = JudgeModel(
            len(input_names(columns)), len(PAIR_COLUMNS), ModelOptions(**options)
        )
    start = f"{number}."
    state = {
        name.removeprefix(start): tensor.float()
        for name, tensor in tensors.items()
        if name.startswith(start)
    }
    model.load_state_dict(state)
    return model.eval()


def _metadata(content: bytes) -> dict[str, str]:
    """The texts in the head of a safetensors file."""
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]).get("__metadata__", {})


def _shares(logits: torch.Tensor) -> Float:
    return torch.softmax(logits, dim=1).numpy().astype(np.float64)
