"""What is said of frames, by hand-made votes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from judge_cases import evidence_of

from mtcm_pipeline.consistency.options import ScoreOptions
from mtcm_pipeline.judge.calibration import Calibration
from mtcm_pipeline.judge.checkpoint import Judge, Logits
from mtcm_pipeline.judge.kinds import FAULT_KINDS, FIELDS
from mtcm_pipeline.judge.observations import observe
from mtcm_pipeline.judge.score_table import with_judgement
from mtcm_pipeline.judge.verdicts import judged_frames

READING = Calibration((-5.0, 5.0), (0.01, 0.99), (0.25, 20.0), (0.0, 0.0), 0.0, 0.0)


def votes(n, faults, monkeypatch, seen):
    """A judge that calls the frames of `faults` {row: (kind, field)} faulty."""
    kinds = np.zeros((n, len(FAULT_KINDS)))
    fields = np.zeros((n, len(FIELDS)))
    logits = np.full(n, -4.0)
    for row, (kind, field) in faults.items():
        logits[row] = 4.0
        kinds[row, FAULT_KINDS.index(kind)] = 1.0
        fields[row, FIELDS.index(field)] = 1.0
    said = Logits(logits, kinds, fields)
    monkeypatch.setattr(Judge, "logits", lambda self, observations: said)
    return Judge((), seen.columns, READING)


@pytest.fixture(scope="module")
def sound():
    evidence = evidence_of()
    return evidence, observe(evidence)


def misdated(evidence, row, before):
    """The evidence with a frame's time just before another's."""
    times = evidence.times.copy()
    times[row] = times[before] - 1e-3
    return replace(evidence, times=times)


def judged(sound, faults, monkeypatch):
    evidence, seen = sound
    judge = votes(len(seen), faults, monkeypatch, seen)
    return judged_frames(judge, seen, evidence, 2.0).set_index("name")


def test_reasons_fields_and_probabilities(sound, monkeypatch):
    faults = {
        3: ("defocus", "embedding"),
        5: ("exposure", "embedding"),
        9: ("mask", "mask"),
        11: ("timestamp", "time"),
        14: ("block", "pose"),
    }
    evidence, seen = sound
    table = judged((misdated(evidence, 11, 3), seen), faults, monkeypatch)
    assert table["faulty"].sum() == 5
    assert table["reason"].iloc[3] == "blurred"
    assert table["reason"].iloc[9] == "mask bad"
    assert table["reason"].iloc[14].startswith("pose disagrees")
    assert table["field"].iloc[[3, 9, 11, 14, 0]].tolist() == [
        "embedding", "mask", "time", "pose", "none",
    ]  # fmt: skip
    assert table["fault_score"].iloc[3] > 0.5 > table["fault_score"].iloc[4]
    assert table["fault_probability"].iloc[3] == pytest.approx(0.892)
    assert (table.loc[~table["faulty"], "reason"] == "").all()


def test_a_copy_is_kept_where_its_original_is_dropped(sound, monkeypatch):
    evidence, seen = sound
    small, poses = evidence.small.copy(), evidence.world_from_cam.copy()
    small[8], poses[8] = small[7], poses[7]
    twins = replace(evidence, small=small, world_from_cam=poses), seen
    both = {7: ("defocus", "embedding"), 8: ("duplicate", "none")}
    table = judged(twins, both, monkeypatch)
    assert table["faulty"].iloc[[7, 8]].tolist() == [True, False]
    table = judged(twins, {8: ("duplicate", "none")}, monkeypatch)
    assert table["other"].iloc[8] == "f007.jpg"
    assert table["reason"].iloc[8] == "duplicate of f007.jpg"


def test_what_cannot_be_is_not_called(sound, monkeypatch):
    evidence, seen = sound
    cells = evidence.mask_cells.copy()
    cells[9] = np.nan
    unmasked = replace(evidence, mask_cells=cells), seen
    alike = evidence.small.copy()
    alike[8] = alike[7]  # the same picture from another place is no copy
    elsewhere = replace(evidence, small=alike), seen
    order = np.random.default_rng(0).permutation(len(evidence))
    shuffled = replace(evidence, times=evidence.times[order]), seen
    for case, row, fault in (
        (unmasked, 9, ("mask", "mask")),
        (elsewhere, 8, ("duplicate", "none")),
        (shuffled, 11, ("timestamp", "time")),
        (sound, 11, ("timestamp", "time")),  # it stands between its neighbours in time
    ):
        table = judged(case, {row: fault, 3: ("defocus", "embedding")}, monkeypatch)
        assert np.flatnonzero(table["faulty"]).tolist() == [3]
        assert table["reason"].iloc[row] == ""


def test_what_cannot_be_is_taken_off_the_score_by_bayes_rule(sound, monkeypatch):
    evidence, seen = sound
    judge = votes(len(seen), {6: ("defocus", "embedding")}, monkeypatch, seen)
    said = judge.logits(seen)
    said.kinds[6, FAULT_KINDS.index("defocus")] = 0.6
    said.kinds[6, FAULT_KINDS.index("timestamp")] = 0.4  # but it stands in its place
    table = judged_frames(judge, seen, evidence, 2.0)
    odds = np.exp(4.0) * 0.6  # 0.4 of the odds of a fault are void
    assert table["fault_score"].iloc[6] == pytest.approx(odds / (1.0 + odds))
    assert table["kind"].iloc[6] == "defocus"
    said.kinds[6] = 0.0
    said.kinds[6, FAULT_KINDS.index("timestamp")] = 1.0
    table = judged_frames(judge, seen, evidence, 2.0)
    assert table["fault_score"].iloc[6] < 0.1 and not table["faulty"].iloc[6]


def test_a_frame_beside_a_break_of_the_path_is_in_order(sound, monkeypatch):
    """Twelve frames, then the object is turned over: the step is long on one side only.
    A frame that is out of order is far from both."""
    evidence, seen = sound
    poses = evidence.world_from_cam.copy()
    poses[12:] = np.diag([1.0, -1.0, -1.0, 1.0]) @ poses[12:]
    broken = replace(evidence, world_from_cam=poses)
    faults = {11: ("timestamp", "time"), 12: ("timestamp", "time")}
    assert not judged((broken, seen), faults, monkeypatch)["faulty"].any()
    table = judged((misdated(broken, 11, 3), seen), faults, monkeypatch)
    assert np.flatnonzero(table["faulty"]).tolist() == [11]


def test_an_empty_mask_is_bad_where_most_frames_show_a_subject(sound, monkeypatch):
    evidence, seen = sound
    cells, empty = evidence.mask_cells.copy(), np.zeros(len(evidence))
    cells[[6, 8]] = np.nan  # 6 has an empty mask, 8 has none
    empty[6] = 1.0
    frames = evidence.frames.assign(mask_empty=empty)
    gone = replace(evidence, mask_cells=cells, frames=frames)
    table = judged((gone, seen), {3: ("defocus", "embedding")}, monkeypatch)
    assert np.flatnonzero(table["faulty"]).tolist() == [3, 6]
    assert table[["kind", "field", "reason"]].iloc[6].tolist() == [
        "mask", "mask", "mask bad",
    ]  # fmt: skip
    assert table["fault_score"].iloc[6] > 0.99
    assert table["fault_probability"].iloc[6] == READING.probabilities[-1]
    blurred = judged((gone, seen), {6: ("defocus", "embedding")}, monkeypatch)
    assert blurred["reason"].iloc[6] == "blurred"  # what else is wrong is said first
    cells[: len(cells) // 2] = np.nan  # a capture without masks to compare with
    none = judged((replace(gone, mask_cells=cells), seen), {}, monkeypatch)
    assert not none["faulty"].any()


def test_swapped_poses_name_each_other(sound, monkeypatch):
    evidence, seen = sound
    poses = evidence.world_from_cam.copy()
    poses[[4, 16]] = poses[[16, 4]]
    swapped = replace(evidence, world_from_cam=poses), seen
    table = judged(
        swapped, {4: ("swapped", "pose"), 16: ("swapped", "pose")}, monkeypatch
    )
    assert table["reason"].iloc[4] == "pose agrees better with f016.jpg"
    assert table["other"].iloc[16] == "f004.jpg"


def test_a_frame_measured_to_be_blurred_stays_so_unless_it_looks_as_sound_as_any():
    rules = pd.DataFrame(
        {
            "name": list("abc"),
            "fault_score": [0.7, 0.8, 0.6],
            "faulty": True,
            "usable": False,
            "reason": "blurred",
            "other": "",
        }
    )
    judge = pd.DataFrame(
        {
            "name": list("abc"),
            "fault_probability": [0.12, 0.9, 0.03],
            "fault_score": [0.2, 0.9, 0.1],
            "faulty": [False, True, False],
            "verdict": ["sound", "faulty", "sound"],
            "kind": ["", "foreign", ""],
            "field": "none",
            "reason": ["", "foreign subject", ""],
            "other": "",
        }
    )
    table = with_judgement(rules, judge, ScoreOptions())
    assert table["usable"].tolist() == [False, False, True]
    assert table["reason"].tolist() == ["blurred", "foreign subject", ""]
    assert table["fault_score"].tolist() == [0.7, 0.9, 0.1]


def test_the_judge_outranks_rules_except_on_exact_copies():
    rules = pd.DataFrame(
        {
            "name": list("abcde"),
            "fault_score": [0.9, 0.1, 0.9, 0.2, 0.6],
            "faulty": [True, False, True, False, True],
            "usable": [False, True, False, False, False],
            "reason": ["duplicate of z", "", "mask bad", "no pose", "exposure"],
            "other": ["z", "", "", "", ""],
            "degree_blurred": 0.0,
        }
    )
    judge = pd.DataFrame(
        {
            "name": list("abce"),
            "fault_probability": 0.5,
            "fault_score": [0.1, 0.8, 0.2, 0.7],
            "faulty": [False, True, False, True],
            "verdict": "sound",
            "kind": ["", "defocus", "", "duplicate"],
            "field": "none",
            "reason": ["", "blurred", "", "duplicate of a"],
            "other": ["", "", "", "a"],
            "evidence_x": 1.0,
        }
    )
    table = with_judgement(rules, judge, ScoreOptions()).set_index("name")
    assert table["faulty"].tolist() == [True, True, False, False, True]
    assert table["usable"].tolist() == [False, False, True, False, False]
    assert table["reason"].tolist() == [
        "duplicate of z", "blurred", "", "no pose", "duplicate of a",
    ]  # fmt: skip
    assert table["fault_score"].tolist() == [0.9, 0.8, 0.2, 0.2, 0.7]
    assert np.isnan(table["evidence_x"]["d"])
    lenient = with_judgement(rules, judge, ScoreOptions(drop_duplicates=False))
    assert lenient["usable"].tolist()[4]
