"""The head starts at the filter, learns, and cannot collapse."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mtcm_pipeline.errors import CaptureError, FileContentError
from mtcm_pipeline.tuning.head import (
    WeightHead,
    bernoulli_divergence,
    effective_views,
    head_loss,
    start_weights,
)
from mtcm_pipeline.tuning.options import FinetuneOptions, TuningOptions
from mtcm_pipeline.tuning.persistence import head_from_tensors, head_tensors

OPTIONS = TuningOptions()
PRIOR = np.array([0.95, 0.9, 0.97, 0.5, 0.02, 0.93])


def a_head(options=OPTIONS, prior=PRIOR, width=2) -> WeightHead:
    features = np.random.default_rng(0).normal(size=(len(prior), width))
    return WeightHead(prior, features, options, seed=3)


def trained(head: WeightHead, advantage, options=OPTIONS, steps=200) -> np.ndarray:
    optimiser = torch.optim.Adam(head.parameters(), lr=0.1)
    for _ in range(steps):
        optimiser.zero_grad()
        head_loss(head, torch.tensor(advantage), options).backward()
        optimiser.step()
    return head().detach().numpy()


def test_start_weights_by_hand():
    # p = 0.9: odds 1 / 9, squared 1 / 81, weight 1 / 82.
    assert start_weights(np.array([0.9, 0.5, 0.1]), 2.0) == pytest.approx(
        [1 / 82, 0.5, 81 / 82]
    )
    extreme = start_weights(np.array([0.0, 1.0]), 2.0)
    assert np.isfinite(extreme).all()


@pytest.mark.parametrize("width", [0, 3])
def test_it_starts_with_the_filters_weights_in_0_to_1(width):
    head = a_head(width=width)
    start = head().detach().numpy()
    floor = OPTIONS.least_weight
    assert start == pytest.approx(floor + (1 - floor) * PRIOR)
    assert torch.equal(head(), head.prior())
    assert ((start > 0) & (start <= 1)).all()


def test_what_counts_against_a_view_lowers_it_and_what_is_not_heard_leaves_it():
    prior = np.full(10, 0.95)
    head = a_head(prior=prior, width=0)
    advantage = np.full(10, np.nan)
    advantage[:5] = [-2.0, 1.0, 1.0, 1.0, 1.0]
    weights = trained(head, advantage)
    assert weights[0] < 0.5
    assert (weights[1:5] > 0.9).all()
    assert weights[5:] == pytest.approx(head.prior()[5:].numpy(), abs=1e-3)


def test_the_pull_to_the_filter_holds_against_small_words():
    strong = TuningOptions(prior_pull=100.0)
    weights = trained(a_head(strong, width=0), np.full(6, -2.0), strong)
    assert weights == pytest.approx(a_head(strong).prior().numpy(), abs=0.05)


def test_the_weights_do_not_collapse_onto_few_views():
    prior = np.full(20, 0.9)
    advantage = np.full(20, -2.0)
    advantage[:2] = 1.0
    loose = TuningOptions(prior_pull=0.0, least_effective_share=0.0)
    guarded = TuningOptions(prior_pull=0.0, least_effective_share=0.7)
    free = trained(a_head(loose, prior, 0), advantage, loose)
    held = trained(a_head(guarded, prior, 0), advantage, guarded)
    assert effective_views(torch.tensor(free)) < 5
    assert effective_views(torch.tensor(held)) > 0.6 * 20


def test_gradient_of_the_head_loss_against_finite_differences():
    head = a_head()
    advantage = torch.tensor([1.0, -2.0, 0.3, np.nan, 1.0, -0.5])
    head_loss(head, advantage, OPTIONS).backward()
    assert head.offsets.grad is not None
    for row in range(6):
        values = []
        for sign in (1, -1):
            other = a_head()
            with torch.no_grad():
                other.offsets[row] += sign * 1e-5
            values.append(float(head_loss(other, advantage, OPTIONS).detach()))
        slope = (values[0] - values[1]) / 2e-5
        assert float(head.offsets.grad[row]) == pytest.approx(slope, abs=1e-7)


def test_divergence_and_effective_views_by_hand():
    p = torch.tensor([0.5, 0.25], dtype=torch.float64)
    q = torch.tensor([0.5, 0.5], dtype=torch.float64)
    expected = 0.25 * np.log(0.5) + 0.75 * np.log(1.5)
    assert bernoulli_divergence(p, q).numpy() == pytest.approx([0, expected], abs=1e-7)
    assert float(effective_views(torch.tensor([1.0, 1.0, 0.0]))) == pytest.approx(2)


def test_the_same_seed_gives_the_same_head_and_bad_features_are_refused():
    first, second = a_head().state_dict(), a_head().state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    with pytest.raises(CaptureError, match="must be finite"):
        WeightHead(PRIOR, np.full((6, 1), np.nan), OPTIONS, seed=0)


def test_a_head_goes_to_tensors_and_back():
    options = FinetuneOptions()
    head = a_head(options)
    trained(head, np.array([1.0, -2, 1, 1, 1, -1]), options, steps=5)
    names = tuple("abcdef")
    tensors, about = head_tensors(head, names, options)
    back, found = head_from_tensors(tensors, about)
    assert found == names
    assert torch.equal(back(), head())
    with pytest.raises(FileContentError, match="not the weights of a view-weight head"):
        head_from_tensors({}, about)
