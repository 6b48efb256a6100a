"""The weight gradient against finite differences, and its scale-free twin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tuning_cases import VIEWS

from mtcm_pipeline.field.fit_state import FitState
from mtcm_pipeline.field.gaussians import Gaussians
from mtcm_pipeline.field.options import FieldOptions
from mtcm_pipeline.scene.views import PinholeViews
from mtcm_pipeline.tuning.agreement import (
    Compared,
    advantages,
    agreement,
    step_rates,
    weight_gradient,
)

RNG = np.random.default_rng(8)
OPTIONS = FieldOptions(gaussians=30, steps=20, ssim_share=0.0)


def state64() -> FitState:
    """A small field in float64 after some steps."""
    direction = RNG.normal(size=(30, 3))
    gaussians = Gaussians(
        0.25 * direction / np.linalg.norm(direction, axis=1, keepdims=True),
        RNG.normal(size=(30, 4)),
        np.full((30, 3), np.log(0.06)),
        np.zeros(30),
        RNG.normal(0, 0.3, (30, 4, 3)),
    )
    state = FitState(gaussians, VIEWS, OPTIONS, seed=0)
    for step in range(3):
        state.descend(state.view_loss(step), step)
    return state


def moved(state: FitState, change: dict[str, torch.Tensor]) -> float:
    """The mean loss of views 3 and 9 with other parameters, which are put back."""
    before = {name: tensor.detach().clone() for name, tensor in state.parameters.items()}
    with torch.no_grad():
        for name, tensor in state.parameters.items():
            tensor.add_(change[name])
    loss = float((state.view_loss(3) + state.view_loss(9)).detach()) / 2
    with torch.no_grad():
        for name, tensor in state.parameters.items():
            tensor.copy_(before[name])
    return loss


def test_the_weight_gradient_is_that_of_one_step_unrolled():
    state = state64()
    rates = step_rates(state)
    training = [state.gradient(state.view_loss(view)) for view in (0, 1, 5)]
    held_out = state.gradient((state.view_loss(3) + state.view_loss(9)) / 2)
    found = weight_gradient(training, held_out, rates)
    # So short that no splat crosses the faintness below which it is left out.
    tiny = 1e-7
    for number, gradient in enumerate(training):
        step = {name: -tiny * rates[name] * gradient[name] for name in rates}
        back = {name: -change for name, change in step.items()}
        slope = (moved(state, step) - moved(state, back)) / (2 * tiny)
        assert found[number] == pytest.approx(slope, rel=1e-4), number
    assert (np.abs(found) > 1e-6).all()


def test_rates_are_adams_own():
    state = state64()
    rates = step_rates(state)
    (group,) = (g for g in state.optimiser.param_groups if g["name"] == "quats_wxyz")
    known = state.optimiser.state[state.parameters["quats_wxyz"]]
    root = (known["exp_avg_sq"] / (1 - 0.999**3)).sqrt()
    felt = root > root[root > 0].median() * 1e-2
    expected = group["lr"] / root[felt]
    assert torch.allclose(rates["quats_wxyz"][felt], expected)
    assert torch.isfinite(rates["quats_wxyz"]).all()


def test_agreement_does_not_grow_with_a_views_loss():
    rates = {"x": torch.tensor([1.0, 4.0])}
    first, second = {"x": torch.tensor([3.0, 0.0])}, {"x": torch.tensor([1.0, 1.0])}
    larger = {"x": 50 * first["x"]}
    # (1, 1) . D (3, 0) = 3; lengths 3 and sqrt(5)
    assert agreement(first, second, rates) == pytest.approx(1 / np.sqrt(5))
    assert agreement(larger, second, rates) == pytest.approx(1 / np.sqrt(5))
    assert weight_gradient([first, larger], second, rates) == pytest.approx([-3, -150])
    assert agreement(first, first, rates) == pytest.approx(1)
    assert agreement({"x": torch.zeros(2)}, first, rates) == 0


def test_a_gradient_made_ready_is_compared_as_any_other():
    rates = {"x": torch.tensor([1.0, 4.0]), "y": torch.tensor([[0.5]])}
    validation = {"x": torch.tensor([1.0, -2.0]), "y": torch.tensor([[3.0]])}
    ready = Compared.of(validation, rates)
    for row in range(4):
        other = {"x": torch.tensor([float(row), 1.0]), "y": torch.tensor([[-1.0]])}
        expected = agreement(other, validation, rates)
        assert ready.with_(other) == pytest.approx(expected, rel=1e-5)
    assert ready.with_({"x": torch.zeros(2), "y": torch.zeros(1, 1)}) == 0


def test_only_views_that_agree_much_less_than_usual_count_against_themselves():
    cosines = np.array([0.10, 0.12, 0.11, 0.09, 0.10, 0.50, -0.40, np.nan])
    found = advantages(cosines)
    assert np.isnan(found[7])
    assert found[6] == -2.0
    assert found[5] == 1.0  # near the validation views: no reward beyond the usual
    assert (found[:5] > 0).all()
    # Another scale of the same gradients' angles, the same verdict.
    assert np.isnan(advantages(np.full(3, np.nan))).all()


def test_views_of_one_scene_agree_and_a_foreign_picture_does_not():
    """After some training, a view of noise pulls against the held-out views."""
    noise = np.asarray(RNG.random(VIEWS.views[0].rgb.shape), np.float32)
    views = [replace(v, rgb=noise) if k == 5 else v
             for k, v in enumerate(VIEWS.views)]  # fmt: skip
    direction = RNG.normal(size=(200, 3))
    gaussians = Gaussians(
        0.25 * direction / np.linalg.norm(direction, axis=1, keepdims=True),
        RNG.normal(size=(200, 4)),
        np.full((200, 3), np.log(0.05)),
        np.zeros(200),
        np.zeros((200, 4, 3)),
    )
    state = FitState(gaussians, PinholeViews(tuple(views), VIEWS.gauge), OPTIONS, seed=0)
    training = [row for row in range(14) if row not in (3, 9)]  # twelve of them
    for step in range(24):
        state.descend(state.view_loss(training[step % 12]), step)
    held_out = state.gradient((state.view_loss(3) + state.view_loss(9)) / 2)
    rates = step_rates(state)
    cosine = {
        row: agreement(state.gradient(state.view_loss(row)), held_out, rates)
        for row in training
    }
    others = [value for row, value in cosine.items() if row != 5]
    assert cosine[5] < np.median(others)
