"""Locks, kills, summaries and messages of whole runs of the toy project."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from toy_runs import manifest, selected

from mtcm_pipeline.errors import (
    VersionError,
)
from mtcm_pipeline.orchestration.manifest import read_manifests
from mtcm_pipeline.orchestration.run_lock import RunLock


def test_overlapping_run_is_refused_and_others_are_not(toy):
    toy.add_identity("Bea")
    lock = RunLock(toy.outputs("Ada") / "runs" / ".lock", "Ada")
    with pytest.raises(VersionError, match=f"'Ada' is under way.*{os.getpid()}"):
        toy.run()
    toy.run(identity="Bea")
    lock.release()
    toy.run()


def test_interrupted_run_of_this_process_frees_its_lock(toy, monkeypatch):
    from toy import nodes

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(nodes.make_batch, "__code__", interrupt.__code__)
    with pytest.raises(KeyboardInterrupt):
        toy.run()
    monkeypatch.undo()
    toy.run()
    states = [m.status for m in read_manifests(toy.outputs("Ada") / "runs")]
    assert states == ["failed", "complete"]


def test_summary_and_place_are_said_at_the_end(toy, caplog):
    with caplog.at_level(logging.INFO, "mtcm_pipeline"):
        version = toy.run()
    said = "\n".join(caplog.messages)
    assert "kept 2" in said
    assert f"data/outputs/Ada, version {version}" in said


def test_only_missing_outputs_is_refused(toy):
    with pytest.raises(VersionError, match="only-missing-outputs"):
        toy.session().run(only_missing_outputs=True)


def test_thread_runner_records_all_nodes(toy):
    from kedro.runner import ThreadRunner

    session = toy.session()
    session.run(runner=ThreadRunner())
    assert len(manifest(toy, session.session_id)["nodes"]) == 8


def test_kedro_viz_and_notebooks_see_the_identity_and_its_newest_versions(toy):
    from kedro_viz.integrations.kedro.data_loader import load_data

    toy.add_identity("[x] Bea")
    version = toy.run(identity="[x] Bea")
    catalog, *_ = load_data(toy.root, extra_params={"identity": "[x] Bea"})
    assert catalog["scores"].resolve_load_version() == version
    assert len(catalog["scores"].preview()["data"]) == 3
    assert catalog["tokens"].preview()["data"] == [[0.0, 1.0, 2.0]]


@pytest.fixture
def in_process(toy):
    def start(*words: str) -> subprocess.Popen:
        source = Path(__file__).parent / "toy_project" / "src"
        return subprocess.Popen(
            [sys.executable, "-m", "kedro", "run", *words],
            cwd=toy.root,
            env={**os.environ, "PYTHONPATH": str(source)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return start


def test_kill_leaves_no_visible_version_and_no_lock(toy, in_process):
    killed = in_process("--params", "train.accident=kill")
    output, _ = killed.communicate(timeout=120)
    assert killed.returncode == -signal.SIGKILL, output
    (record,) = read_manifests(toy.outputs("Ada") / "runs")
    assert record.status == "running"
    assert set(record.nodes) == {"read_frames", "make_tokens", "make_batch"}
    assert not toy.catalog().exists("model")
    leftover = toy.outputs("Ada") / "train" / f".model.npz.tmp-{killed.pid}-0123abcd"
    leftover.mkdir(parents=True)
    (leftover / "half").write_bytes(b"half")
    toy.run("train")
    assert not leftover.exists()
    assert [m.status for m in read_manifests(toy.outputs("Ada") / "runs")] == [
        "failed",
        "complete",
    ]


def test_command_line_says_one_readable_thing(toy, in_process):
    process = in_process("--params", "identity=Ada #2")
    output, _ = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "'Ada #2' was typed" in " ".join(output.split())
    assert "Traceback" not in output
    assert not (toy.root / "data" / "outputs").exists()


def test_name_with_a_comma_goes_through_the_project_s_run_command(toy, in_process):
    toy.add_identity("Smith, Ada")
    process = in_process("--params", "identity='Smith, Ada',select.budget=1")
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    (record,) = read_manifests(toy.outputs("Smith, Ada") / "runs")
    assert selected(toy, record.version, "Smith, Ada") == ["img2.jpg"]
