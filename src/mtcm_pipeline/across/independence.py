"""What keeps a latent from encoding whose frame it is.

Two ways: an adversary that tells the identity behind a layer that turns its gradient
around (Ganin et al. 2016, "Domain-adversarial training of neural networks", equations
6 to 8), and a kernel measure of dependence (HSIC, Gretton et al. 2005, "Measuring
statistical dependence with Hilbert-Schmidt norms", equation 9) of the whitened latent,
with linear kernels (the normalised cross-covariance of Fukumizu et al. 2007, "Kernel
measures of conditional dependence"). A linear probe is at chance exactly where all
identities have the same mean latent (Belrose et al. 2023, "LEACE", theorem 3.1), which is
where this measure is zero, however small the variance of the direction that tells.

Dimension letters: N frames, D width of the latent, I identities.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

_TINY = 1e-8
# With less, a step's few hundred frames say more of chance than of identities.
RIDGE = 0.01


class _Reversal(torch.autograd.Function):
    """The identity going forward; minus `strength` times the gradient going back."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradient, None


def reversed_gradient(values: Tensor, strength: float) -> Tensor:
    """`values`; what flows back is minus `strength` times what came."""
    result: Tensor = _Reversal.apply(values, strength)
    return result


class Adversary(nn.Module):
    """Tells the identity of a frame from its latent.

    Args:
        width: D.
        identities: I.
    """

    def __init__(self, width: int, identities: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(width, width), nn.ReLU(), nn.Linear(width, identities)
        )

    def forward(self, latent: Tensor, strength: float) -> Tensor:
        """(N, I) logits of (N, D) latents, whose gradient is turned around."""
        return self.layers(reversed_gradient(latent, strength))


def hsic(first: Tensor, second: Tensor) -> Tensor:
    """Biased estimate of dependence, tr(K H L H) / (N - 1)^2.

    Args:
        first: (N, N) kernel K over one variable.
        second: (N, N) kernel L over the other.
    """
    n = len(first)
    centred = first - first.mean(dim=0, keepdim=True)
    centred = centred - centred.mean(dim=1, keepdim=True)  # H K H
    return (centred * second).sum() / (n - 1) ** 2


def dependence(latents: list[Tensor], identities: list[int]) -> Tensor:
    """How much latents say about identities: HSIC of the whitened latent.

    Its kernel is linear, that of identities 1 / N_k between the N_k frames of one; times
    (N - 1)^2 / N this is the sum of the squared canonical correlations of latent and
    identity, 0 (nothing) to I - 1 (everything).

    Args:
        latents: (N_k, D) of each case.
        identities: of each case.

    Returns:
        A number; 0 where all cases are of one identity. Its gradient takes the whitening
        for a constant: identities are to come together, not to be drowned in variance.
    """
    owner = torch.cat([torch.full((len(z),), who) for z, who in
                       zip(latents, identities, strict=True)])  # fmt: skip
    latent = torch.cat(latents)
    same = (owner[:, None] == owner[None]).to(latent.dtype)
    if bool(same.all()):
        return torch.zeros((), dtype=latent.dtype)
    white = latent @ whitening(latent.detach())
    n = len(latent)
    shares = same / same.sum(dim=1, keepdim=True)
    return hsic(white @ white.T, shares) * (n - 1) ** 2 / n


def whitening(latent: Tensor, ridge: float = RIDGE) -> Tensor:
    """(D, D) matrix that gives (N, D) latents a covariance of 1.

    Args:
        latent: (N, D).
        ridge: share of the mean variance that is added to every direction.
    """
    centred = latent - latent.mean(dim=0)
    covariance = centred.T @ centred / len(latent)
    more = ridge * torch.trace(covariance) / len(covariance) + _TINY
    added = more * torch.eye(len(covariance), dtype=latent.dtype)
    lower = torch.linalg.cholesky(covariance + added)
    return torch.linalg.inv(lower).T
