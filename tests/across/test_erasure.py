"""The erasing map against Lagrange's multipliers; what it leaves of whose frame it is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from across_cases import Memory, identities, spoilt, with_options

from mtcm_pipeline.across.erasure import erasing_map, without_identities
from mtcm_pipeline.across.probe import latent_of
from mtcm_pipeline.across.shared import trained_judge
from mtcm_pipeline.across.start import starting_judge
from mtcm_pipeline.judge.checkpoint import judge_from_bytes, judge_to_bytes
from mtcm_pipeline.judge.graphs import graph_of
from mtcm_pipeline.judge.model import JudgeModel, ModelOptions
from mtcm_pipeline.judge.observations import input_names

SIZES = {"a": 40, "b": 15, "c": 25}
ONE = ["one part"] * sum(SIZES.values())


def latents(width: int = 12) -> tuple[np.ndarray, list[str]]:
    """Correlated directions of very different size; identities differ in small ones."""
    rng = np.random.default_rng(3)
    mixing = rng.normal(size=(width, width)) * np.geomspace(5.0, 0.05, width)
    owners = [name for name, count in SIZES.items() for _ in range(count)]
    latent = rng.normal(size=(len(owners), width))
    latent[:, -1] += [2.0 * "abc".index(owner) for owner in owners]
    latent[:, -2] += [owner == "b" for owner in owners]
    return latent @ mixing, owners


def means_of(latent: np.ndarray, owners: list[str]) -> np.ndarray:
    return np.stack([latent[np.array(owners) == name].mean(axis=0) for name in SIZES])


def test_all_identities_have_the_same_mean_afterwards():
    latent, owners = latents()
    matrix, offset = erasing_map(latent, owners, ONE)
    before, after = (means_of(x, owners) for x in (latent, latent @ matrix.T + offset))
    assert np.ptp(before, axis=0).max() > 0.05
    assert after == pytest.approx(np.tile(before.mean(axis=0), (3, 1)), abs=1e-9)
    assert matrix @ matrix == pytest.approx(matrix, abs=1e-9)
    assert np.linalg.matrix_rank(np.eye(12) - matrix, tol=1e-9) == 2


def test_identities_are_made_alike_in_each_part():
    latent, owners = latents(24)
    rng = np.random.default_rng(5)
    part = rng.integers(2, size=len(owners))
    latent[(part == 1) & (np.array(owners) == "c")] += rng.normal(size=24)
    whole = erasing_map(latent, owners, ONE)
    matrix, offset = erasing_map(latent, owners, [f"{each}" for each in part])
    apart, left = [], []
    for each in (0, 1):
        mine = [owner for owner, p in zip(owners, part, strict=True) if p == each]
        rows = latent[part == each]
        left.append(np.ptp(means_of(rows @ whole[0].T + whole[1], mine), axis=0).max())
        apart.append(np.ptp(means_of(rows @ matrix.T + offset, mine), axis=0).max())
    assert max(left) > 0.5
    assert max(apart) < 1e-9


def test_no_linear_map_that_does_so_changes_less():
    """min E|Ax - x|^2 under A M = 0 is, by multipliers, I - M (M' S^-1 M)^+ M' S^-1."""
    latent, owners = latents()
    matrix, _ = erasing_map(latent, owners, ONE)
    shares = np.array([1 / (3 * SIZES[owner]) for owner in owners])
    centred = latent - shares @ latent
    covariance = (centred * shares[:, None]).T @ centred
    apart = (means_of(latent, owners) - shares @ latent).T  # (D, I)
    solved = np.linalg.solve(covariance, apart)
    wanted = np.eye(12) - apart @ np.linalg.pinv(apart.T @ solved, rcond=1e-9) @ solved.T

    def change(by: np.ndarray) -> float:
        moved = centred @ (by - np.eye(12)).T
        return float(shares @ (moved**2).sum(axis=1))

    upright = np.eye(12) - apart @ np.linalg.pinv(apart)  # erases as well
    assert upright @ apart == pytest.approx(0.0, abs=1e-9)
    assert change(matrix) == pytest.approx(change(wanted), rel=1e-2)
    assert change(matrix) < 0.9 * change(upright)


def test_one_identity_changes_nothing_and_many_leave_three_quarters():
    latent, owners = latents()
    matrix, offset = erasing_map(latent, ["a"] * len(owners), ONE)
    assert matrix == pytest.approx(np.eye(12), abs=1e-12)
    assert offset == pytest.approx(np.zeros(12), abs=1e-12)
    matrix, _ = erasing_map(latent, [f"{row // 4}" for row in range(80)], ONE)
    assert np.linalg.matrix_rank(np.eye(12) - matrix, tol=1e-9) == 3


@pytest.fixture(scope="module")
def net() -> JudgeModel:
    case = spoilt("A").case
    torch.manual_seed(0)
    size = (len(input_names(spoilt("A").columns)), case.pairs.shape[1])
    return JudgeModel(*size, ModelOptions(width=16, layers=1)).eval()


def test_a_network_is_followed_by_one_map_after_another(net):
    graph, rng = graph_of([spoilt("A").case]), torch.Generator().manual_seed(1)
    first, second = (torch.randn(16, 16, generator=rng) for _ in range(2))
    shift = torch.randn(16, generator=rng)
    both = net.followed_by(first, shift).followed_by(second, 2 * shift)
    with torch.no_grad():
        before = net(graph).latent
        wanted = (before @ first.T + shift) @ second.T + 2 * shift
        found = both(graph)
        straight = net(graph).faulty - net.head(before)[:, 0]
        said = net.head(wanted)[:, 0] + straight
    assert torch.allclose(found.latent, wanted, rtol=1e-4, atol=1e-4)
    assert torch.allclose(found.faulty, said, rtol=1e-4, atol=1e-4)
    assert not net.options.projected
    assert both.options.projected


def test_the_latents_of_a_network_tell_nobody_apart(net):
    both = [spoilt(name, frames=frames) for name, frames in (("A", 14), ("B", 21))]
    apart = []
    for each in (net, without_identities(net, both)):
        with torch.no_grad():
            a, b = (each(graph_of([x.case])).latent.mean(dim=0) for x in both)
        apart.append(float((a - b).abs().max()))
    assert apart[0] > 1e-2
    assert apart[1] < 1e-5


def test_a_regularised_judge_is_erased_and_keeps_it_on_the_disk():
    every = [each for each in identities("A", "B") if each.role == "train"]
    options = with_options(regulariser="hsic")
    start = starting_judge(options, every[0].columns)
    judges = [
        trained_judge(start, every, each, Memory(), "tiny")
        for each in (options, with_options(regulariser="none"))
    ]
    assert [judge.models[0].options.projected for judge in judges] == [True, False]
    again = judge_from_bytes(judge_to_bytes(judges[0]))
    assert latent_of(again, every[0]) == pytest.approx(latent_of(judges[0], every[0]))
    first, second = (
        np.vstack([latent_of(again, x) for x in every if x.identity == name]).mean(axis=0)
        for name in "AB"
    )
    # Half precision on the disk is what is left.
    assert first == pytest.approx(second, abs=5e-3)
