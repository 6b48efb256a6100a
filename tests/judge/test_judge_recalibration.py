"""Thresholds read anew off captures that the networks have not seen."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from judge_cases import evidence_of

from mtcm_pipeline.benchmarks.judge_training import held_out_word, recalibrated, write
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.judge.checkpoint import SHIPPED, judge_from_bytes, shipped_judge
from mtcm_pipeline.judge.fitting import Labelled, fitted_judge
from mtcm_pipeline.judge.observations import observe
from mtcm_pipeline.judge.training import JudgeTrainOptions


def spoilt(capture: str, seed: int, *, typical: bool = True):
    """A sound capture of which some frames are called faulty."""
    faulty = np.arange(24) % 6 == 0
    return SimpleNamespace(capture=capture, seen=observe(evidence_of(24, seed)),
                           faulty=faulty, typical=typical)  # fmt: skip


@pytest.fixture(scope="module")
def unseen():
    return [spoilt(f"fresh_{seed}", seed) for seed in range(3)]


def test_networks_stay_and_thresholds_follow_the_new_captures(unseen, tmp_path):
    old = shipped_judge()
    write(recalibrated(old, unseen), tmp_path)
    new = judge_from_bytes((tmp_path / SHIPPED).read_bytes())
    seen = unseen[0].seen
    assert np.allclose(new.logits(seen).faulty, old.logits(seen).faulty, atol=1e-5)
    assert json.loads(new.card)["calibrated on"] == ["fresh_0", "fresh_1", "fresh_2"]
    assert json.loads(new.card)["captures"] == json.loads(old.card)["captures"]
    assert new.calibration.margin == 0.0
    lost = held_out_word(new, unseen)["lost"]
    assert lost <= 0.04
    scores = [new.calibration.adapted(new.logits(u.seen).faulty) for u in unseen]
    above = np.mean([(s[~u.faulty] > new.calibration.threshold(2.0)).mean()
                     for s, u in zip(scores, unseen, strict=True)])  # fmt: skip
    assert lost == pytest.approx(above)


def test_versions_poorer_than_captures_are_move_no_threshold(unseen):
    poorer = [spoilt(f"fresh_{seed}", 40 + seed, typical=False) for seed in range(3)]
    old = shipped_judge()
    alone, beside = recalibrated(old, unseen), recalibrated(old, [*unseen, *poorer])
    assert beside.calibration == alone.calibration
    for one in poorer:
        one.typical = True
    assert recalibrated(old, [*unseen, *poorer]).calibration != alone.calibration


def test_a_judge_learns_from_all_and_is_calibrated_on_typical_versions():
    options = JudgeTrainOptions(steps=2)
    kinds = ["rotation" if i % 6 == 0 else "" for i in range(24)]

    def versions(*, calibrates: bool) -> list[Labelled]:
        seen = [(k, observe(evidence_of(24, k))) for k in range(4)]
        return [
            Labelled(s, kinds, f"cup_{k % 2}", calibrates=calibrates or k < 2)
            for k, s in seen
        ]

    some, every = (
        fitted_judge(versions(calibrates=flag), options, members=1)
        for flag in (False, True)
    )
    for a, b in zip(
        some.models[0].parameters(), every.models[0].parameters(), strict=True
    ):
        assert torch.equal(a, b)
    assert some.calibration != every.calibration


def test_captures_of_the_training_are_refused(unseen):
    judge = shipped_judge()
    known = json.loads(judge.card)["captures"][0]
    with pytest.raises(CaptureError, match=known):
        recalibrated(judge, [*unseen, spoilt(known, 9)])
