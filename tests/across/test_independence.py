"""Gradient reversal by hand, and HSIC against sums over all frames."""

from __future__ import annotations

import itertools
from functools import partial

import numpy as np
import pytest
import torch

from mtcm_pipeline.across import independence
from mtcm_pipeline.across.independence import (
    Adversary,
    dependence,
    hsic,
    reversed_gradient,
    whitening,
)


def test_what_flows_back_is_minus_lambda_times_the_plain_gradient():
    values = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(3, dtype=torch.float64)

    def loss(z: torch.Tensor) -> torch.Tensor:
        return torch.tanh(z @ weights).pow(2).sum()

    (plain,) = torch.autograd.grad(loss(values), values)
    (turned,) = torch.autograd.grad(loss(reversed_gradient(values, 0.3)), values)
    assert torch.allclose(turned, -0.3 * plain)
    assert torch.equal(reversed_gradient(values, 0.3), values)
    # And the plain one is right: finite differences.
    step = torch.zeros_like(values)
    step[2, 1] = 1e-6
    slope = (loss(values + step) - loss(values - step)) / 2e-6
    assert float(plain[2, 1]) == pytest.approx(float(slope.detach()), rel=1e-5)


def test_the_adversary_learns_forward_while_the_latent_unlearns():
    torch.manual_seed(0)
    adversary, latent = Adversary(4, 2), torch.randn(6, 4, requires_grad=True)
    owner = torch.tensor([0, 0, 0, 1, 1, 1])
    gradients = []
    for strength in (0.0, 2.0, -1.0):
        logits = adversary(latent, strength)
        loss = torch.nn.functional.cross_entropy(logits, owner)
        inside = [latent, *adversary.parameters()]
        gradients.append(torch.autograd.grad(loss, inside))
    off, on, plain = gradients  # a strength of -1 turns nothing around
    assert torch.equal(off[0], torch.zeros_like(off[0]))
    assert torch.allclose(on[0], -2.0 * plain[0])
    for a, b in zip(on[1:], plain[1:], strict=True):
        assert torch.allclose(a, b)


def hsic_by_sums(first: np.ndarray, second: np.ndarray) -> float:
    """Gretton et al. 2005, equation 9 as the sums that it stands for:
    1/n^2 sum_ij K_ij L_ij + 1/n^4 sum_ijqr K_ij L_qr - 2/n^3 sum_ijq K_ij L_iq,
    with n^2 over (n - 1)^2."""
    n = len(first)
    rows = range(n)
    pairs = sum(first[i, j] * second[i, j] for i, j in itertools.product(rows, rows))
    apart = sum(
        first[i, j] * second[q, r]
        for i, j, q, r in itertools.product(rows, rows, rows, rows)
    )
    chained = sum(
        first[i, j] * second[i, q] for i, j, q in itertools.product(rows, rows, rows)
    )
    value = pairs / n**2 + apart / n**4 - 2 * chained / n**3
    return value * n**2 / (n - 1) ** 2


def test_hsic_equals_the_sums_over_all_frames():
    rng = np.random.default_rng(0)
    latent = torch.from_numpy(rng.normal(size=(7, 3)))
    owner = np.array([0, 0, 1, 1, 1, 2, 2])
    alike, same = latent @ latent.T, (owner[:, None] == owner).astype(float)
    found = float(hsic(alike, torch.from_numpy(same)))
    assert found == pytest.approx(hsic_by_sums(alike.numpy(), same), rel=1e-10)


def canonical_correlations(latent: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """By orthonormal bases of both (Bjorck and Golub 1973), largest first."""
    marks = (owner[:, None] == np.unique(owner)[None]).astype(float)
    first, second = (each - each.mean(axis=0) for each in (latent, marks))
    basis = [np.linalg.svd(each, full_matrices=False) for each in (first, second)]
    kept = [u[:, s > 1e-9 * s[0]] for u, s, _ in basis]
    return np.linalg.svd(kept[0].T @ kept[1], compute_uv=False)


def three_identities(apart: float, n: int = 40) -> tuple[list[torch.Tensor], np.ndarray]:
    rng = np.random.default_rng(1)
    sizes = (n, n // 2, n // 4)
    latents = [rng.normal(size=(size, 4)) * (5.0, 1.0, 1.0, 0.01) for size in sizes]
    for number, latent in enumerate(latents):
        latent[:, 3] += 0.01 * apart * number  # where the variance is least
    owner = np.repeat([0, 1, 2], sizes)
    return [torch.from_numpy(latent) for latent in latents], owner


def test_dependence_is_the_sum_of_squared_canonical_correlations(monkeypatch):
    monkeypatch.setattr(independence, "whitening", partial(whitening, ridge=0.0))
    for apart in (0.0, 1.0, 50.0):
        latents, owner = three_identities(apart)
        wanted = (canonical_correlations(torch.cat(latents).numpy(), owner) ** 2).sum()
        found = float(dependence(latents, [0, 1, 2]))
        assert found == pytest.approx(wanted, rel=1e-3)
    assert float(dependence(latents, [1, 1, 1])) == 0.0


def test_a_linear_probe_at_chance_and_no_dependence_are_the_same():
    latents, _ = three_identities(0.0, n=400)
    level = [latent - latent.mean(dim=0) for latent in latents]
    assert float(dependence(level, [0, 1, 2])) == pytest.approx(0.0, abs=1e-9)


def test_whitened_latents_have_a_covariance_of_one():
    latent = torch.cat(three_identities(3.0)[0])
    white = latent @ whitening(latent, ridge=0.0)
    covariance = np.cov(white.numpy().T, bias=True)
    assert covariance == pytest.approx(np.eye(4), abs=1e-3)


def test_the_gradient_of_dependence_is_that_of_finite_differences(monkeypatch):
    latents, _ = three_identities(1.0, n=8)
    constant = whitening(torch.cat(latents))
    monkeypatch.setattr(independence, "whitening", lambda _: constant)
    first = latents[0].clone().requires_grad_(True)

    def value(z: torch.Tensor) -> torch.Tensor:
        return dependence([z, *latents[1:]], [0, 1, 2])

    (gradient,) = torch.autograd.grad(value(first), first)
    for i, j in itertools.product(range(8), range(4)):
        step = torch.zeros_like(first)
        step[i, j] = 1e-6
        with torch.no_grad():
            slope = (value(first + step) - value(first - step)) / 2e-6
        assert float(gradient[i, j]) == pytest.approx(float(slope), rel=1e-4, abs=1e-7)
