import csv
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.spatial.transform import Rotation

from mtcm_pipeline.benchmarks import sfm_benchmark
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.formats.reading import PoseReading
from mtcm_pipeline.sfm.outcome import AttemptOutcome, ModelSummary
from mtcm_pipeline.sfm.run import SfmResult
from posed_folder import posed_folder
from synthetic import moved, orbit_cameras, random_similarity

ORBIT = orbit_cameras(8)


@pytest.fixture
def capture(tmp_path):
    """A folder with pictures and their true poses."""
    return posed_folder(tmp_path / "a capture", ORBIT)


def result_of(cameras) -> SfmResult:
    model = ModelSummary("model 0", cameras.names, 100, 0.5)
    attempt = AttemptOutcome("plain settings", "exhaustive", 28, (model,), {}, {})
    reading = PoseReading(cameras, None, {}, ())
    seconds = {"features": 2.0, "matches": 3.0}
    return SfmResult(reading, seconds, 7.0, len(cameras), (), (model,), (attempt,), 0)


def test_a_row_compares_what_was_found_with_what_was_given(
    capture, tmp_path, monkeypatch
):
    found = moved(ORBIT.subset(ORBIT.names[:6]), random_similarity(0))
    calls = []

    def fake(images, masks, workspace, options, *, focal_px):
        calls.append((sorted(images), dict(masks), focal_px))
        return result_of(found)

    monkeypatch.setattr(sfm_benchmark, "reconstruct", fake)
    row = sfm_benchmark.benchmark_capture(capture, tmp_path / "work")
    assert (row.images, row.registered, row.given, row.compared) == (8, 6, 8, 6)
    assert row.rotation_deg < 1e-3 and row.centre_error < 1e-4 and row.share_good == 1.0
    assert (row.seconds, row.cpu_seconds, row.problem) == (5.0, 7.0, "")
    assert (row.beside, row.torn) == (0, 0)  # no points, so nothing is known
    assert calls == [(sorted(ORBIT.names), {}, {})]


def test_without_given_poses_the_registered_are_counted(capture, tmp_path, monkeypatch):
    (capture / "transforms.json").unlink()
    monkeypatch.setattr(sfm_benchmark, "reconstruct", lambda *a, **k: result_of(ORBIT))
    run = CliRunner().invoke(
        sfm_benchmark.main, [str(capture), "--out", str(tmp_path / "table.csv")]
    )
    assert run.exit_code == 0, run.output
    assert "8 of 8" in run.output and "nan" not in run.output
    (row,) = csv.DictReader((tmp_path / "table.csv").open(newline=""))
    assert (row["registered"], row["given"], row["compared"]) == ("8", "0", "0")
    assert row["problem"] == ""


def test_every_capture_has_its_row_though_one_fails(capture, tmp_path, monkeypatch):
    def fake(images, masks, workspace, options, *, focal_px):
        if workspace.name == "a capture":
            raise CaptureError("nothing registered")
        return result_of(ORBIT)

    monkeypatch.setattr(sfm_benchmark, "reconstruct", fake)
    other = posed_folder(capture.with_name("another"), ORBIT)
    out = tmp_path / "out" / "table.csv"
    run = CliRunner().invoke(
        sfm_benchmark.main,
        [str(capture), str(tmp_path / "absent"), str(other), "--out", str(out)],
    )
    assert run.exit_code == 0, run.output
    assert "0 of 8: nothing" in run.output, "the table says why there are no numbers"
    rows = list(csv.DictReader(out.open(newline="")))
    assert [row["capture"] for row in rows] == ["a capture", "absent", "another"]
    assert rows[0]["problem"] == "nothing registered" and rows[0]["images"] == "8"
    assert "not a folder" in rows[1]["problem"]
    assert rows[2]["registered"] == "8" and float(rows[2]["rotation_deg"]) < 1e-3
    assert np.isnan(float(rows[0]["rotation_deg"]))


def test_a_wrong_given_pose_stands_out_beside_its_neighbours_in_any_world():
    reference = orbit_cameras(24)
    poses = np.array(reference.cam_from_world)
    turn = Rotation.from_euler("y", 3.0, degrees=True).as_matrix()
    poses[9, :3] = turn @ poses[9, :3]
    given = replace(reference, cam_from_world=poses)
    solved = moved(reference, random_similarity(4))
    rows = sfm_benchmark.frame_rows("ring", solved, given)
    assert [row.name for row in rows] == list(reference.names)
    beside = np.array([row.beside_neighbours_deg for row in rows])
    assert beside[9] == pytest.approx(3.0, abs=0.05)
    assert np.delete(beside, 9).max() < 0.05
    assert rows[9].rotation_deg == pytest.approx(3.0, abs=0.01)


def test_rows_of_frames_go_into_a_file_of_their_own(capture, tmp_path, monkeypatch):
    monkeypatch.setattr(sfm_benchmark, "reconstruct", lambda *a, **k: result_of(ORBIT))
    out, frames = tmp_path / "table.csv", tmp_path / "frames.csv"
    arguments = [str(capture), "--out", str(out), "--frames", str(frames)]
    run = CliRunner().invoke(sfm_benchmark.main, arguments)
    assert run.exit_code == 0, run.output
    rows = list(csv.DictReader(frames.open(newline="")))
    assert [row["name"] for row in rows] == list(ORBIT.names)
    assert all(float(row["beside_neighbours_deg"]) < 0.05 for row in rows)
