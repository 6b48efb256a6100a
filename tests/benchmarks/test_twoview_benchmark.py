import csv

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from mtcm_pipeline.benchmarks import twoview_benchmark
from mtcm_pipeline.benchmarks.shared_matches import KnownPhotographs, judge_all
from mtcm_pipeline.benchmarks.twoview_benchmark import (
    BenchmarkRow,
    rates,
)
from mtcm_pipeline.faults.inject import inject_poses
from mtcm_pipeline.faults.plans import POSE_PLANS
from mtcm_pipeline.twoview.evidence import judge_poses
from mtcm_pipeline.twoview.features import Features
from mtcm_pipeline.twoview.options import TwoViewOptions
from posed_folder import posed_folder
from synthetic import orbit_cameras, smooth_embeddings

ORBIT = orbit_cameras(16, share=0.5)
OPTIONS = TwoViewOptions(workers=0, max_trials=50)


def photographs() -> KnownPhotographs:
    """Exact projections of points about the origin, each with its own descriptor."""
    rng = np.random.default_rng(0)
    xyz = rng.normal(size=(60, 3))
    xyz *= rng.uniform(0.2, 0.8, (60, 1)) / np.linalg.norm(xyz, axis=1, keepdims=True)
    descriptors = rng.integers(0, 180, (60, 128)).astype(np.uint8)
    features = {}
    for name, pose in zip(ORBIT.names, ORBIT.cam_from_world, strict=True):
        in_cam = xyz @ pose[:3, :3].T + pose[:3, 3]
        xy = 350.0 * in_cam[:, :2] / in_cam[:, 2:] + [200.0, 150.0]
        features[name] = Features(xy.astype(np.float32), descriptors, (400, 300))
    return KnownPhotographs(ORBIT, features, smooth_embeddings(ORBIT))


def test_shared_matches_say_what_matches_of_each_set_of_poses_say():
    known = photographs()
    spoilt = [
        inject_poses(ORBIT, POSE_PLANS[kind], 0)[0]
        for kind in ("gross", "block", "mixed_45")
    ]
    judged = judge_all(known, spoilt, OPTIONS)
    assert judged.pairs <= 16 * 15 / 2
    for cameras, frames in zip(spoilt, judged.frames, strict=True):
        alone = judge_poses(cameras, known.embeddings, known.features, OPTIONS)
        pd.testing.assert_frame_equal(frames, alone.frames[list(frames.columns)])


def test_exact_photographs_tell_every_gross_fault():
    cameras, truth = inject_poses(ORBIT, POSE_PLANS["gross"], 0)
    (frames,) = judge_all(photographs(), [cameras], OPTIONS).frames
    assert rates((truth["kind"] != "").to_numpy(), frames)["roc_area"] == 1.0


def test_rates_by_hand():
    bad = np.array([True, True, False, False, False])
    frames = pd.DataFrame(
        {
            "pose_doubt": [0.9, 0.3, 0.1, 0.4, 0.7],
            "pose_verdict": ["wrong", "right", "right", "unknown", "wrong"],
        }
    )
    # Bad above sound in 3 + 1 of 6 comparisons.
    assert rates(bad, frames) == {
        "roc_area": round(4 / 6, 4),
        "sound_wrong": round(1 / 3, 4),
        "bad_wrong": 0.5,
        "bad_right": 0.5,
        "unknown": 0.2,
    }


@pytest.fixture
def capture(tmp_path):
    return posed_folder(tmp_path / "a capture", ORBIT)


def test_the_command_writes_a_row_a_run_and_one_for_a_capture_that_fails(
    capture, tmp_path, monkeypatch
):
    monkeypatch.setattr(twoview_benchmark, "load_encoder", lambda name: None)
    monkeypatch.setattr(
        twoview_benchmark, "photographs_of", lambda found, encoder, options: photographs()
    )
    monkeypatch.setattr(twoview_benchmark, "TwoViewOptions", lambda: OPTIONS)
    out = tmp_path / "table.csv"
    run = CliRunner().invoke(
        twoview_benchmark.main,
        [str(tmp_path / "absent"), str(capture), "--out", str(out), "--seeds", "1"],
    )
    assert run.exit_code == 0, run.output
    assert "ROC area" in run.output
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert "not a folder" in rows[0]["problem"]
    assert [row["kind"] for row in rows[1:]] == list(POSE_PLANS)
    assert {row["capture"] for row in rows[1:]} == {"a capture"}


def test_without_any_capture_the_command_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(twoview_benchmark, "load_encoder", lambda name: None)
    run = CliRunner().invoke(
        twoview_benchmark.main,
        [str(tmp_path / "absent"), "--out", str(tmp_path / "table.csv")],
    )
    assert run.exit_code == 1 and "no capture could be judged" in run.output


def test_tables_show_means_over_captures_and_the_lowest_run():
    areas = {("a", 0): 1.0, ("a", 1): 0.9, ("b", 0): 0.8, ("b", 1): 0.6}
    rows = pd.DataFrame(
        [
            BenchmarkRow(capture, kind, seed, frames=20, roc_area=area)
            for (capture, seed), area in areas.items()
            for kind in POSE_PLANS
        ]
    )
    table = twoview_benchmark.table_by_capture(rows, "roc_area", "ROC area")
    cells = [list(column.cells) for column in table.columns]
    assert cells[0] == ["a", "b", "mean", "lowest run"]
    assert cells[2] == ["0.9500", "0.7000", "0.8250", "0.6000"]
