"""One step of a fit: what sinks, what is pulled, and when the dead may move."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from field_scenes import STAY, cloud, views_of
from mtcm_pipeline.field import fit_state
from mtcm_pipeline.field.fit_state import FitState
from mtcm_pipeline.field.options import FieldOptions
from mtcm_pipeline.scene.views import PinholeViews

OPTIONS = FieldOptions(gaussians=8, steps=40, opacity_pull=0.0, scale_pull=0.0)


def state_of(options: FieldOptions) -> FitState:
    small = cloud(8, 0, dtype=np.float32)
    (view, *_) = views_of(small, 1, width=16, height=12).views
    return FitState(small, PinholeViews((view,), STAY), options, seed=0)


def no_loss(state: FitState) -> torch.Tensor:
    """A loss that wants nothing of any parameter."""
    return sum(0.0 * tensor.sum() for tensor in state.parameters.values())


def test_rates_sink_to_the_final_share_where_they_should():
    state = state_of(OPTIONS)
    first = {group["name"]: group["lr"] for group in state.optimiser.param_groups}
    state.descend(no_loss(state), 20)  # half of the steps are done
    now = {group["name"]: group["lr"] for group in state.optimiser.param_groups}
    sunk = 0.05**0.5
    for name in ("means_xyz", "log_scales", "opacity_logits", "colours"):
        assert now[name] == pytest.approx(sunk * first[name])
    for name in ("quats_wxyz", "directional"):
        assert now[name] == first[name]


def test_what_no_picture_wants_becomes_fainter_and_smaller():
    state = state_of(replace(OPTIONS, opacity_pull=0.01, scale_pull=0.01))
    before = {name: t.detach().clone() for name, t in state.parameters.items()}
    state.descend(no_loss(state), 0)
    moved = {name: t.detach() - before[name] for name, t in state.parameters.items()}
    # Adam's first step is its rate, whatever the size of the gradient.
    expected = {"opacity_logits": -OPTIONS.rate_opacities}
    expected["log_scales"] = -OPTIONS.rate_scales
    for name, change in moved.items():
        wanted = torch.full_like(change, expected.get(name, 0.0))
        torch.testing.assert_close(change, wanted, rtol=1e-3, atol=1e-6)


def test_the_gradient_that_is_told_is_that_of_the_loss_alone():
    state = state_of(replace(OPTIONS, opacity_pull=0.01))
    gradient = state.descend_along(3.0 * state.parameters["opacity_logits"].sum(), 0)
    assert set(gradient) == {"opacity_logits"}
    assert (gradient["opacity_logits"] == 3.0).all()


def test_the_dead_may_move_every_so_often_until_the_rest_settles(monkeypatch):
    steps = []
    state = state_of(replace(OPTIONS, relocate_every=10, relocate_until=0.5))
    monkeypatch.setattr(fit_state, "relocate", lambda *_: steps.append(step))
    for step in range(40):
        state.descend(no_loss(state), step)
    assert steps == [9, 19]
