"""A radiance field from posed views: `fit_field`.

Dimension letters: N Gaussians, V training views.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.field.backend import choose_backend
from mtcm_pipeline.field.gaussians import Gaussians
from mtcm_pipeline.field.loss import (
    best_gain,
    draw_background,
    photometric_loss,
    targets_of,
)
from mtcm_pipeline.field.options import FieldOptions
from mtcm_pipeline.field.relocation import relocate
from mtcm_pipeline.field.render import GaussianTensors
from mtcm_pipeline.field.start import gaussians_at, start_points
from mtcm_pipeline.mtcm.threads import torch_threads
from mtcm_pipeline.scene.points import ScenePoints
from mtcm_pipeline.scene.views import PinholeViews

logger = logging.getLogger(__name__)

OnStep = Callable[[int, float], None]
"""(steps done, loss of the last one)."""

# Their learning rates sink to `final_rate` of what they were; the others stay.
_SINKING = ("means_xyz", "log_scales", "opacity_logits", "colours")


# Random part of what a view is owed: far under any share, so that it decides ties only.
_TIE = 1e-6
# How far a gain goes towards the best one each time that its view is seen: the field
# is still poor early on.
_GAIN_STEP = 0.5


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
    with torch_threads(options.threads):
        state = _FitState(gaussians_at(start, options), training, options, seed)
        order = ViewOrder(_shares(training.names, weights or {}), state.random)
        losses = np.empty(options.steps, np.float32)
        for step in range(options.steps):
            losses[step] = _step(state, step, order.next_view())
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
    """Which view comes next: each in turn by its share, ties at random.

    With equal shares: all views once in random order, then all again.
    """

    def __init__(self, shares: NDArray[np.float64], random: torch.Generator) -> None:
        self._shares = torch.as_tensor(shares)
        self._owed = torch.zeros_like(self._shares)
        self._random = random

    def next_view(self) -> int:
        """The view that is owed most."""
        self._owed += self._shares
        ties = _TIE * torch.rand(len(self._owed), generator=self._random)
        view = int(torch.argmax(self._owed + ties))
        self._owed[view] -= 1
        return view


class _FitState:
    """Parameters, optimiser and order of a fit under way."""

    def __init__(
        self, start: Gaussians, views: PinholeViews, options: FieldOptions, seed: int
    ) -> None:
        self.options = options
        self.random = torch.Generator().manual_seed(seed)
        backend = choose_backend()
        self.render = backend.render
        self.targets = targets_of(views, backend.device)
        self.parameters = _parameters(start, backend.device)
        self.optimiser = _optimiser(self.parameters, options)
        self.log_gains = np.zeros(len(self.targets))

    def gains(self) -> dict[str, float]:
        """Brightness of each training view."""
        gains = np.exp(self.log_gains).tolist()
        return {t.name: gain for t, gain in zip(self.targets, gains, strict=True)}

    def tensors(self) -> GaussianTensors:
        """The Gaussians as they are now."""
        p = self.parameters
        harmonics = torch.cat([p["colours"], p["directional"]], 1)
        return GaussianTensors(
            p["means_xyz"],
            p["quats_wxyz"],
            p["log_scales"],
            p["opacity_logits"],
            harmonics,
        )


def _parameters(start: Gaussians, device: str) -> dict[str, Tensor]:
    tensors = GaussianTensors.of(start, device)
    parameters = {
        "means_xyz": tensors.means_xyz,
        "quats_wxyz": tensors.quats_wxyz,
        "log_scales": tensors.log_scales,
        "opacity_logits": tensors.opacity_logits,
        "colours": tensors.harmonics[:, :1].clone(),
        "directional": tensors.harmonics[:, 1:].clone(),
    }
    return {name: tensor.requires_grad_() for name, tensor in parameters.items()}


def _optimiser(
    parameters: dict[str, Tensor], options: FieldOptions
) -> torch.optim.Optimizer:
    rates = {
        "means_xyz": options.rate_means,
        "quats_wxyz": options.rate_quats,
        "log_scales": options.rate_scales,
        "opacity_logits": options.rate_opacities,
        "colours": options.rate_colours,
        "directional": options.rate_directional,
    }
    groups = [
        {"params": [tensor], "lr": rates[name], "first_lr": rates[name], "name": name}
        for name, tensor in parameters.items()
    ]
    return torch.optim.Adam(groups, eps=1e-15, fused=True)


def _step(state: _FitState, step: int, view: int) -> float:
    """One view, one step of Adam, and relocation where it is due; returns the loss."""
    options, done = state.options, step / state.options.steps
    for group in state.optimiser.param_groups:
        sinking = options.final_rate**done if group["name"] in _SINKING else 1.0
        group["lr"] = group["first_lr"] * sinking
    loss = _view_loss(state, view)
    state.optimiser.zero_grad(set_to_none=True)
    (loss + _pulls(state.parameters, options)).backward()
    state.optimiser.step()
    due = step % options.relocate_every == options.relocate_every - 1
    if due and done < options.relocate_until:
        relocate(state.parameters, state.optimiser, options, state.random)
    return float(loss.detach())


def _view_loss(state: _FitState, view: int) -> Tensor:
    target = state.targets[view]
    rendered = state.render(state.tensors(), target.camera)
    if state.options.exposure_gains:
        _move_gain(state, view, best_gain(rendered, target, state.options.background))
    return photometric_loss(
        rendered,
        target,
        state.options,
        background=draw_background(target, state.options, state.random),
        gain=float(np.exp(state.log_gains[view])),
    )


def _pulls(parameters: dict[str, Tensor], options: FieldOptions) -> Tensor:
    """Mean opacity and mean size, weighted."""
    opacity = torch.sigmoid(parameters["opacity_logits"]).mean()
    size = parameters["log_scales"].exp().mean()
    return options.opacity_pull * opacity + options.scale_pull * size


def _move_gain(state: _FitState, view: int, best: float) -> None:
    """Towards the best gain of the view; the typical view keeps gain 1."""
    state.log_gains[view] += _GAIN_STEP * (np.log(best) - state.log_gains[view])
    state.log_gains -= np.median(state.log_gains)


def warm_up() -> None:
    """Compile the kernels, or load them compiled, so that no fit is timed with it."""
    from mtcm_pipeline.field.warm_up import compile_kernels

    compile_kernels()
