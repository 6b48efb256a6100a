"""Gaussians that have become invisible move to where the scene needs more of them.

After Kheradmand et al. 2024, "3D Gaussian Splatting as Markov Chain Monte Carlo",
section 4.2: a dead Gaussian becomes a copy of a living one, drawn by opacity, and the
copies share its opacity so that together they hide as much as it did (equation 9).
Instead of their integral for the sizes, copies shrink and are scattered inside the
original, which needs no table.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mtcm_pipeline.field.options import FieldOptions

# Copies of a Gaussian shrink by count ** -this, as if each took its share of the volume
# in one and a half of three dimensions; more than 4 copies shrink no further.
_SHRINK = 0.4
_MOST_COPIES = 4
# Scatter in standard deviations of the original.
_SCATTER = 0.7
_LEAST_OPACITY, _MOST_OPACITY = 0.02, 0.99


@torch.no_grad()
def relocate(
    parameters: dict[str, Tensor],
    optimiser: torch.optim.Optimizer,
    options: FieldOptions,
    random: torch.Generator,
) -> int:
    """Move the dead among N Gaussians, in place; returns how many.

    Args:
        parameters: of the fit by name, each with first dimension N.
        optimiser: whose moments of moved Gaussians, and of their originals, restart.
        options: says who is dead.
        random: draws originals and scatter.
    """
    opacities = torch.sigmoid(parameters["opacity_logits"])
    alive = opacities >= options.dead_opacity
    dead = (~alive).nonzero()[:, 0]
    if not len(dead) or not alive.any():
        return 0
    chances = (opacities * alive).cpu()  # the generator is the CPU's
    sources = torch.multinomial(chances, len(dead), replacement=True, generator=random)
    sources = sources.to(dead.device)
    _share(parameters, torch.bincount(sources, minlength=len(opacities)) + 1)
    for parameter in parameters.values():
        parameter[dead] = parameter[sources]
    scatter = _SCATTER * torch.randn(len(dead), 3, generator=random)
    parameters["means_xyz"][dead] += (
        scatter.to(dead.device) * parameters["log_scales"][dead].exp()
    )
    _forget(parameters, optimiser, torch.cat([dead, sources.unique()]))
    return len(dead)


def _share(parameters: dict[str, Tensor], copies: Tensor) -> None:
    """Opacity 1 - (1 - o)^(1/n) and smaller sizes where n > 1 copies stand together."""
    several = copies > 1
    opacity = torch.sigmoid(parameters["opacity_logits"])
    shared = 1 - (1 - opacity).clamp(min=1e-4) ** (1 / copies)
    logits = torch.logit(shared.clamp(_LEAST_OPACITY, _MOST_OPACITY))
    parameters["opacity_logits"][several] = logits[several]
    shrink = _SHRINK * copies.clamp(max=_MOST_COPIES).log()
    parameters["log_scales"][several] -= shrink[several, None]


def _forget(
    parameters: dict[str, Tensor], optimiser: torch.optim.Optimizer, rows: Tensor
) -> None:
    for parameter in parameters.values():
        state = optimiser.state[parameter]
        for moment in ("exp_avg", "exp_avg_sq"):
            state[moment][rows] = 0
