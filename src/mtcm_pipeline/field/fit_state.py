"""A fit under way: parameters, optimiser and gains, one step at a time."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

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
from mtcm_pipeline.scene.views import PinholeViews

# Their learning rates sink to `final_rate` of what they were; the others stay.
_SINKING = ("means_xyz", "log_scales", "opacity_logits", "colours")
# How far a gain goes towards the best one each time that its view is seen: the field
# is still poor early on.
_GAIN_STEP = 0.5


class FitState:
    """Parameters, optimiser and random numbers of a fit under way.

    Attributes:
        options: of the fit.
        random: of backgrounds and relocation; view orders share it.
        targets: the training views, in order.
        parameters: leaf tensors by name.
        optimiser: Adam over them.
        log_gains: (V,) of the training views, median 0.
    """

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

    def view_loss(self, view: int, cam_from_world: Tensor | None = None) -> Tensor:
        """The photometric loss of one view, before this step's background.

        Args:
            view: number of the view.
            cam_from_world: (4, 4) in place of its own pose.
        """
        target = self.targets[view]
        rendered = self.render(
            self.tensors(), target.camera, cam_from_world=cam_from_world
        )
        if self.options.exposure_gains:
            background = self.options.background
            self._move_gain(view, best_gain(rendered, target, background))
        return photometric_loss(
            rendered,
            target,
            self.options,
            background=draw_background(target, self.options, self.random),
            gain=float(np.exp(self.log_gains[view])),
        )

    def descend(self, loss: Tensor, step: int) -> None:
        """One step of Adam on a view's loss, and relocation where it is due.

        Args:
            loss: of `view_loss`.
            step: number of the step, from 0.
        """
        self.optimiser.zero_grad(set_to_none=True)
        (loss + self._pulls()).backward()
        self._settle(step)

    def descend_along(self, loss: Tensor, step: int) -> dict[str, Tensor]:
        """As `descend`; returns the gradient of the loss alone by parameter."""
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        gradient = {
            name: tensor.grad.clone()
            for name, tensor in self.parameters.items()
            if tensor.grad is not None
        }
        self._pulls().backward()
        self._settle(step)
        return gradient

    def gradient(self, losses: Tensor) -> dict[str, Tensor]:
        """The gradient of a loss by parameter; nothing is changed."""
        found = torch.autograd.grad(losses, list(self.parameters.values()))
        return dict(zip(self.parameters, found, strict=True))

    def _settle(self, step: int) -> None:
        options, done = self.options, step / self.options.steps
        for group in self.optimiser.param_groups:
            sinking = options.final_rate**done if group["name"] in _SINKING else 1.0
            group["lr"] = group["first_lr"] * sinking
        self.optimiser.step()
        due = step % options.relocate_every == options.relocate_every - 1
        if due and done < options.relocate_until:
            relocate(self.parameters, self.optimiser, options, self.random)

    def _pulls(self) -> Tensor:
        """Mean opacity and mean size, weighted."""
        opacity = torch.sigmoid(self.parameters["opacity_logits"]).mean()
        size = self.parameters["log_scales"].exp().mean()
        return self.options.opacity_pull * opacity + self.options.scale_pull * size

    def _move_gain(self, view: int, best: float) -> None:
        """Towards the best gain of the view; the typical view keeps gain 1."""
        self.log_gains[view] += _GAIN_STEP * (np.log(best) - self.log_gains[view])
        self.log_gains -= np.median(self.log_gains)


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
