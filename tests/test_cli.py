"""The project's own commands, called as Kedro calls them."""

import functools
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from light_imports import assert_light
from mtcm_pipeline import cli as commands
from mtcm_pipeline.sample import options

ROOT = Path(__file__).parents[1]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project whose sample is small and needs no encoder."""
    monkeypatch.setattr(commands, "_offline_encoder", lambda: None)
    small = functools.partial(options.SampleOptions, width=60, height=80, voxel_mm=9)
    monkeypatch.setattr(options, "SampleOptions", small)
    return SimpleNamespace(project_path=tmp_path)


def call(project, *arguments):
    return CliRunner().invoke(commands.cli, arguments, obj=project)


def tree(root):
    return {p.relative_to(root): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_the_sample_arrives_and_a_second_call_leaves_it_alone(project):
    first = call(project, "sample", "--identity", "Ada, №2", "--frames", "12")
    assert first.exit_code == 0, first.output
    data = project.project_path / "data"
    assert len(list((data / "raw_images" / "Ada, №2").glob("IMG_*.jpg"))) == 12
    assert (data / "metadata" / "Ada, №2" / "planted_faults.json").is_file()
    before = tree(data)
    again = call(project, "sample", "--identity", "Ada, №2", "--frames", "12")
    assert again.exit_code == 0 and "nothing to do" in again.output
    assert tree(data) == before
    other = call(project, "sample", "--identity", "Ada, №2", "--frames", "13")
    assert other.exit_code == 1 and "--force" in other.output
    assert tree(data) == before


def test_a_capture_of_the_users_own_is_not_overwritten_by_the_sample(project):
    own = project.project_path / "data" / "raw_images" / "Sample Head" / "mine.jpg"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"precious")
    refused = call(project, "sample", "--frames", "12")
    assert refused.exit_code == 1 and "exists already" in refused.output
    assert own.read_bytes() == b"precious"


def test_a_name_that_is_no_folder_is_refused_before_any_work(project):
    refused = call(project, "sample", "--identity", "../../etc")
    assert refused.exit_code == 1 and "one path component" in refused.output
    assert not (project.project_path / "data").exists()


def test_an_import_says_what_it_found(project, tmp_path):
    source = tmp_path / "photos of a jar"
    source.mkdir()
    (source / "1.jpg").write_bytes(b"x")
    done = call(project, "import-capture", str(source), "--identity", "Jar")
    assert done.exit_code == 0 and "frames: 1" in done.output
    assert (project.project_path / "data" / "raw_images" / "Jar" / "1.jpg").is_file()
    again = call(project, "import-capture", str(source), "--identity", "Jar")
    assert again.exit_code == 1 and "--force" in again.output


def test_importing_the_commands_imports_nothing_heavy():
    heavy = {"torch", "numpy", "scipy", "pandas", "PIL.Image"}
    assert_light("mtcm_pipeline.cli", heavy)


@pytest.mark.slow
def test_kedro_offers_the_commands_beside_its_own_from_a_sub_folder():
    environment = {**os.environ, "KEDRO_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "kedro", "--help"],
        cwd=ROOT / "src",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for command in ("sample", "import-capture", "run", "viz", "catalog"):
        assert f"\n  {command} " in done.stdout
