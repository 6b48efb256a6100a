"""Training the MTCM on one capture: reproducible, and resumable after a kill.

Dimension letters: N frames.
"""

from __future__ import annotations

import hashlib
import inspect
import io
import json
import logging
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
import torch
from rich.progress import Progress
from torch import Tensor

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.mtcm import losses, masking, model, step
from mtcm_pipeline.mtcm.model import Mtcm
from mtcm_pipeline.mtcm.options import TrainOptions
from mtcm_pipeline.mtcm.results import CheckpointStore, TrainedMtcm
from mtcm_pipeline.mtcm.sequence import FrameSequence, as_sequence
from mtcm_pipeline.mtcm.step import step_losses
from mtcm_pipeline.tokens.layout import Tokens
from mtcm_pipeline.tokens.standardise import Standardiser

log = logging.getLogger(__name__)

_CHECKPOINT = "checkpoint"
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
    on_snapshot: Callable[[int, Mtcm], None] | None = None,
) -> TrainedMtcm:
    """Train on one capture.

    A run that was killed and started again with the same tokens and options continues
    from its last checkpoint and ends with the same weights, bit for bit on CPU, as a
    run that was never interrupted.

    Args:
        tokens: of the capture; at least 4 frames.
        options: of the model and the training.
        checkpoints: where to resume from and write to; None keeps nothing.
        on_snapshot: called with the epoch and the model (in evaluation mode) every
            `options.snapshot_every` epochs and after the last.

    Raises:
        CaptureError: fewer than 4 frames.
    """
    if len(tokens) < 4:
        raise CaptureError(
            f"the capture has {len(tokens)} frames; the MTCM compares frames with each "
            f"other and needs at least 4"
        )
    standardiser = Standardiser.fit(tokens)
    run = _Run.start(as_sequence(tokens, standardiser), options)
    with torch.random.fork_rng(devices=[]), Progress(transient=True) as progress:
        torch.set_rng_state(run.torch_state)
        run.resume(checkpoints)
        task = progress.add_task("training the MTCM", total=options.epochs)
        progress.update(task, completed=run.epoch)
        while run.epoch < options.epochs:
            run.train_epoch()
            progress.update(task, completed=run.epoch)
            # The snapshot first: a run killed in between takes it again.
            if on_snapshot and _due(run.epoch, options.snapshot_every, options):
                on_snapshot(run.epoch, run.model.eval())
            if checkpoints and _due(run.epoch, options.checkpoint_every, options):
                checkpoints.write(_CHECKPOINT, run.checkpoint())
    return TrainedMtcm(
        run.model.eval(),
        standardiser,
        options,
        pd.DataFrame(run.history, columns=HISTORY_COLUMNS),
    )


def _due(epoch: int, every: int, options: TrainOptions) -> bool:
    return epoch % every == 0 or epoch == options.epochs


@dataclass
class _Run:
    """Everything that changes while training, so that it can be saved and resumed."""

    sequence: FrameSequence
    options: TrainOptions
    model: Mtcm
    optimiser: torch.optim.Optimizer
    rng: np.random.Generator
    torch_state: Tensor
    epoch: int
    history: list[dict[str, float]]

    @classmethod
    def start(cls, sequence: FrameSequence, options: TrainOptions) -> _Run:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(options.seed)
            model = Mtcm(options)
            torch_state = torch.get_rng_state()
        optimiser = torch.optim.AdamW(
            model.parameters(),
            lr=options.learning_rate,
            betas=(0.9, 0.98),
            weight_decay=options.weight_decay,
        )
        rng = np.random.default_rng(options.seed)
        return cls(sequence, options, model, optimiser, rng, torch_state, 0, [])

    def train_epoch(self) -> None:
        """One pass: as many windows as it takes to see every frame about once."""
        self.model.train()
        rows = [self._step(window) for window in self._windows()]
        self.epoch += 1
        means = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
        self.history.append({"epoch": self.epoch, **means})

    def _windows(self) -> list[FrameSequence]:
        """Contiguous windows of random length and place, ending anywhere.

        The next-pose head learns from each window's last frame; were the window always
        the whole capture, it would learn one pose by heart.
        """
        n, most = len(self.sequence), self.options.context_frames
        windows = []
        for _ in range(-(-n // most)):
            longest = min(n, most)
            length = int(self.rng.integers(max(4, longest // 2), longest + 1))
            start = int(self.rng.integers(n - length + 1))
            windows.append(self.sequence.window(start, start + length))
        return windows

    def _step(self, window: FrameSequence) -> dict[str, float]:
        rate = self._learning_rate()
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        terms = step_losses(self.model, window, self.options, self.rng)
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
            "fingerprint": training_fingerprint(self.sequence, self.options),
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "rng": json.dumps(self.rng.bit_generator.state),
            "torch_state": torch.get_rng_state(),
            "epoch": self.epoch,
            "history": self.history,
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
        if fingerprint != training_fingerprint(self.sequence, self.options):
            log.info("the checkpoint is of another training: training anew")
            return
        self.model.load_state_dict(content["model"])
        self.optimiser.load_state_dict(content["optimiser"])
        self.rng.bit_generator.state = json.loads(content["rng"])
        torch.set_rng_state(content["torch_state"])
        self.epoch, self.history = content["epoch"], content["history"]
        log.info("resuming the training after epoch %d", self.epoch)


def training_fingerprint(sequence: FrameSequence, options: TrainOptions) -> str:
    """Hash of what decides the training: a checkpoint fits exactly one.

    The source of the model and of its training is part of it, so that a checkpoint of
    yesterday's code is not taken for the result of today's.
    """
    digest = hashlib.sha256(json.dumps(asdict(options), sort_keys=True).encode())
    digest.update(torch.__version__.encode())
    for module in (masking, model, losses, step, sys.modules[__name__]):
        digest.update(inspect.getsource(module).encode())
    for array in (sequence.rows, sequence.present, sequence.times):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
