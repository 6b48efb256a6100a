"""Training the judge on spoilt captures of which the truth is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass
from rich.progress import track
from torch import Tensor
from torch.nn import functional

from mtcm_pipeline.judge.graphs import (
    Augmentation,
    Case,
    augmented,
    column_groups,
    field_targets,
    graph_of,
)
from mtcm_pipeline.judge.model import Graph, JudgeModel, ModelOptions, Verdict


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class JudgeTrainOptions:
    """How the judge is trained; each default with its reason.

    Attributes:
        steps: of the optimiser; on generated captures left out more are better still, on
            real ones no longer.
        batch: captures a step.
        learning_rate: at its peak.
        warm_up: share of the steps over which the rate rises.
        weight_decay: few hundred captures, so plenty.
        faulty_weight: weight of a faulty frame over a sound one; more frames are sound.
        kind_weight: of the loss of 'which fault' over that of 'faulty or not'.
        field_weight: of the loss of 'which field'.
        clip: largest norm of the gradient.
        seed: of weights, draws and augmentation.
    """

    steps: int = Field(default=2000, ge=1)
    batch: int = Field(default=4, ge=1)
    learning_rate: float = Field(default=2e-3, gt=0.0)
    warm_up: float = Field(default=0.08, ge=0.0, lt=1.0)
    weight_decay: float = Field(default=0.05, ge=0.0)
    faulty_weight: float = Field(default=2.0, gt=0.0)
    kind_weight: float = Field(default=0.5, ge=0.0)
    field_weight: float = Field(default=0.2, ge=0.0)
    clip: float = Field(default=1.0, gt=0.0)
    seed: int = Field(default=0, ge=0)


def train_judge(
    cases: Sequence[Case],
    input_names: Sequence[str],
    options: JudgeTrainOptions | None = None,
    model_options: ModelOptions | None = None,
    *,
    augmentation: Augmentation | None = None,
) -> JudgeModel:
    """A model that tells faulty frames, from cases with the truth.

    Args:
        cases: spoilt captures; captures count alike, however many cases they have.
        input_names: (F) names of the inputs.
        options: parameters; defaults when None.
        model_options: size of the network; defaults when None.
        augmentation: how cases are varied; defaults when None.
    """
    options, how = options or JudgeTrainOptions(), augmentation or Augmentation()
    generator = np.random.default_rng(options.seed)
    groups = column_groups(input_names)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        model = JudgeModel(
            len(input_names), cases[0].pairs.shape[1], model_options or ModelOptions()
        )
        optimiser = torch.optim.AdamW(
            model.parameters(),
            lr=options.learning_rate,
            weight_decay=options.weight_decay,
        )
        model.train()
        weights = _fair_weights(cases)
        for step in track(range(options.steps), description="Training the judge"):
            for group in optimiser.param_groups:
                group["lr"] = _rate(step, options)
            drawn = generator.choice(len(cases), options.batch, p=weights)
            batch = [augmented(cases[i], groups, how, generator) for i in drawn]
            loss = judge_loss(model, batch, options)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), options.clip)
            optimiser.step()
    return model.eval()


def judge_loss(
    model: Callable[[Graph], Verdict], cases: Sequence[Case], options: JudgeTrainOptions
) -> Tensor:
    """Binary cross entropy of 'faulty', cross entropies of kind (of faulty frames only)
    and of field."""
    verdict = model(graph_of(cases))
    kind = np.concatenate([case.kind for case in cases])
    kinds, faulty = torch.from_numpy(kind), torch.from_numpy(kind >= 0)
    loss = functional.binary_cross_entropy_with_logits(
        verdict.faulty,
        faulty.float(),
        pos_weight=torch.tensor(options.faulty_weight),
    )
    if bool(faulty.any()):
        of_kind = functional.cross_entropy(verdict.kinds[faulty], kinds[faulty])
        loss = loss + options.kind_weight * of_kind
    fields = torch.from_numpy(field_targets(kind))
    return loss + options.field_weight * functional.cross_entropy(verdict.fields, fields)


def _rate(step: int, options: JudgeTrainOptions) -> float:
    """Linear rise, then half a cosine to zero."""
    rising = max(1, int(options.warm_up * options.steps))
    rise = min(1.0, (step + 1) / rising)
    return (
        options.learning_rate
        * rise
        * 0.5
        * (1.0 + math.cos(math.pi * step / options.steps))
    )


def _fair_weights(cases: Sequence[Case]) -> np.ndarray:
    """(cases,) probabilities: every capture is drawn equally often."""
    names = [case.capture for case in cases]
    weights = np.array([1.0 / names.count(name) for name in names])
    return weights / weights.sum()
