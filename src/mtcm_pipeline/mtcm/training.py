"""Training the MTCM: reproducible, resumable after a kill, stopped when it is enough.

Dimension letters: N frames.
"""

from __future__ import annotations

import hashlib
import inspect
import io
import json
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.mtcm import lessons as lessons_module
from mtcm_pipeline.mtcm import (
    losses,
    masking,
    model,
    prior,
    residual_model,
    step,
    tasks,
)
from mtcm_pipeline.mtcm.fold_prediction import FoldView, with_gates
from mtcm_pipeline.mtcm.lessons import (
    Lessons,
    PlainLessons,
    capture_choices,
    capture_lessons,
)
from mtcm_pipeline.mtcm.options import TrainOptions
from mtcm_pipeline.mtcm.prior import PARTS, Choices, FittedPrior
from mtcm_pipeline.mtcm.results import CheckpointStore, TrainedMtcm
from mtcm_pipeline.mtcm.sequence import FrameSequence, as_sequence
from mtcm_pipeline.mtcm.start import initial_digest, starting_weights
from mtcm_pipeline.progress import progress_shown
from mtcm_pipeline.regressors import ensemble, gaussian
from mtcm_pipeline.tokens.layout import Tokens
from mtcm_pipeline.tokens.standardise import Standardiser

log = logging.getLogger(__name__)

_CHECKPOINT = "checkpoint"
_VALIDATE_EVERY = 10
# Modules whose code decides what a training comes to.
_DECISIVE = (
    masking,
    model,
    residual_model,
    losses,
    step,
    lessons_module,
    tasks,
    prior,
    ensemble,
    gaussian,
)
HISTORY_COLUMNS = [
    "epoch",
    "loss",
    "reconstruction",
    "variance",
    "swap",
    "next_pose",
    "learning_rate",
]


def train_mtcm(
    tokens: Tokens,
    options: TrainOptions,
    *,
    checkpoints: CheckpointStore | None = None,
    on_snapshot: Callable[[int, TrainedMtcm], None] | None = None,
    views: Callable[[Choices], Sequence[FoldView]] | None = None,
) -> TrainedMtcm:
    """Train on one capture.

    A run that was killed and started again with the same tokens and options continues
    from its last checkpoint and ends with the same weights, bit for bit on CPU, as a
    run that was never interrupted.

    Args:
        tokens: of the capture; at least 4 frames.
        options: of the model and the training.
        checkpoints: where to resume from and write to; None keeps nothing.
        on_snapshot: called with the epoch and what is trained so far every
            `options.snapshot_every` epochs and after the last.
        views: gives `fold_views` by the prior's choices to a caller who has use for them
            too: asking the prior about all frames takes as long as many epochs.

    Raises:
        ParameterError: the weights to start from cannot be used.
        CaptureError: fewer than 4 frames.
    """
    if len(tokens) < 4:
        raise CaptureError(
            f"the capture has {len(tokens)} frames; the MTCM compares frames with each "
            f"other and needs at least 4"
        )
    standardiser = Standardiser.fit(tokens)
    start = starting_weights(options)
    fingerprint = training_fingerprint(as_sequence(tokens, standardiser), options)
    lessons, fitted = _lessons(tokens, standardiser, options)

    def kept(model: Any, history: list[dict[str, float]]) -> TrainedMtcm:
        table = pd.DataFrame(history, columns=HISTORY_COLUMNS)
        return TrainedMtcm(model, standardiser, options, table, fitted)

    run = train_on(
        lessons,
        options,
        fingerprint,
        start=start,
        checkpoints=checkpoints,
        on_snapshot=None
        if on_snapshot is None
        else lambda epoch, model: on_snapshot(epoch, kept(model, [])),
    )
    trained = kept(run.model.eval(), run.history)
    if fitted is None:
        return trained
    return with_gates(trained, tokens, None if views is None else views(fitted.choices))


def _lessons(
    tokens: Tokens, standardiser: Standardiser, options: TrainOptions
) -> tuple[Lessons, FittedPrior | None]:
    if options.model == "plain":
        return PlainLessons(as_sequence(tokens, standardiser), options), None
    choices = capture_choices(tokens, options)
    lessons = capture_lessons(tokens, standardiser, choices, options)
    return lessons, FittedPrior(choices, dict.fromkeys(PARTS, 1.0))


def train_on(
    lessons: Lessons,
    options: TrainOptions,
    fingerprint: str,
    *,
    start: Mapping[str, Tensor] | None = None,
    checkpoints: CheckpointStore | None = None,
    on_snapshot: Callable[[int, nn.Module], None] | None = None,
) -> TrainingRun:
    """Train on lessons until the epochs are over or nothing gets better.

    Args:
        lessons: where losses come from.
        options: of the training.
        fingerprint: of everything that decides the result; a checkpoint with another
            one is not used.
        start: weights to start from; None for freshly drawn ones.
        checkpoints: where to resume from and write to; None keeps nothing.
        on_snapshot: called with the epoch and the model (in evaluation mode) every
            `options.snapshot_every` epochs and after the last.
    """
    run = TrainingRun.start(lessons, options, fingerprint, start)
    with torch.random.fork_rng(devices=[]), progress_shown() as show:
        torch.set_rng_state(run.torch_state)
        run.resume(checkpoints)
        show("training the MTCM", run.epoch, options.epochs)
        while not run.finished:
            run.train_epoch()
            show("training the MTCM", run.epoch, options.epochs)
            # The snapshot first: a run killed in between takes it again.
            if on_snapshot and run.due(options.snapshot_every):
                on_snapshot(run.epoch, run.model.eval())
            if checkpoints is not None and run.due(options.checkpoint_every):
                checkpoints.write(_CHECKPOINT, run.checkpoint())
    run.keep_best()
    return run


