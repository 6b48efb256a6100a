"""How one judge is trained over many identities, and how it is measured."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from mtcm_pipeline.judge.training import JudgeTrainOptions

Regulariser = Literal["none", "reversal", "hsic"]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class AcrossOptions:
    """Parameters under `across`; each default with its reason.

    Attributes:
        init: the judge that training starts from: `shipped`, `none` (random weights), or
            the path of a safetensors file that this pipeline wrote before.
        steps: of the optimiser for each network; with 200 an identity left out is
            judged within 0.02 ROC area of one that was trained on alone. 0 trains
            nothing, so that the table measures the start as it is.
        batch: spoilt captures a step, over all processes; with more than one, a step
            sees several identities, which the regulariser compares.
        learning_rate: at its peak; below the judge's own, so that what was learned on
            generated captures is tuned and not forgotten.
        regulariser: what keeps the latent from encoding whose frame it is: `hsic`, a
            kernel independence term; `reversal`, an adversary behind a gradient
            reversal; `none`. What a latent then still tells linearly is taken out of it
            (`across.erasure`), but with `none`.
        weight: of the regulariser: its learning rate over that of the judge's own loss.
            With 2 a linear probe ends 7 points above chance on five real captures, at a
            cost of 0.003 of area (docs/many_identities.md).
        members: networks that vote; 0: as many as the start has. Each takes a training
            for all and three an identity left out, and networks side by side tell more
            of identities than one alone.
        train_draws: times that the plans of faults are drawn for training.
        test_draws: the same for the tests, with other seeds.
        leave_out: identities that are left out in turn; empty: all of them.
        evaluate: whether any are left out. It costs three trainings an identity; without
            it the judge keeps the thresholds of its start.
        processes: that share each step's captures (distributed data parallel). The
            result is the same up to rounding; one is fastest up to a dozen identities.
        timeout_s: after which processes that do not hear of each other give up.
        seed: of faults, draws, dropout and augmentation.
    """

    init: str = Field(default="shipped", min_length=1)
    steps: int = Field(default=200, ge=0)
    batch: int = Field(default=6, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0.0)
    regulariser: Regulariser = "hsic"
    weight: float = Field(default=2.0, ge=0.0)
    members: int = Field(default=2, ge=0, le=8)
    train_draws: int = Field(default=1, ge=1, le=50)
    test_draws: int = Field(default=1, ge=1, le=50)
    leave_out: list[str] = field(default_factory=list)
    evaluate: bool = True
    processes: int = Field(default=1, ge=1, le=64)
    timeout_s: float = Field(default=120.0, gt=0.0)
    seed: int = Field(default=0, ge=0)

    def __post_init__(self) -> None:
        if self.batch < self.processes:
            raise ValueError(
                f"batch {self.batch} is less than processes {self.processes}: every "
                f"process needs a capture in each step"
            )

    @property
    def regularised(self) -> bool:
        """Whether a training is to keep the latent from telling identities."""
        return self.regulariser != "none" and self.weight > 0.0 and self.steps > 0

    def judge_training(self, member: int = 0) -> JudgeTrainOptions:
        """The same in the judge's own terms, for one of its networks."""
        return JudgeTrainOptions(
            steps=max(self.steps, 1),
            batch=self.batch,
            learning_rate=self.learning_rate,
            seed=self.seed + member,
        )
