"""A radiance field from posed views: `fit_field`.

Dimension letters: N Gaussians, V training views.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.field.fit_state import FitState
from mtcm_pipeline.field.gaussians import Gaussians
from mtcm_pipeline.field.options import FieldOptions
from mtcm_pipeline.field.start import gaussians_at, start_points
from mtcm_pipeline.math_threads import math_threads
from mtcm_pipeline.scene.points import ScenePoints
from mtcm_pipeline.scene.views import PinholeViews

OnStep = Callable[[int, float], None]
"""(steps done, loss of the last one)."""

_GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class FittedField:
    """A fitted field and how it came about.

    Attributes:
        gaussians: N float32 in the gauge of the views.
        names: (V) the training views.
        gains: brightness of each training view relative to the field, median 1.
        losses: (steps,) loss of each step, of one view each.
        background: grey value that unmasked views were fitted before.
        seconds: CPU seconds of the fit, start included, without compiling.
    """

    gaussians: Gaussians
    names: tuple[str, ...]
    gains: Mapping[str, float]
    losses: NDArray[np.float32]
    background: float
    seconds: float


def fit_field(
    views: PinholeViews,
    names: Sequence[str],
    options: FieldOptions,
    *,
    seed: int,
    start: ScenePoints | None = None,
    weights: Mapping[str, float] | None = None,
    on_step: OnStep | None = None,
) -> FittedField:
    """Fit Gaussians to the views `names`; nothing of other views is looked at.

    Args:
        views: in the canonical gauge, any sizes.
        names: V >= 2 training views.
        options: of the fit.
        seed: of order, start and relocation; the same seed gives the same bits on the
            same machine.
        start: points to start from, in the gauge of `views`; from the views `names`
            themselves when left out (see `start.start_points`).
        weights: factor of each view's loss, 1 where left out: a view is looked at that
            much more often, so that no step is spent on views that hardly count (in the
            mean over many steps the same as multiplying, Adam's own scaling aside).
        on_step: told after every step.

    Raises:
        CaptureError: fewer than two views, or two equal names, or an unusable weight.
    """
    training = views.subset(_checked(names, weights or {}))
    warm_up()
    began = time.process_time()
    if start is None:
        start = start_points(training, training.names, options, seed=seed)
    with math_threads(options.threads):
        state = FitState(gaussians_at(start, options), training, options, seed)
        order = ViewOrder(_shares(training.names, weights or {}), state.random)
        losses = np.empty(options.steps, np.float32)
        for step in range(options.steps):
            loss = state.view_loss(order.next_view())
            state.descend(loss, step)
            losses[step] = float(loss.detach())
            if on_step is not None:
                on_step(step + 1, float(losses[step]))
    return FittedField(
        state.tensors().numpy(),
        training.names,
        state.gains(),
        losses,
        options.background,
        time.process_time() - began,
    )


def _checked(names: Sequence[str], weights: Mapping[str, float]) -> list[str]:
    if len(set(names)) < len(names):
        twice = next(name for name in names if list(names).count(name) > 1)
        raise CaptureError(f"frame {twice!r} is twice among the training views")
    for name, weight in weights.items():
        if not (np.isfinite(weight) and weight >= 0):
            raise CaptureError(
                f"the weight of frame {name!r} is {weight}: a number >= 0 is needed"
            )
    used = [name for name in names if weights.get(name, 1.0) > 0]
    if len(used) < 2:
        raise CaptureError(
            f"a field is fitted to at least 2 views and there is "
            f"{', '.join(map(repr, used)) or 'none'} (weights above 0)"
        )
    return used


def _shares(names: Sequence[str], weights: Mapping[str, float]) -> NDArray[np.float64]:
    """(V) of all looks, sum 1."""
    factors = np.array([weights.get(name, 1.0) for name in names], dtype=np.float64)
    return factors / factors.sum()


class ViewOrder:
    """Which view comes next: rounds in random order, each view in its share of them.

    With equal shares every round is all views. A view with less than the largest share is
    missing from some rounds, each from others, and where it takes part its place is by
    chance: views of one weight, often neighbours, must not come one after another.
    """

    def __init__(self, shares: NDArray[np.float64], random: torch.Generator) -> None:
        self._shares = torch.as_tensor(shares, dtype=torch.float64)
        self._random = random
        # Rounds that a view is due; the golden ratio spreads any number of views.
        self._due = torch.arange(1, len(shares) + 1, dtype=torch.float64) * _GOLDEN % 1
        self._left = torch.zeros(len(shares), dtype=torch.bool)

    def reweigh(self, shares: NDArray[np.float64]) -> None:
        """Other shares from now on.

        The round goes on without views that have none any more, with those that had none.
        """
        before, self._shares = self._shares, torch.as_tensor(shares, dtype=torch.float64)
        self._left |= before <= 0
        self._left &= self._shares > 0

    def next_view(self) -> int:
        """A view that is left in this round; never one without any share."""
        while not self._left.any():
            self._due += self._shares / self._shares.max()
            self._left = (self._due >= 1) & (self._shares > 0)
            self._due -= self._left.double()
        chance = torch.rand(len(self._left), generator=self._random)
        view = int(torch.argmax(chance.masked_fill(~self._left, -1.0)))
        self._left[view] = False
        return view


def warm_up() -> None:
    """Compile the kernels, or load them compiled, so that no fit is timed with it."""
    from mtcm_pipeline.field.warm_up import compile_kernels

    compile_kernels()
