"""The fault benchmark from end to end, on made-up evidence and networks of two steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from judge_cases import evidence_of

from mtcm_pipeline.benchmarks import fault_methods
from mtcm_pipeline.benchmarks.fault_benchmark import run, save_reliability, show, tasks
from mtcm_pipeline.benchmarks.fault_methods import (
    BOOSTING,
    GENERATED_ONLY,
    LEFT_OUT,
    SHIPPED,
    Trainer,
)
from mtcm_pipeline.benchmarks.fault_rivals import RIVALS
from mtcm_pipeline.benchmarks.fault_rows import BenchmarkRow, FrameRow, RowFile
from mtcm_pipeline.benchmarks.fault_store import keep, spoilt_capture
from mtcm_pipeline.judge.photo_facts import NUMBERS
from mtcm_pipeline.judge.scenarios import Scenario
from mtcm_pipeline.judge.training import JudgeTrainOptions


def scenario(capture: str, seed: int) -> Scenario:
    """Every fifth frame is dull."""
    evidence = evidence_of(20, seed)
    kind = np.where(np.arange(20) % 5 == 2, "defocus", "")
    numbers = evidence.numbers.copy()
    for name in ("sharpness", "sharpness_half", "sharpness_quarter"):
        numbers[kind != "", NUMBERS.index(name)] /= 4.0
    truth = pd.DataFrame(
        {"name": evidence.names, "kind": kind, "severity": np.nan, "other": "",
         "strength": np.where(kind != "", "gross", "")}
    )  # fmt: skip
    return Scenario(capture, "all_gross_20", seed, replace(evidence, numbers=numbers),
                    truth)  # fmt: skip


@pytest.fixture
def spoilt(tmp_path):
    made = {}
    for number, capture in enumerate(("cup", "jar", "drawn_1", "drawn_2")):
        file = tmp_path / f"{capture}-all_gross_20-{number}.npz"
        keep(scenario(capture, number), file)
        made[capture] = file
    measured = [spoilt_capture(made[name], measured=True) for name in ("cup", "jar")]
    drawn = [
        spoilt_capture(made[name], measured=False, version=version)
        for name in ("drawn_1", "drawn_2")
        for version in (0, 1)
    ]
    return measured, drawn


def test_every_method_is_measured_on_every_capture_and_only_once(
    spoilt, tmp_path, monkeypatch, capsys
):
    measured, drawn = spoilt
    trainer = Trainer(JudgeTrainOptions(steps=2), 1, tmp_path)
    rows = RowFile(tmp_path / "rows.csv", BenchmarkRow)
    frames = RowFile(tmp_path / "frames.csv", FrameRow)
    run(tasks(measured, drawn, trainer, ablations=False), rows, frames)
    table = rows.read()
    methods = {*RIVALS, SHIPPED, GENERATED_ONLY, LEFT_OUT, BOOSTING}
    for capture in ("cup", "jar"):
        mine = table[table["capture"] == capture]
        assert set(mine["method"]) == methods
        assert len(mine) == 2 * len(methods)  # the one kind, and all kinds
    sharp = table[(table["method"] == "laplacian") & (table["kind"] == "defocus")]
    assert (sharp["won"] == sharp["frames"] * sharp["sound"]).all()
    monkeypatch.setattr(fault_methods, "fitted_judge", None)  # nothing is trained again
    run(tasks(measured, drawn, trainer, ablations=False), rows, frames)
    assert len(rows.read()) == len(table)
    show(table)
    assert "threshold carried over" in capsys.readouterr().out
    save_reliability(frames.read(), tmp_path / "reliability.png")
    assert (tmp_path / "reliability.png").read_bytes()[:4] == b"\x89PNG"


def test_observations_are_kept_and_are_those_of_the_evidence(spoilt):
    one = spoilt[1][1]
    again = spoilt_capture(one.file, measured=False, version=1)
    assert again.name == one.name and again.truth.equals(one.truth)
    assert np.array_equal(again.seen.raw, one.seen.raw, equal_nan=True)
    assert one.evidence().names == one.seen.names
    kept = sorted(file.name for file in one.file.parent.glob("drawn_1*.seen"))
    assert len(kept) == 2


def test_with_the_shipped_judge_alone_nothing_is_trained(spoilt, tmp_path):
    measured, drawn = spoilt
    trainer = Trainer(JudgeTrainOptions(steps=2), 1, tmp_path)
    todo = tasks(measured, drawn, trainer, ablations=True, shipped_only=True)
    assert {name for task in todo for name in task.names} == {*RIVALS, SHIPPED}
