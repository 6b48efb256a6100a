"""The meta steps: which views are held out, what was heard, what the head learns.

Dimension letters: V views.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.field.fit_state import FitState
from mtcm_pipeline.tuning.agreement import (
    Compared,
    Gradient,
    advantages,
    step_rates,
)
from mtcm_pipeline.tuning.head import WeightHead, effective_views, head_loss
from mtcm_pipeline.tuning.options import TuningOptions

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

# Steps of the head on what one period said.
_HEAD_STEPS = 1
_LEAST_TURNS = 2
# 1.4826 times the median deviation is a normal standard deviation.
_MAD_TO_SIGMA = 1.4826


class Reweighting:
    """The head, and what training steps and validation views tell it.

    Attributes:
        head: the weights.
        over: whether there is nothing more to be learned.
        periods: one entry a period.
        heard: (V) sum of all agreements of each view, and (V) how many.
    """

    def __init__(
        self,
        head: WeightHead,
        trusted: Bool,
        cam_from_world: Float,
        options: TuningOptions,
        seed: int,
    ) -> None:
        self.head, self._options = head, options
        self._trusted = np.flatnonzero(trusted)
        self._centres = invert_rigid(cam_from_world)[:, :3, 3]
        self._random = np.random.default_rng([seed, 7])
        self._optimiser = torch.optim.Adam(head.parameters(), lr=options.head_rate)
        self._held_out: NDArray[np.int64] = np.zeros(0, np.int64)
        self._compared: Compared | None = None
        self._period: list[list[float]] = [[] for _ in trusted]
        self.heard: list[list[float]] = [[] for _ in trusted]
        self.periods: list[dict] = []
        self.over = False

    def restart(self, weights: Float) -> None:
        """Other weights to start from."""
        clipped = torch.tensor(np.clip(weights, 1e-3, 1 - 1e-3))
        self.head.prior_logits.copy_(torch.log(clipped / (1 - clipped)))

    def weights(self) -> Float:
        """(V) as they are now."""
        with torch.no_grad():
            return np.asarray(self.head().numpy().copy())

    def shares(self) -> Float:
        """(V) of all looks until the next period.

        Views held out have none, nor have those that hardly count.
        """
        weights = self.weights()
        weights[weights < self._options.unseen_below] = 0.0
        weights[self._held_out] = 0.0
        return np.asarray(weights / weights.sum())

    def next_period(self, state: FitState, step: int) -> None:
        """Learn from the period that ends, and hold other views out, or none."""
        self._learn()
        turns = sum(len(each) for each in self.heard) / len(self.heard)
        if turns >= self._options.quiet_turns and not self._any_disagrees():
            self.finish()
            return
        self._held_out = self.choose()
        losses = [state.view_loss(int(row)) for row in self._held_out]
        mean = torch.stack(losses).mean()
        self._compared = Compared.of(state.gradient(mean), step_rates(state))
        weights = self.weights()
        self.periods.append(
            {
                "step": step,
                "validation": self._held_out.tolist(),
                "validation_loss": float(mean.detach()),
                "effective_views": float(effective_views(torch.tensor(weights))),
                "weights": weights,
            }
        )

    def hear(self, row: int, gradient: Gradient) -> None:
        """How the gradient of a training step agrees with the validation's."""
        assert self._compared is not None
        cosine = self._compared.with_(gradient)
        self._period[row].append(cosine)
        self.heard[row].append(cosine)

    def finish(self) -> None:
        """Learn from the last period; weights stay, and no view is held out."""
        self._learn()
        self._held_out = self._held_out[:0]
        self._compared, self.over = None, True

    def _any_disagrees(self) -> bool:
        """Whether the mean of some view stands out downwards, for how often it spoke."""
        turns = np.array([len(each) for each in self.heard])
        every = np.concatenate([np.asarray(each) for each in self.heard])
        if len(every) < 2:
            return False
        middle = np.median(every)
        spread = _MAD_TO_SIGMA * np.median(np.abs(every - middle)) + 1e-9
        means = np.array([np.mean(each) if each else middle for each in self.heard])
        sigmas = (middle - means) * np.sqrt(turns) / spread
        disagrees = sigmas > self._options.disagreeing_sigmas
        return bool((disagrees & (turns >= _LEAST_TURNS)).any())

    def _learn(self) -> None:
        cosines = np.array([np.mean(each) if each else np.nan for each in self._period])
        self._period = [[] for _ in self._period]
        if not np.isfinite(cosines).any():
            return
        advantage = torch.tensor(advantages(cosines))
        for _ in range(_HEAD_STEPS):
            self._optimiser.zero_grad()
            head_loss(self.head, advantage, self._options).backward()
            self._optimiser.step()

    def choose(self) -> NDArray[np.int64]:
        """Trusted rows far from one another, the first one drawn."""
        rows = self._trusted
        chosen = [int(self._random.choice(rows))]
        while len(chosen) < min(self._options.validation_views, len(rows)):
            apart = self._centres[rows][:, None] - self._centres[chosen]
            nearest = np.linalg.norm(apart, axis=2).min(axis=1)
            chosen.append(int(rows[nearest.argmax()]))
        return np.array(sorted(chosen))
