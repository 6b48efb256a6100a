"""The judge that a training over identities starts from."""

from __future__ import annotations

from pathlib import Path

import torch

from mtcm_pipeline.across.options import AcrossOptions
from mtcm_pipeline.errors import FileContentError, ParameterError
from mtcm_pipeline.judge.checkpoint import Judge, judge_from_bytes, shipped_judge
from mtcm_pipeline.judge.model import JudgeModel, ModelOptions
from mtcm_pipeline.judge.observations import input_names, signature
from mtcm_pipeline.judge.pair_evidence import PAIR_COLUMNS

_MEMBERS = 2


def starting_judge(options: AcrossOptions, columns: tuple[str, ...]) -> Judge:
    """What `across.init` names, with as many networks as `across.members` wants.

    Networks beyond those of the start begin as copies of them and part by their draws.

    Args:
        options: `init`, `members` and `seed`.
        columns: names of the evidence that the identities were observed with.

    Raises:
        ParameterError: there is no such file.
        FileContentError: it is no judge, or was trained on other evidence.
    """
    if options.init == "none":
        members = options.members or _MEMBERS
        models = tuple(_random(columns, options.seed + each) for each in range(members))
        return Judge(models, columns, card="random weights")
    judge = shipped_judge() if options.init == "shipped" else _of_file(options.init)
    if signature(judge.columns) != signature(columns):
        raise FileContentError(
            f"the judge {options.init!r} (across.init) was trained on other evidence "
            f"than this version gathers: set across.init to shipped or none"
        )
    members = options.members or len(judge.models)
    models = tuple(judge.models[each % len(judge.models)] for each in range(members))
    return Judge(models, judge.columns, judge.calibration, judge.card)


def _of_file(name: str) -> Judge:
    file = Path(name)
    if not file.is_file():
        raise ParameterError(
            f"there is no file {name!r} (across.init): give shipped, none, or the path "
            f"of a shared_judge.safetensors"
        )
    return judge_from_bytes(file.read_bytes())


def _random(columns: tuple[str, ...], seed: int) -> JudgeModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        inputs = len(input_names(columns))
        return JudgeModel(inputs, len(PAIR_COLUMNS), ModelOptions()).eval()
