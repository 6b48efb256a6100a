"""The benchmark as a command: what it writes, how it goes on, how it is quoted."""

from __future__ import annotations

import json
import sys

import pytest
from click.testing import CliRunner
from PIL import Image

from mtcm_pipeline.benchmarks import reconstruction_benchmark as command
from mtcm_pipeline.capture.axes import invert_rigid
from trial_cases import SMALL, fake_instruments, orbit_photos

ARGUMENTS = [
    *("--arms", "clean/none/fvs", "--arms", "gross_30/perfect/every_nth"),
    *("--budgets", "3", "--splits", "1", "--workers", "0", "--longer-side-px", "32"),
]


@pytest.fixture
def folder(tmp_path):
    """24 frames on an orbit, one of them spoilt on purpose."""
    photos = orbit_photos()
    place = tmp_path / "cup"
    (place / "images").mkdir(parents=True)
    frames = []
    for name, pose in zip(photos.names, photos.cameras.world_from_cam, strict=True):
        png = f"{name.removesuffix('.jpg')}.png"
        Image.fromarray(photos.images[name]).save(place / "images" / png)
        opengl = pose * [1, -1, -1, 1]
        frames.append({"file_path": f"images/{png}", "transform_matrix": opengl.tolist()})
    fx, fy, cx, cy = SMALL.params
    content = {"fl_x": fx, "fl_y": fy, "cx": cx, "cy": cy, "w": 32, "h": 24}
    content["frames"] = frames
    (place / "transforms.json").write_text(json.dumps(content), encoding="utf-8")
    (place / "planted_faults.json").write_text('{"f003.png": "foreign"}')
    return place


def call(monkeypatch, folder, *more):
    monkeypatch.setattr(command, "instruments", lambda *_: fake_instruments())
    out = folder.parent / "results" / "rows.csv"
    arguments = ["--captures", str(folder), "--out", str(out), *ARGUMENTS, *more]
    monkeypatch.setattr(sys, "argv", ["command", *arguments])
    return out, CliRunner().invoke(command.main, arguments)


def test_a_capture_folder_is_read_without_what_was_planted(folder):
    photos = command.sound_capture(folder)
    assert len(photos) == 23
    assert "f003.png" not in photos.names
    true = orbit_photos().cameras
    first = invert_rigid(true.world_from_cam[:1])[0]
    assert abs(photos.cameras.pose_of("f000.png") - first).max() < 1e-9


def test_rows_summary_figures_and_page_are_written_and_nothing_is_done_twice(
    monkeypatch, folder
):
    out, done = call(monkeypatch, folder)
    assert done.exit_code == 0, done.output
    lines = out.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + 2 * (3 + 1)  # two rules; FVS is trained three times
    assert out.with_name("rows_summary.csv").is_file()
    page = out.with_name("rows.md").read_text(encoding="utf-8")
    assert "--captures cup" in page
    assert str(folder.parent) not in page
    for file in (out.parent / "rows_figures").iterdir():
        assert f"](rows_figures/{file.name})" in page
    before = out.read_bytes()
    for more in ([], ["--summary-only"]):
        _, again = call(monkeypatch, folder, *more)
        assert again.exit_code == 0, again.output
        assert out.read_bytes() == before


def test_other_settings_a_wrong_arm_and_no_rows_are_said_plainly(monkeypatch, folder):
    _, empty = call(monkeypatch, folder, "--summary-only")
    assert "no rows" in empty.output
    call(monkeypatch, folder)
    _, other = call(monkeypatch, folder, "--steps", "7")
    assert "other settings" in other.output
    _, wrong = call(monkeypatch, folder, "--arms", "clean/none/nobody")
    assert "clean/none/nobody" in wrong.output
    assert {empty.exit_code, other.exit_code, wrong.exit_code} == {1}


@pytest.mark.parametrize(
    ("option", "value"),
    [("--budgets", "0"), ("--longer-side-px", "8"), ("--splits", "-1")],
)
def test_a_number_out_of_its_bounds_is_named(monkeypatch, folder, option, value):
    out, done = call(monkeypatch, folder, option, value)
    assert done.exit_code == 2
    assert f"{option} {value}: Input should be greater than or equal to" in done.output
    assert not out.exists()
