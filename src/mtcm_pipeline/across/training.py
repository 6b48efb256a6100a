"""One judge from many identities: balanced steps, and a latent that tells nobody apart.

Every case is passed through the network by itself, with dropout drawn from its place in
the training, and counts alike, however many frames it has. So a step's loss is a mean
over cases, and any number of processes that share them takes the same step.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mtcm_pipeline.across.balance import balanced_batches
from mtcm_pipeline.across.group import ALONE, Group
from mtcm_pipeline.across.independence import Adversary, dependence
from mtcm_pipeline.across.options import AcrossOptions
from mtcm_pipeline.judge.graphs import (
    Augmentation,
    Case,
    augmented,
    column_groups,
    graph_of,
)
from mtcm_pipeline.judge.model import JudgeModel
from mtcm_pipeline.judge.training import JudgeTrainOptions, judge_loss
from mtcm_pipeline.progress import tracked

_ADVERSARY_RATE = 5.0  # times the judge's learning rate: it has to keep up
_RISE = 10.0
# A shift of all latents tells nobody apart: of a gradient that is zero but for rounding,
# Adam would make whole steps.
_SHIFTS = ("norm.bias", "project.bias")
# Identities are compared seldom, on so many times as many cases: with few frames a step
# would push apart what chance put together.
COMPARED_EVERY = 2


@dataclass(frozen=True)
class Step:
    """The cases of one step.

    Attributes:
        cases: augmented.
        identities: number of each case's identity.
        compared: cases as they were observed, which the regulariser compares; none in
            most steps.
        compared_identities: number of each one's identity.
        seeds: of each case's dropout.
        progress: share of the training that is done, 0 to 1.
    """

    cases: list[Case]
    identities: list[int]
    seeds: list[int]
    progress: float
    compared: list[Case]
    compared_identities: list[int]

    def __len__(self) -> int:
        return len(self.cases)


class SharedLoss(nn.Module):
    """A step's loss of one process: what is minimised, with what is trained for it.

    Args:
        judge: the network.
        options: of the training.
        identities: I, how many there are.
    """

    def __init__(
        self, judge: JudgeModel, options: AcrossOptions, identities: int
    ) -> None:
        super().__init__()
        self.judge, self.options = judge, options
        self.adversary: Adversary | None = None
        if options.regulariser == "reversal":
            self.adversary = Adversary(judge.options.width, identities)

    def forward(self, step: Step, group: Group, of_identities: bool) -> Tensor:
        """This process's share of one of both losses, scaled so that the mean over
        processes is the loss.

        Args:
            step: what it is about.
            group: processes that share it.
            of_identities: the regulariser, in place of the judge's own loss.
        """
        if of_identities:
            return self._regulariser(step, group)
        training = self.options.judge_training()
        loss = torch.zeros(())
        for place in group.mine(len(step)):
            torch.manual_seed(step.seeds[place])
            loss = loss + judge_loss(self.judge, [step.cases[place]], training)
        return group.world / len(step) * loss

    def _regulariser(self, step: Step, group: Group) -> Tensor:
        """What the latents of the compared cases say about identities."""
        count = len(step.compared)
        latents = self._latents([step.compared[place] for place in group.mine(count)])
        if self.adversary is None:
            every = group.everyones(latents, count)
            return group.world * dependence(every, step.compared_identities)
        loss = torch.zeros(())
        for place, latent in zip(group.mine(count), latents, strict=True):
            told = self.adversary(latent, reversal_strength(step.progress))
            owner = torch.full((len(latent),), step.compared_identities[place])
            loss = loss + functional.cross_entropy(told, owner)
        return group.world / count * loss

    def _latents(self, cases: list[Case]) -> list[Tensor]:
        """Of sound frames, without dropout.

        Noise of the training would hide whose a frame is, and the regulariser would
        find little to do. Faulty frames stay out: one identity has more of them than
        another, and what tells identities would be what tells faults.
        """
        self.judge.eval()
        latents = [
            self.judge(graph_of([case])).latent[torch.from_numpy(case.kind < 0)]
            for case in cases
        ]
        self.judge.train()
        return latents


def reversal_strength(progress: float) -> float:
    """Rises from 0 to 1: the adversary learns first (Ganin et al. 2016, 5.2.2)."""
    return 2.0 / (1.0 + math.exp(-_RISE * progress)) - 1.0


def train_shared(
    start: JudgeModel,
    cases: Sequence[Case],
    input_names: Sequence[str],
    options: AcrossOptions,
    *,
    member: int = 0,
    group: Group = ALONE,
    description: str = "Training",
) -> JudgeModel:
    """A network trained evenly over the identities of the cases.

    Args:
        start: what training starts from; it is not changed.
        cases: spoilt identities with the truth.
        input_names: (F) names of the inputs.
        options: parameters; with `steps` 0 the start comes back.
        member: number of the network among those that vote.
        group: processes that share the steps.
        description: beside the bar of progress.
    """
    if options.steps == 0:
        return copy.deepcopy(start).eval()
    training = options.judge_training(member)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(training.seed)
        names = sorted({case.capture for case in cases})
        loss_of = SharedLoss(copy.deepcopy(start), options, len(names))
        loss_of.train()
        parallel = group.wrapped(loss_of)
        optimisers = _optimisers(loss_of, training, options.weight)
        steps = _steps(cases, names, input_names, options, training.seed)
        shown: Iterable[int] = range(options.steps)
        if group.rank == 0:
            shown = tracked(shown, description)
        for number, step in zip(shown, steps, strict=False):
            for of_identities, optimiser in enumerate(optimisers):
                if of_identities and not step.compared:
                    continue
                for part in optimiser.param_groups:
                    part["lr"] = part["peak"] * rate_at(number, training)
                loss_of.zero_grad()
                parallel(step, group, bool(of_identities)).backward()
                nn.utils.clip_grad_norm_(loss_of.judge.parameters(), training.clip)
                optimiser.step()
    return loss_of.judge.eval()


def rate_at(step: int, options: JudgeTrainOptions) -> float:
    """Share of the peak rate: a linear rise, then half a cosine to zero."""
    rise = min(1.0, (step + 1) / max(1, int(options.warm_up * options.steps)))
    return rise * 0.5 * (1.0 + math.cos(math.pi * step / options.steps))


def _optimisers(
    loss_of: SharedLoss, training: JudgeTrainOptions, weight: float
) -> tuple[torch.optim.AdamW, torch.optim.AdamW]:
    """Of the judge's own loss, and of the regulariser, whose rate is `weight` of that.

    Each has moments of its own: with common ones, the larger gradient of the regulariser
    would set the step of both.
    """
    rate, judge = training.learning_rate, list(loss_of.judge.parameters())
    own = torch.optim.AdamW(
        [{"params": judge, "peak": rate}], lr=rate, weight_decay=training.weight_decay
    )
    named = loss_of.judge.named_parameters()
    moved = [each for name, each in named if name not in _SHIFTS]
    parts = [{"params": moved, "peak": weight * rate}]
    if loss_of.adversary is not None:
        against = list(loss_of.adversary.parameters())
        parts.append({"params": against, "peak": _ADVERSARY_RATE * rate})
    return own, torch.optim.AdamW(parts, lr=rate, weight_decay=0.0)


def _steps(
    cases: Sequence[Case],
    names: Sequence[str],
    input_names: Sequence[str],
    options: AcrossOptions,
    seed: int,
) -> Iterator[Step]:
    """Every process draws all of them, so that all see the same."""
    groups, how = column_groups(input_names), Augmentation()
    rng = np.random.default_rng(seed)
    captures = [case.capture for case in cases]
    owners = [names.index(capture) for capture in captures]
    wanted = options.regularised and len(names) > 1
    batches = balanced_batches(captures, options.batch, seed)
    large = balanced_batches(captures, COMPARED_EVERY * options.batch, seed + 1)
    for number, batch in enumerate(batches):
        compared = next(large) if wanted and number % COMPARED_EVERY == 0 else []
        yield Step(
            [augmented(cases[place], groups, how, rng) for place in batch],
            [owners[place] for place in batch],
            rng.integers(2**31, size=len(batch)).tolist(),
            number / options.steps,
            [cases[place] for place in compared],
            [owners[place] for place in compared],
        )
