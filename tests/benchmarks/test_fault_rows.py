"""Files of rows that a stopped run goes on with, and rows by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mtcm_pipeline.benchmarks.fault_benchmark import Task, run
from mtcm_pipeline.benchmarks.fault_rows import (
    BenchmarkRow,
    FrameRow,
    Judged,
    Method,
    RowFile,
    frame_rows,
    rows_of,
)
from mtcm_pipeline.benchmarks.fault_store import SpoiltCapture
from mtcm_pipeline.judge.observations import Observations
from mtcm_pipeline.judge.pair_evidence import PAIR_COLUMNS

KINDS = ["", "", "foreign", "", "rotation", ""]


def spoilt(seed: int = 0) -> SpoiltCapture:
    names = tuple(f"f{i}.jpg" for i in range(len(KINDS)))
    nothing = np.zeros(0, dtype=np.int64)
    seen = Observations(
        names, ("x",), np.arange(6.0)[:, None], nothing, nothing,
        np.zeros((0, len(PAIR_COLUMNS))), np.zeros(0),
    )  # fmt: skip
    strength = ["gross" if kind else "" for kind in KINDS]
    truth = pd.DataFrame({"name": names, "kind": KINDS, "strength": strength})
    return SpoiltCapture("cup", "all_gross_33", seed, truth, seen, True, None)


SAID = Judged(
    scores=np.array([0.0, 1.0, 9.0, 6.0, 5.0, 2.0]),
    dropped=np.array([False, False, True, True, False, False]),
    groups=["", "", "foreign", "pose", "", ""],
    probability=np.array([0.1, 0.1, 0.9, 0.7, 0.5, 0.2]),
)


def test_rows_by_hand():
    foreign, rotation, whole = rows_of(spoilt(), "me", SAID)
    assert (foreign.kind, rotation.kind, whole.kind) == ("foreign", "rotation", "all")
    assert (foreign.won, rotation.won, whole.won) == (4.0, 3.0, 7.0)
    assert (foreign.caught, rotation.caught, whole.caught) == (1.0, 0.0, 1.0)
    assert whole.lost == 1.0 and whole.reasons == 1.0 and whole.sound == 4
    assert (foreign.caught_5, rotation.caught_5) == (1, 0)  # none of four may be lost


def test_a_stopped_run_goes_on_and_writes_nothing_twice(tmp_path):
    asked = []

    def judge(one):
        asked.append(one.seed)
        if one.seed == 1 and len(asked) == 2:
            raise KeyboardInterrupt
        return SAID

    def todo():
        captures = tuple(spoilt(seed) for seed in range(3))
        return iter([Task(("me",), lambda: [Method("me", judge)], captures)])

    rows = RowFile(tmp_path / "rows.csv", BenchmarkRow)
    frames = RowFile(tmp_path / "frames.csv", FrameRow)
    with pytest.raises(KeyboardInterrupt):
        run(todo(), rows, frames)
    assert rows.known() == {("cup", "all_gross_33", 0, "me")}
    run(todo(), rows, frames)
    run(todo(), rows, frames)
    assert asked == [0, 1, 1, 2]
    assert len(rows.read()) == 9 and len(frames.read()) == 18


def test_rows_that_were_half_written_are_replaced(tmp_path):
    rows = RowFile(tmp_path / "rows.csv", BenchmarkRow)
    whole = rows_of(spoilt(), "me", SAID)
    rows.add(whole[:1])
    assert rows.known() == set()
    rows.add(whole)
    assert len(rows.read()) == 3 and len(rows.known()) == 1


def test_frames_keep_their_kind_sound_ones_an_empty_text(tmp_path):
    frames = RowFile(tmp_path / "frames.csv", FrameRow)
    frames.add(frame_rows(spoilt(), "me", SAID))
    assert frames.read()["kind"].tolist() == KINDS
    assert frames.read()["probability"].tolist() == SAID.probability.tolist()
    assert frame_rows(spoilt(), "me", Judged(SAID.scores)) == []
