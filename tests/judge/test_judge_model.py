"""The graph transformer against dense softmax, and its symmetries."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from judge_cases import evidence_of

from mtcm_pipeline.judge.graphs import Augmentation, augmented, case_of, graph_of
from mtcm_pipeline.judge.model import JudgeModel, ModelOptions, mean_by, softmax_by
from mtcm_pipeline.judge.observations import input_names, observe
from mtcm_pipeline.judge.pair_evidence import PAIR_COLUMNS
from mtcm_pipeline.judge.training import JudgeTrainOptions, judge_loss, train_judge


@pytest.fixture(scope="module")
def seen():
    return observe(evidence_of(20))


@pytest.fixture(scope="module")
def model(seen):
    torch.manual_seed(0)
    inputs = len(input_names(seen.columns))
    return JudgeModel(inputs, len(PAIR_COLUMNS), ModelOptions(width=16)).eval()


def test_softmax_by_group_equals_softmax_of_each_group():
    values = torch.randn(12, 3)
    group = torch.tensor([0, 2, 0, 2, 2, 0, 3, 3, 0, 2, 3, 0])
    shares = softmax_by(values, group, 4)
    for number in (0, 2, 3):
        rows = group == number
        assert torch.allclose(shares[rows], torch.softmax(values[rows], dim=0))


def test_mean_by_group():
    values, group = torch.randn(5, 2), torch.tensor([0, 1, 0, 1, 1])
    means = mean_by(values, group)
    assert torch.allclose(means[1], values[[1, 3, 4]].mean(dim=0))


def test_captures_side_by_side_do_not_see_each_other(seen, model):
    case, other = case_of(seen), case_of(observe(evidence_of(15, seed=3)))
    with torch.no_grad():
        alone = model(graph_of([case])).faulty
        beside = model(graph_of([case, other])).faulty
    assert torch.allclose(alone, beside[:20], atol=1e-5)


def test_the_order_of_frames_and_pairs_does_not_matter(seen, model):
    case, order = case_of(seen), np.random.default_rng(1).permutation(20)
    place = np.argsort(order)
    shuffled = replace(
        case,
        values=case.values[order],
        present=case.present[order],
        first=place[case.second][::-1].copy(),
        second=place[case.first][::-1].copy(),
        pairs=case.pairs[::-1].copy(),
        kind=case.kind[order],
    )
    with torch.no_grad():
        straight = model(graph_of([case])).faulty[torch.from_numpy(order)]
        mixed = model(graph_of([shuffled])).faulty
    assert torch.allclose(straight, mixed, atol=1e-5)


def test_attention_of_every_frame_adds_up_to_one(seen, model):
    graph = graph_of([case_of(seen)])
    with torch.no_grad():
        attention = model(graph).attention  # (L, E, H)
    total = torch.zeros(3, 20, 4).index_add(1, graph.target, attention)
    assert torch.allclose(total, torch.ones_like(total), atol=1e-5)


def test_without_edges_pair_evidence_changes_nothing(seen):
    torch.manual_seed(0)
    inputs = len(input_names(seen.columns))
    deaf = JudgeModel(inputs, len(PAIR_COLUMNS), ModelOptions(width=16, edges=False))
    case = case_of(seen)
    noisy = replace(case, pairs=case.pairs + 1.0)
    with torch.no_grad():
        a, b = (deaf.eval()(graph_of([c])).faulty for c in (case, noisy))
    assert torch.equal(a, b)


def test_augmentation_leaves_the_case_and_drops_whole_groups(seen):
    case, rng = case_of(seen), np.random.default_rng(0)
    before = case.values.copy()
    groups = np.arange(case.values.shape[1]) % 5
    how = Augmentation(drop_groups=0.5, drop_entries=0.0, noise=0.0)
    varied = augmented(case, groups, how, rng)
    assert (case.values == before).all()
    assert (varied.values[varied.present == 0] == 0).all()
    assert len(varied) <= len(case) and varied.first.max(initial=0) < len(varied)
    for group in range(5):
        share = varied.present[:, groups == group].mean()
        assert share in (
            0.0,
            pytest.approx(case.present[:, groups == group].mean(), abs=0.1),
        )


def test_training_learns_what_one_column_says_and_repeats_itself(seen):
    """Frames whose first input is high are called faulty; the same seed, the same net."""
    rng = np.random.default_rng(0)
    cases = []
    for number in range(4):
        case = case_of(seen, capture=f"c{number}")
        kind = np.where(rng.random(20) < 0.3, 0, -1)
        values = case.values.copy()
        values[:, 0] = np.where(kind >= 0, 3.0, 0.0)
        present = case.present.copy()
        present[:, 0] = 1.0
        cases.append(replace(case, values=values, present=present, kind=kind))
    names = input_names(seen.columns)
    options = JudgeTrainOptions(steps=60, batch=2, learning_rate=5e-3)
    small = ModelOptions(width=16, layers=1)
    nets = [train_judge(cases, names, options, small) for _ in range(2)]
    for a, b in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
        assert torch.equal(a, b)
    with torch.no_grad():
        logits = nets[0](graph_of(cases)).faulty.numpy()
    bad = np.concatenate([case.kind for case in cases]) >= 0
    above = logits[bad][:, None] > logits[~bad][None]
    assert above.mean() > 0.9
    assert judge_loss(nets[0], cases, options).item() < 3.0
