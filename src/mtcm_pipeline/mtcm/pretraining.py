"""Pretraining the residual over the prior on many captures.

What is learned is which members of the prior, and which shown frames, to believe under
which circumstances; all of that is made of distances and holds for captures never seen.

Dimension letters: N frames.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.mtcm.lessons import mean_task_loss, task_losses
from mtcm_pipeline.mtcm.options import TrainOptions
from mtcm_pipeline.mtcm.pretrain_options import PretrainOptions
from mtcm_pipeline.mtcm.prior import choose_once
from mtcm_pipeline.mtcm.residual_model import ResidualMtcm
from mtcm_pipeline.mtcm.results import CheckpointStore
from mtcm_pipeline.mtcm.sequence import azimuths_rad
from mtcm_pipeline.mtcm.tasks import TrainingTask, draw_task, in_time_order, take
from mtcm_pipeline.mtcm.training import TrainingRun, train_on
from mtcm_pipeline.progress import tracked
from mtcm_pipeline.tokens.layout import EMBEDDING_WIDTH, FIELDS, Tokens
from mtcm_pipeline.tokens.standardise import Standardiser

# Bases that embeddings are turned into: no encoder's numbers are learned by heart.
_BASES = 12


@dataclass(frozen=True)
class PretrainLessons:
    """Draws of many captures, one a step, each seen in another basis and turned around.

    Attributes:
        tasks: by capture; captures are drawn evenly, however many frames they have.
        validation: draws of captures that are never trained on.
        options: of the model.
        steps: of an epoch.
    """

    tasks: Mapping[str, Sequence[TrainingTask]]
    validation: Sequence[TrainingTask]
    options: TrainOptions
    steps: int

    def new_model(self) -> Any:
        """See `Lessons`."""
        return ResidualMtcm(self.options)

    def epoch(
        self, model: Any, rng: np.random.Generator
    ) -> Iterator[Mapping[str, Tensor]]:
        """See `Lessons`."""
        names = sorted(self.tasks)
        for _ in range(self.steps):
            of_capture = self.tasks[names[int(rng.integers(len(names)))]]
            task = of_capture[int(rng.integers(len(of_capture)))]
            yield task_losses(model, in_another_basis(task, rng), self.options)

    def validation_loss(self, model: Any) -> float:
        """See `Lessons`."""
        return mean_task_loss(model, self.validation, self.options)


def pretrain(
    captures: Mapping[str, Tokens],
    options: PretrainOptions,
    model_options: TrainOptions,
    checkpoints: CheckpointStore | None = None,
) -> TrainingRun:
    """Train the residual on many captures.

    Args:
        captures: tokens by name; the last `options.held_out` names (sorted) are never
            trained on.
        options: of the pretraining.
        model_options: size of the model, weights of the losses, schedule, seed.
        checkpoints: where to resume from and write to.

    Raises:
        CaptureError: fewer captures than are held out.
    """
    names = sorted(captures)
    if len(names) <= options.held_out:
        raise CaptureError(
            f"{len(names)} captures, of which {options.held_out} are held out: give more "
            f"captures (pretrain.captures) or hold out fewer (pretrain.held_out)"
        )
    drawn = {
        name: capture_draws(captures[name], options, index)
        for index, name in enumerate(tracked(names, "asking the prior"))
    }
    return pretrain_on(drawn, options, model_options, checkpoints)


def prior_validation_loss(run: TrainingRun) -> float:
    """The validation loss of the prior alone: of a model that has learned nothing."""
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        return run.lessons.validation_loss(run.lessons.new_model().eval())


def pretrain_on(
    drawn: Mapping[str, Sequence[TrainingTask]],
    options: PretrainOptions,
    model_options: TrainOptions,
    checkpoints: CheckpointStore | None = None,
) -> TrainingRun:
    """Train on draws that are made already; see `pretrain`."""
    model_options = replace(
        model_options,
        init="none",
        model="residual",
        epochs=options.epochs,
        learning_rate=options.learning_rate,
        patience=options.epochs,
        # The residual first: the other losses are larger by nature.
        pose_weight=0.02,
        swap_weight=0.05,
        variance_weight=0.02,
    )
    names = sorted(drawn)
    training = {name: drawn[name] for name in names[: -options.held_out]}
    validation = [task for name in names[-options.held_out :] for task in drawn[name]]
    lessons = PretrainLessons(training, validation, model_options, options.steps)
    return train_on(
        lessons,
        model_options,
        _fingerprint(drawn, options, model_options),
        checkpoints=checkpoints,
    )


def capture_draws(
    tokens: Tokens, options: PretrainOptions, index: int
) -> list[TrainingTask]:
    """Draws of a few variants of one capture.

    Args:
        tokens: of the capture.
        options: of the pretraining.
        index: of the capture; decides the draws.
    """
    model_options = TrainOptions(
        mask_modes=("frame", "sector", "sector", "span"),  # the hard ones more often
        mask_ratio=options.mask_ratio,
        swap_ratio=options.swap_ratio,
    )
    draws = []
    for variant in range(options.variants):
        rng = np.random.default_rng([index, variant])
        varied = in_time_order(vary(tokens, options, rng))
        standardiser = Standardiser.fit(varied)
        order = np.argsort(azimuths_rad(varied), kind="stable")
        start = int(rng.integers(len(varied)))
        sector = np.zeros(len(varied), dtype=bool)
        hidden = round(options.mask_ratio * len(varied))
        sector[np.roll(order, -start)[:hidden]] = True
        choices = choose_once(varied, sector)
        draws += [
            draw_task(varied, standardiser, model_options, rng, choices)
            for _ in range(options.draws)
        ]
    return draws


def vary(tokens: Tokens, options: PretrainOptions, rng: np.random.Generator) -> Tokens:
    """The capture with frames dropped, and at times without its order."""
    n = len(tokens)
    if rng.random() < options.drop_share:
        kept = int(n * rng.uniform(1.0 - options.drop_most, 1.0))
        tokens = take(tokens, np.sort(rng.choice(n, kept, replace=False)))
    if rng.random() < options.shuffle_share:
        tokens = without_order(tokens, np.random.default_rng(int(rng.integers(10**6))))
    return tokens


def without_order(tokens: Tokens, rng: np.random.Generator) -> Tokens:
    """The frames in a random order, without timestamps: a capture that has none."""
    n = len(tokens)
    values, present = tokens.values.copy(), tokens.present.copy()
    column = FIELDS.index("timestamp")
    values[:, EMBEDDING_WIDTH + 7], present[:, column] = np.nan, False
    return Tokens(tokens.names, values, present, rng.permutation(n) / max(n - 1, 1))


def in_another_basis(task: TrainingTask, rng: np.random.Generator) -> TrainingTask:
    """The same draw with the embedding in another basis.

    Only the token's own numbers change: all the prior's evidence is made of distances.
    """
    tokens = task.inputs.tokens.clone()
    basis = _basis(int(rng.integers(_BASES)))
    signs = torch.from_numpy(rng.choice([-1.0, 1.0], EMBEDDING_WIDTH)).float()
    tokens[:, :EMBEDDING_WIDTH] = (tokens[:, :EMBEDDING_WIDTH] @ basis) * signs
    return replace(task, inputs=replace(task.inputs, tokens=tokens))


def _basis(number: int) -> Tensor:
    """(384, 384) one of a few random orthogonal matrices."""
    if number not in _made:
        generator = torch.Generator().manual_seed(number)
        square = torch.randn(EMBEDDING_WIDTH, EMBEDDING_WIDTH, generator=generator)
        _made[number] = torch.linalg.qr(square)[0]
    return _made[number]


_made: dict[int, Tensor] = {}


def _fingerprint(
    drawn: Mapping[str, Sequence[TrainingTask]],
    options: PretrainOptions,
    model_options: TrainOptions,
) -> str:
    digest = hashlib.sha256(f"{options}{model_options}".encode())
    for name in sorted(drawn):
        digest.update(name.encode())
        for task in drawn[name]:
            digest.update(task.inputs.tokens.numpy().tobytes())
            digest.update(task.inputs.features.numpy().tobytes())
    return digest.hexdigest()