@dataclass
class TrainingRun:
    """Everything that changes while training, so that it can be saved and resumed.

    Attributes:
        best: held-out loss and weights of the best epoch so far; None before the first
            validation.
        best_epoch: when it was.
    """

    lessons: Lessons
    options: TrainOptions
    fingerprint: str
    model: nn.Module
    optimiser: torch.optim.Optimizer
    rng: np.random.Generator
    torch_state: Tensor
    epoch: int
    history: list[dict[str, float]]
    best: tuple[float, dict[str, Tensor]] | None = None
    best_epoch: int = 0

    @classmethod
    def start(
        cls,
        lessons: Lessons,
        options: TrainOptions,
        fingerprint: str,
        weights: Mapping[str, Tensor] | None,
    ) -> TrainingRun:
        """Model, optimiser and generators as they are before the first step."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(options.seed)
            model = lessons.new_model()
            if weights is not None:
                model.load_state_dict(dict(weights))
            torch_state = torch.get_rng_state()
        optimiser = torch.optim.AdamW(
            model.parameters(),
            lr=options.learning_rate,
            betas=(0.9, 0.98),
            weight_decay=options.weight_decay,
        )
        rng = np.random.default_rng(options.seed)
        run = cls(
            lessons, options, fingerprint, model, optimiser, rng, torch_state, 0, []
        )
        if weights is not None and options.patience:
            run._validate()  # a start that training only harms is kept as it is
        return run

    @property
    def finished(self) -> bool:
        """Whether the epochs are over, or nothing got better for long."""
        patience = self.options.patience
        tired = patience > 0 and self.epoch - self.best_epoch >= patience
        return self.epoch >= self.options.epochs or tired

    def due(self, every: int) -> bool:
        """Whether something that happens so often, and at the end, happens now."""
        return self.epoch % every == 0 or self.finished

    def train_epoch(self) -> None:
        """Train one epoch, and validate every so often."""
        self.model.train()
        steps = self.lessons.epoch(self.model, self.rng)
        rows = [self._step(terms) for terms in steps]
        self.epoch += 1
        means = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
        self.history.append({"epoch": self.epoch, **means})
        if self.options.patience and self.epoch % _VALIDATE_EVERY == 0:
            self._validate()

    def _validate(self) -> None:
        self.model.eval()
        with torch.inference_mode():
            loss = self.lessons.validation_loss(self.model)
        if self.best is None or loss < self.best[0]:
            weights = {k: v.clone() for k, v in self.model.state_dict().items()}
            self.best, self.best_epoch = (loss, weights), self.epoch

    def keep_best(self) -> None:
        """Go back to the weights with the lowest validation loss."""
        if self.best is not None and self.options.patience:
            self.model.load_state_dict(self.best[1])

    def _step(self, terms: Mapping[str, Tensor]) -> dict[str, float]:
        rate = self._learning_rate()
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        terms["loss"].backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.options.clip_norm)
        self.optimiser.step()
        return {key: float(value.detach()) for key, value in terms.items()} | {
            "learning_rate": rate
        }

    def _learning_rate(self) -> float:
        """Linear warm-up, then a half cosine to zero."""
        done = self.epoch / max(self.options.epochs, 1)
        warm = self.options.warmup_share
        if done < warm:
            return self.options.learning_rate * (done / warm + 1e-2)
        return self.options.learning_rate * (
            0.5 + 0.5 * float(np.cos(np.pi * (done - warm) / (1 - warm)))
        )

    def checkpoint(self) -> bytes:
        """The state of the run; tensors and plain values only."""
        buffer = io.BytesIO()
        content = {
            "fingerprint": self.fingerprint,
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "rng": json.dumps(self.rng.bit_generator.state),
            "torch_state": torch.get_rng_state(),
            "epoch": self.epoch,
            "history": self.history,
            "best": self.best,
            "best_epoch": self.best_epoch,
        }
        torch.save(content, buffer)
        return buffer.getvalue()

    def resume(self, checkpoints: CheckpointStore | None) -> None:
        """Continue from the stored checkpoint if it is of this very training."""
        stored = checkpoints.read(_CHECKPOINT) if checkpoints is not None else None
        if stored is None:
            return
        try:
            content = torch.load(io.BytesIO(stored), weights_only=True)
            fingerprint = content["fingerprint"]
        except Exception as error:
            log.warning("the checkpoint cannot be read (%s): training anew", error)
            return
        if fingerprint != self.fingerprint:
            log.info("the checkpoint is of another training: training anew")
            return
        self.model.load_state_dict(content["model"])
        self.optimiser.load_state_dict(content["optimiser"])
        self.rng.bit_generator.state = json.loads(content["rng"])
        torch.set_rng_state(content["torch_state"])
        self.epoch, self.history = content["epoch"], content["history"]
        self.best, self.best_epoch = content["best"], content["best_epoch"]
        log.info("resuming the training after epoch %d", self.epoch)


def training_fingerprint(sequence: FrameSequence, options: TrainOptions) -> str:
    """Hash of what decides the training: a checkpoint fits exactly one.

    The source of the model and of its training is part of it, so that a checkpoint of
    yesterday's code is not taken for the result of today's.
    """
    digest = hashlib.sha256(json.dumps(asdict(options), sort_keys=True).encode())
    digest.update(torch.__version__.encode())
    for module in (*_DECISIVE, sys.modules[__name__]):
        digest.update(inspect.getsource(module).encode())
    digest.update(initial_digest(options).encode())
    for array in (sequence.rows, sequence.present, sequence.times):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
