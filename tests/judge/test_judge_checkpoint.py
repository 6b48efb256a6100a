"""A judge survives its file; foreign files are refused; the shipped one is fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from judge_cases import evidence_of

from mtcm_pipeline.errors import FileContentError, ParameterError
from mtcm_pipeline.judge.calibration import calibrated
from mtcm_pipeline.judge.checkpoint import (
    Judge,
    judge_from_bytes,
    judge_to_bytes,
    load_judge,
    shipped_judge,
)
from mtcm_pipeline.judge.model import JudgeModel, ModelOptions
from mtcm_pipeline.judge.observations import input_names, observe
from mtcm_pipeline.judge.pair_evidence import PAIR_COLUMNS


@pytest.fixture(scope="module")
def seen():
    return observe(evidence_of())


@pytest.fixture(scope="module")
def judge(seen):
    torch.manual_seed(1)
    size = (len(input_names(seen.columns)), len(PAIR_COLUMNS), ModelOptions(width=16))
    models = (JudgeModel(*size).eval(), JudgeModel(*size).eval())
    rng = np.random.default_rng(0)
    reading = calibrated([rng.normal(size=90)], [rng.random(90) < 0.5])
    return Judge(models, seen.columns, reading, "a card")


def test_a_judge_survives_its_file(judge, seen):
    again = judge_from_bytes(judge_to_bytes(judge))
    assert again.columns == judge.columns and again.card == "a card"
    assert again.calibration == judge.calibration
    difference = again.logits(seen).faulty - judge.logits(seen).faulty
    assert np.abs(difference).max() < 0.02  # half precision


def test_logits_are_the_mean_of_the_networks(judge, seen):
    parts = [replace(judge, models=(m,)).logits(seen).faulty for m in judge.models]
    assert np.allclose(judge.logits(seen).faulty, np.mean(parts, axis=0), atol=1e-5)


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"\x08\0\0\0\0\0\0\0{}      "])
def test_other_files_are_refused(content):
    with pytest.raises(FileContentError, match="judge"):
        judge_from_bytes(content)


def test_evidence_of_another_version_is_refused(judge, seen):
    fewer = replace(seen, columns=seen.columns[:-1], raw=seen.raw[:, :-1])
    with pytest.raises(FileContentError, match="other evidence"):
        judge.logits(fewer)


def test_a_judge_that_is_no_file_is_named(tmp_path):
    with pytest.raises(ParameterError, match=r"scores\.judge"):
        load_judge(str(tmp_path / "nothing.safetensors"))


def test_the_shipped_judge_knows_this_version_and_finds_a_wrong_pose():
    judge = shipped_judge()
    evidence = evidence_of(40)
    seen = observe(evidence)
    assert judge.calibration is not None and "generated" in judge.card
    assert len(judge_to_bytes(judge)) < 5e6  # what the package may carry
    pairs = evidence.pairs.copy()
    mine = (pairs["name_a"] == "f010.jpg") | (pairs["name_b"] == "f010.jpg")
    pairs.loc[mine, "median_epipolar_error_px"] = 25.0
    pairs.loc[mine, "rotation_disagreement_deg"] = 20.0
    pairs.loc[mine, "epipolar_agreement"] = 0.05
    wrong = observe(replace(evidence, pairs=pairs))
    change = judge.logits(wrong).faulty - judge.logits(seen).faulty
    assert change.argmax() == 10 and change[10] > 2.0
