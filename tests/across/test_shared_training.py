"""One process or two, the same network; a step counts cases alike; weights persist."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from across_cases import TINY, Memory, identities, spoilt, with_options

from mtcm_pipeline.across import shared, training
from mtcm_pipeline.across.group import Group, ProcessGroupError, joined
from mtcm_pipeline.across.processes import train_together
from mtcm_pipeline.across.shared import trained_judge
from mtcm_pipeline.across.start import starting_judge
from mtcm_pipeline.across.training import SharedLoss, Step, train_shared
from mtcm_pipeline.judge.graphs import graph_of
from mtcm_pipeline.judge.model import JudgeModel, ModelOptions
from mtcm_pipeline.judge.observations import input_names
from mtcm_pipeline.judge.training import judge_loss

SMALL = ModelOptions(width=16, layers=1)


def small_net(cases) -> tuple[JudgeModel, tuple[str, ...]]:
    inputs = input_names(spoilt("A").columns)
    torch.manual_seed(0)
    return JudgeModel(len(inputs), cases[0].pairs.shape[1], SMALL), inputs


@pytest.fixture(scope="module")
def cases():
    return [
        each.case
        for name, frames in (("A", 14), ("B", 20), ("C", 17))
        for each in (spoilt(name, frames=frames), spoilt(name, frames=frames, seed=2))
    ]


def weights_of(model: JudgeModel) -> torch.Tensor:
    return torch.cat([each.detach().ravel() for each in model.parameters()])


def test_the_loss_is_the_mean_of_each_cases_own(cases):
    net, _ = small_net(cases)
    options = with_options(regulariser="none")
    loss_of = SharedLoss(net.eval(), options, 3)
    step = Step(cases[:3], [0, 0, 1], [1, 2, 3], 0.5, [], [])
    with torch.no_grad():
        alone = [judge_loss(net, [case], options.judge_training()) for case in cases[:3]]
        found = loss_of(step, Group(), False)
        parts = [loss_of(step, Group(rank, 2), False) for rank in (0, 1)]
    assert float(found) == pytest.approx(float(torch.stack(alone).mean()), rel=1e-6)
    assert float(sum(parts)) / 2 == pytest.approx(float(found), rel=1e-6)


@pytest.mark.parametrize("regulariser", ["hsic", "reversal"])
def test_a_regulariser_changes_what_is_learned_and_none_does_not(cases, regulariser):
    net, inputs = small_net(cases)
    nets = [
        train_shared(net, cases, inputs, with_options(regulariser=how, weight=weight))
        for how, weight in (("none", 1.0), (regulariser, 0.0), (regulariser, 5.0))
    ]
    none, off, on = (weights_of(each) for each in nets)
    assert torch.allclose(none, off, atol=1e-6)
    assert not torch.allclose(none, on, atol=1e-4)


def test_no_steps_give_the_start_back_and_the_start_never_changes(cases):
    net, inputs = small_net(cases)
    before = weights_of(net).clone()
    frozen = train_shared(net, cases, inputs, with_options(steps=0))
    trained = train_shared(net, cases, inputs, TINY)
    assert torch.equal(weights_of(frozen), before)
    assert torch.equal(weights_of(net), before)
    assert not torch.allclose(weights_of(trained), before)


@pytest.mark.slow
def test_two_gloo_processes_train_the_network_of_one(cases):
    """Logits, since Adam blows rounding up in weights that decide nothing."""
    net, inputs = small_net(cases)
    options = with_options(regulariser="hsic", weight=3.0, batch=3, timeout_s=60.0)
    one = train_together(net, cases, inputs, options)
    two = train_together(net, cases, inputs, replace(options, processes=2))
    with torch.no_grad():
        begun, alone, together = (
            each.eval()(graph_of(cases)).faulty for each in (net, one, two)
        )
    assert float((alone - begun).abs().max()) > 0.1
    assert torch.allclose(alone, together, atol=1e-3)


def test_a_process_that_nobody_joins_says_so(tmp_path: Path):
    with (
        pytest.raises(
            ProcessGroupError, match=r"0 of 2 .* within 1 s.*across\.processes"
        ),
        joined(0, 2, tmp_path, 1.0),
    ):
        pass


def test_what_is_trained_is_kept_and_never_trained_twice(monkeypatch):
    both, store = identities("A", "B", versions=1), Memory()
    start = starting_judge(TINY, both[0].columns)
    first = trained_judge(start, both, TINY, store, "Both")
    monkeypatch.setattr(shared, "train_together", None)  # would fail if it were called
    again = trained_judge(start, both, replace(TINY, processes=2), store, "Both")
    logits = [each.logits(both[0].seen).faulty for each in (first, again)]
    assert np.array_equal(*logits)
    with pytest.raises(TypeError):
        trained_judge(start, both, replace(TINY, weight=9.0), store, "Both")
    with pytest.raises(TypeError):
        trained_judge(start, both[1:], TINY, store, "Both")


def test_latents_are_what_the_head_reads(cases):
    net, _ = small_net(cases)
    net.eval()
    graph = graph_of([cases[0]])
    with torch.no_grad():
        verdict = net(graph)
        evidence = torch.cat([graph.values, graph.present - 1.0], dim=1)
        logits = net.head(verdict.latent) + net.straight(evidence)
    assert torch.allclose(logits[:, 0], verdict.faulty, atol=1e-6)


def test_every_process_draws_the_same_steps(cases):
    inputs = input_names(spoilt("A").columns)
    draws = [
        list(islice(training._steps(cases, ["A", "B", "C"], inputs, TINY, 0), 2))
        for _ in range(2)
    ]
    for a, b in zip(*draws, strict=True):
        assert a.seeds == b.seeds and a.identities == b.identities
        assert a.compared_identities == b.compared_identities
        assert all(
            np.array_equal(x.values, y.values)
            for x, y in zip(a.cases, b.cases, strict=True)
        )
