"""The probe at chance on shuffled labels, areas against scikit-learn, who is left out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from across_cases import TINY, Memory, identities, spoilt, with_options
from sklearn.metrics import roc_auc_score

from mtcm_pipeline.across import left_out
from mtcm_pipeline.across.areas import METHODS, area_rows, area_table, summed_up
from mtcm_pipeline.across.left_out import judge_left_out
from mtcm_pipeline.across.probe import latent_of, probe_identity
from mtcm_pipeline.across.shared import (
    judge_of_weights,
    shared_judge,
    weights_of_judge,
)
from mtcm_pipeline.across.spoilt import TEST, SpoiltIdentity
from mtcm_pipeline.across.start import starting_judge
from mtcm_pipeline.errors import FileContentError, IdentityError, ParameterError


def clusters(apart: float, n: int = 300) -> tuple[np.ndarray, list[str], list[str]]:
    """Latents of three identities of unequal size, `apart` in one of eight numbers."""
    rng = np.random.default_rng(0)
    owners = rng.choice(3, n, p=[0.6, 0.3, 0.1])
    latent = rng.normal(size=(n, 8))
    latent[:, 3] += apart * owners
    return latent, [f"id{each}" for each in owners], [f"f{row}" for row in range(n)]


def test_the_probe_is_at_chance_on_shuffled_labels_and_sure_on_what_is_apart():
    latent, owners, frames = clusters(20.0)
    shuffled = list(np.random.default_rng(1).permutation(owners))
    told, guessed = (probe_identity(latent, who, frames) for who in (owners, shuffled))
    assert told.accuracy > 0.99
    assert guessed.chance == pytest.approx(1 / 3)
    assert guessed.accuracy == pytest.approx(1 / 3, abs=0.1)
    assert np.isnan(probe_identity(latent, ["one"] * 300, frames).accuracy)


def test_versions_of_a_frame_are_held_out_together():
    """Every frame has a number of its own and no more: seen twice, it would be known."""
    rng = np.random.default_rng(2)
    marks = 5.0 * rng.normal(size=(60, 64))
    owners = [f"id{each}" for each in rng.integers(2, size=60)] * 4
    frames = [f"f{row}" for row in range(60)] * 4
    latent = np.tile(marks, (4, 1)) + 0.01 * rng.normal(size=(240, 64))
    together = probe_identity(latent, owners, frames).accuracy
    apart = probe_identity(latent, owners, [f"f{row}" for row in range(240)]).accuracy
    assert together < 0.7
    assert apart > 0.95


def test_areas_are_those_of_scikit_learn_over_all_versions():
    tests = [spoilt("A", TEST, seed=seed) for seed in (1, 3)]
    judge = starting_judge(TINY, tests[0].columns)
    table = area_table(list(area_rows(judge, "start", tests)))
    assert list(table["kind"]) == ["defocus"]
    truths = [each.faulty for each in tests]
    scores = [judge.logits(each.seen).faulty for each in tests]
    areas = [roc_auc_score(t, s) for t, s in zip(truths, scores, strict=True)]
    pairs = [t.sum() * (~t).sum() for t in truths]
    assert table["area"][0] == pytest.approx(np.average(areas, weights=pairs))
    assert table["frames"][0] == sum(t.sum() for t in truths)


def test_the_summary_is_the_mean_over_identities_then_over_kinds():
    areas = {"A": 0.5, "B": 1.0}
    rows = [
        (who, method, kind, "gross", 2, 10, 10 * area * (0.5 if kind == "mask" else 1))
        for who, area in areas.items()
        for method in METHODS
        for kind in ("block", "mask")
    ]
    table = summed_up(area_table(rows))
    by_kind = table.set_index(["strength", "kind"])["shared"]
    assert by_kind["gross", "block"] == pytest.approx(0.75)
    assert by_kind["gross", "mask"] == pytest.approx(0.375)
    assert by_kind["both", "mean over kinds"] == pytest.approx(0.5625)
    assert (table["shared - alone"] == 0).all()
    assert summed_up(area_table([])).empty


def test_who_is_left_out_is_never_trained_on_except_alone(monkeypatch):
    seen: list[tuple[str, set[str], set[str]]] = []

    def noting(start, versions, options, store, name):
        people = {each.identity for each in versions}
        seen.append((name, people, {each.role for each in versions}))
        return start

    monkeypatch.setattr(left_out, "trained_judge", noting)
    three = identities("A", "B", "C", versions=1)
    start = starting_judge(TINY, three[0].columns)
    found = judge_left_out(start, three, TINY, Memory())
    assert all(roles == {"train"} for _, _, roles in seen)
    assert [people for name, people, _ in seen if name.startswith("Without B")] == [
        {"A", "C"},
        {"A", "C"},
    ]
    assert [people for name, people, _ in seen if name == "B alone"] == [{"B"}]
    assert set(found.areas["identity"]) == {"A", "B", "C"}
    assert len(found.logits) == sum(len(each.names) for each in three)
    seen.clear()
    judge_left_out(start, three, with_options(leave_out=["C"]), Memory())
    assert {name[-1] for name, people, _ in seen if "alone" not in name} <= {"C", "n"}
    assert not any(name == "A alone" for name, _, _ in seen)
    with pytest.raises(IdentityError, match="'D'"):
        judge_left_out(start, three, with_options(leave_out=["D"]), Memory())


def test_the_shared_judge_survives_its_file_and_says_what_it_was_trained_on(tmp_path):
    both, store = identities("A", "B", versions=1), Memory()
    start = starting_judge(TINY, both[0].columns)
    logits = judge_left_out(start, both, TINY, store).logits
    judge, card = shared_judge(both, logits, TINY, store)
    back = judge_of_weights(*weights_of_judge(judge))
    before, after = (each.logits(both[1].seen).faulty for each in (judge, back))
    assert np.array_equal(before, after)
    assert back.calibration == judge.calibration
    assert set(card["trained on"]) == {"A", "B"}
    assert card["faulty frames"]["defocus"] == sum(
        int(each.faulty.sum()) for each in both if each.role == "train"
    )
    # As a start for the next one.
    from safetensors.torch import save_file

    tensors, texts = weights_of_judge(judge)
    save_file(tensors, tmp_path / "judge.safetensors", metadata=texts)
    options = with_options(init=str(tmp_path / "judge.safetensors"), steps=0, members=3)
    again = starting_judge(options, both[0].columns)
    assert len(again.models) == 3
    assert np.array_equal(latent_of(again, both[0])[:, :64], latent_of(judge, both[0]))
    frozen, _ = shared_judge(both, pd.DataFrame({"identity": []}), options, store)
    assert np.allclose(frozen.logits(both[1].seen).faulty, before)
    assert frozen.calibration == judge.calibration


def test_a_start_that_is_not_there_or_of_other_evidence_is_refused():
    columns = spoilt("A").columns
    with pytest.raises(ParameterError, match=r"no file 'nowhere'.*across\.init"):
        starting_judge(with_options(init="nowhere"), columns)
    with pytest.raises(FileContentError, match=r"across\.init"):
        starting_judge(with_options(init="shipped"), columns[:-1])


def test_a_spoilt_identity_survives_its_bytes_and_anything_else_is_nothing():
    one = spoilt("Bronze, Head")
    back = SpoiltIdentity.from_bytes(one.to_bytes())
    assert back is not None
    assert back.content == one.content
    assert back.identity == "Bronze, Head" and back.seed == one.seed
    assert back.kinds == one.kinds
    assert SpoiltIdentity.from_bytes(one.to_bytes()[:-40]) is None
    assert SpoiltIdentity.from_bytes(b"") is None
