"""What a training run learns from, step by step, and what it is validated on.

Dimension letters: N frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from mtcm_pipeline.mtcm import losses
from mtcm_pipeline.mtcm.model import Mtcm
from mtcm_pipeline.mtcm.options import TrainOptions
from mtcm_pipeline.mtcm.prior import Choices, choose_once
from mtcm_pipeline.mtcm.residual_model import ResidualMtcm
from mtcm_pipeline.mtcm.sequence import FrameSequence, azimuths_rad
from mtcm_pipeline.mtcm.step import step_losses
from mtcm_pipeline.mtcm.tasks import TrainingTask, draw_task, in_time_order, take
from mtcm_pipeline.progress import tracked
from mtcm_pipeline.tokens.layout import Tokens
from mtcm_pipeline.tokens.standardise import Standardiser

# Draws that early stopping looks at; never trained on.
_VALIDATION_DRAWS = 8


class Lessons(Protocol):
    """Where the losses of a training come from."""

    def new_model(self) -> Any:
        """The model that is trained, freshly drawn."""
        ...

    def epoch(
        self, model: Any, rng: np.random.Generator
    ) -> Iterator[Mapping[str, Tensor]]:
        """The losses of each step of one epoch."""
        ...

    def validation_loss(self, model: Any) -> float:
        """The loss on what is held out, for early stopping."""
        ...


@dataclass(frozen=True)
class PlainLessons:
    """Windows of the capture, hidden anew in each step: the model without a prior.

    Attributes:
        sequence: the capture.
        options: of the training.
    """

    sequence: FrameSequence
    options: TrainOptions

    def new_model(self) -> Any:
        """See `Lessons`."""
        return Mtcm(self.options)

    def epoch(
        self, model: Any, rng: np.random.Generator
    ) -> Iterator[Mapping[str, Tensor]]:
        """See `Lessons`."""
        for start, stop in random_windows(len(self.sequence), self.options, rng):
            window = self.sequence.window(start, stop)
            yield step_losses(model, window, self.options, rng)

    def validation_loss(self, model: Any) -> float:
        """See `Lessons`: the same draws each time."""
        rng = np.random.default_rng([self.options.seed, 1])
        count = min(len(self.sequence), self.options.context_frames)
        window = self.sequence.window(0, count)
        draws = [
            step_losses(model, window, self.options, rng)["reconstruction"]
            for _ in range(_VALIDATION_DRAWS)
        ]
        return float(torch.stack(draws).mean())


@dataclass(frozen=True)
class ResidualLessons:
    """A fixed number of draws, each with the prior's view of it, in random order.

    Attributes:
        tasks: trained on.
        validation: held out.
        steps: of one epoch.
        options: of the training.
    """

    tasks: Sequence[TrainingTask]
    validation: Sequence[TrainingTask]
    steps: int
    options: TrainOptions

    def new_model(self) -> Any:
        """See `Lessons`."""
        return ResidualMtcm(self.options)

    def epoch(
        self, model: Any, rng: np.random.Generator
    ) -> Iterator[Mapping[str, Tensor]]:
        """See `Lessons`."""
        for _ in range(self.steps):
            task = self.tasks[int(rng.integers(len(self.tasks)))]
            yield task_losses(model, task, self.options)

    def validation_loss(self, model: Any) -> float:
        """See `Lessons`."""
        return mean_task_loss(model, self.validation, self.options)


def capture_choices(tokens: Tokens, options: TrainOptions) -> Choices:
    """The prior's hyperparameters for a capture, chosen on one window of it.

    Members that are chosen by folds are chosen on a hidden sector as large as the masks.
    """
    ordered = in_time_order(tokens)
    most = min(len(ordered), options.context_frames)
    start = (len(ordered) - most) // 2
    window = take(ordered, np.arange(start, start + most))
    azimuths = azimuths_rad(window)
    sector = np.zeros(most, dtype=bool)
    count = max(1, min(round(options.mask_ratio * most), most - 3))
    sector[np.argsort(azimuths, kind="stable")[:count]] = True
    return choose_once(window, sector)


def capture_lessons(
    tokens: Tokens, standardiser: Standardiser, choices: Choices, options: TrainOptions
) -> ResidualLessons:
    """Draws of one capture; the same options and tokens give the same draws."""
    ordered = in_time_order(tokens)
    rng = np.random.default_rng([options.seed, 2])
    drawn = []
    count = options.tasks + _VALIDATION_DRAWS
    for _ in tracked(range(count), "asking the prior"):
        ((start, stop), *_) = random_windows(len(ordered), options, rng)
        window = take(ordered, np.arange(start, stop))
        drawn.append(draw_task(window, standardiser, options, rng, choices))
    steps = -(-len(ordered) // options.context_frames)
    return ResidualLessons(
        drawn[_VALIDATION_DRAWS:], drawn[:_VALIDATION_DRAWS], steps, options
    )


def random_windows(
    n: int, options: TrainOptions, rng: np.random.Generator
) -> list[tuple[int, int]]:
    """Contiguous windows (start, stop) of random length and place, ending anywhere.

    As many as it takes to see every frame about once. The next-pose head learns from
    each window's last frame; were the window always the whole capture, it would learn
    one pose by heart.
    """
    most = options.context_frames
    windows = []
    for _ in range(-(-n // most)):
        longest = min(n, most)
        length = int(rng.integers(max(4, longest // 2), longest + 1))
        start = int(rng.integers(n - length + 1))
        windows.append((start, start + length))
    return windows


def task_losses(
    model: Any, task: TrainingTask, options: TrainOptions
) -> dict[str, Tensor]:
    """Losses of one draw, named as those of `step.step_losses`."""
    output = model(task.inputs)
    reconstruction, variance = losses.residual_losses(output, task.inputs)
    terms = {
        "reconstruction": reconstruction,
        "variance": variance,
        "swap": losses.swap_loss(output.swap_logits, task.swapped, task.judged),
        "next_pose": reconstruction * 0.0
        if task.last is None
        else losses.next_pose_loss(output.next_pose, task.true_pose, task.last),
    }
    total = losses.weighted_total(terms, options)
    return {"loss": total, **terms}


def mean_task_loss(
    model: Any, tasks: Sequence[TrainingTask], options: TrainOptions
) -> float:
    """The weighted total of `task_losses`, mean over the draws."""
    totals = [task_losses(model, task, options)["loss"] for task in tasks]
    return float(torch.stack(totals).mean())
