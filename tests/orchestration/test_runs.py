"""Whole runs of the toy project through KedroSession."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mtcm_pipeline.errors import (
    CaptureError,
    IdentityError,
    ParameterError,
    VersionError,
)
from mtcm_pipeline.orchestration.manifest import read_manifests
from mtcm_pipeline.orchestration.run_lock import RunLock

_NAMES = [
    "Bronze Head",
    "v1.2 final.",
    "Smith, Ada",
    "[test] {x} *?",
    "Ада Лавлейс",
    "頭部",
    "007",
    "Ada #2",
    'O\'Brien "x" %$',
    "a: b",
    "-p",
]


def selected(toy, version, identity="Ada"):
    folder = toy.outputs(identity) / "select" / "selection.json" / version
    return json.loads((folder / "selection.json").read_text(encoding="utf-8"))["kept"]


def manifest(toy, version, identity="Ada"):
    return json.loads((toy.outputs(identity) / "runs" / f"{version}.json").read_text())


@pytest.mark.parametrize("name", _NAMES)
def test_any_legal_name_runs_and_is_found_again(toy, name):
    toy.add_identity(name)
    toy.run(identity=name)
    assert {p.name for p in (toy.root / "data" / "outputs").iterdir()} == {name}
    again = toy.run("select", identity=name, select={"budget": 1})
    assert selected(toy, again, name) == ["img2.jpg"]
    assert manifest(toy, again, name)["identity"] == name


@pytest.mark.parametrize("name", _NAMES)
def test_environment_variable_takes_every_legal_name(toy, name, monkeypatch):
    toy.add_identity(name)
    monkeypatch.setenv("MTCM_IDENTITY", name)
    version = toy.run("ingest")
    frames = toy.outputs(name) / "ingest" / "frames.json" / version / "frames.json"
    assert json.loads(frames.read_text()) == {f"img{i}.jpg": i for i in range(3)}


@pytest.mark.parametrize("name", ["../../etc", "..", "", "a/b", 7, False, None, ["x"]])
def test_unusable_name_is_refused_before_any_path_is_touched(toy, name):
    before = sorted(toy.root.rglob("*"))
    with pytest.raises(IdentityError):
        toy.run(identity=name)
    assert sorted(toy.root.rglob("*")) == before
    assert not (toy.root.parent / "etc").exists()


def test_reference_like_name_is_refused(toy):
    with pytest.raises(IdentityError, match="reference"):
        toy.run(identity="a${b}c")


def test_unknown_identity_names_the_close_one_and_creates_nothing(toy):
    before = sorted(toy.root.rglob("*"))
    with pytest.raises(IdentityError, match="'Ada'"):
        toy.run(identity="Adda")
    assert sorted(toy.root.rglob("*")) == before


def test_precedence_defaults_identity_file_command_line(toy):
    toy.add_identity("Bea")
    toy.add_override("Bea", "select:\n  budget: 1\ntrain:\n  epochs: 9\n")
    assert len(selected(toy, toy.run())) == 2
    version = toy.run(identity="Bea")
    assert len(selected(toy, version, "Bea")) == 1
    parameters = manifest(toy, version, "Bea")["parameters"]
    assert parameters["train"] == {"epochs": 9, "learning_rate": 0.1}
    version = toy.run("select", identity="Bea", select={"budget": 3})
    assert len(selected(toy, version, "Bea")) == 3
    assert manifest(toy, version, "Bea")["parameters"]["train"]["epochs"] == 9


def test_environment_folder_lies_between_defaults_and_identity(toy):
    local = toy.root / "conf" / "local"
    (local / "parameters.yml").write_text("select:\n  budget: 1\ntrain:\n  epochs: 5\n")
    toy.add_override("Ada", "train:\n  epochs: 7\n")
    version = toy.run()
    assert len(selected(toy, version)) == 1
    parameters = manifest(toy, version)["parameters"]
    assert parameters["train"] == {"epochs": 7, "learning_rate": 0.1}


def test_override_of_an_identity_named_with_brackets_is_found(toy):
    toy.add_identity("[test]")
    toy.add_override("[test]", "select: {budget: 1}\n")
    version = toy.run(identity="[test]")
    assert len(selected(toy, version, "[test]")) == 1


def test_override_for_nobody_is_told(toy, caplog):
    toy.add_override("Adda", "select: {budget: 1}\n")
    with caplog.at_level(logging.WARNING):
        toy.run("ingest")
    assert "conf/identities/Adda: there is no such identity" in caplog.text


def test_references_between_parameters_see_the_override(toy):
    base = toy.root / "conf" / "base" / "parameters.yml"
    base.write_text("train: {epochs: 3}\nselect: {budget: '${train.epochs}'}\n")
    toy.add_override("Ada", "train: {epochs: 1}\n")
    assert len(selected(toy, toy.run())) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("slect: {budget: 1}", r"'slect'; did you mean 'select'"),
        ("select: {budgt: 1}", r"'select.budgt'; did you mean 'select.budget'"),
        ("train: {learning_rate: -1}", r"train.learning_rate is -1.*greater than 0"),
        ("select: {budget: yes}", r"select.budget is True: should be a number"),
        ("select: 3", r"select is 3"),
        ("identity: Bea", "sets 'identity'"),
    ],
)
def test_faulty_override_stops_before_any_work(toy, text, said):
    toy.add_override("Ada", text)
    with pytest.raises(ParameterError, match=said):
        toy.run("ingest")
    assert not (toy.root / "data" / "outputs").exists()


def test_misnamed_override_file_is_named(toy):
    toy.add_override("Ada", "")
    folder = toy.root / "conf" / "identities" / "Ada"
    (folder / "parameters.yml").rename(folder / "params.yml")
    with pytest.raises(ParameterError, match=r"params\.yml"):
        toy.run("ingest")


def test_partial_runs_read_the_newest_and_are_recorded(toy):
    first = toy.run()
    second = toy.run("select", select={"budget": 1})
    third = toy.run("export")
    nodes = manifest(toy, third)["nodes"]
    assert nodes["write"]["inputs"] == {"selection": second, "frames": first}
    assert nodes["write"]["outputs"] == {"export": third}
    exported = toy.catalog().load("export")
    assert exported["filtered_images.txt"]() == b"img2.jpg"
    record = manifest(toy, first)
    assert record["status"] == "complete"
    assert record["finished"] >= record["started"]
    assert record["nodes"]["make_batch"]["outputs"] == {"batch": None}
    assert record["packages"]["kedro"].startswith("1.7")
    assert record["git"] is None or set(record["git"]) == {"commit", "dirty"}


def test_model_older_than_tokens_stops_and_says_how_to_go_on(toy):
    first = toy.run()
    newer = toy.run("ingest", "tokens")
    with pytest.raises(VersionError) as caught:
        toy.run("export", "evaluate")
    message = str(caught.value)
    assert first in message
    assert newer in message
    assert "kedro run --pipelines=train,evaluate,select,export" in message
    renewed = toy.run("train", "evaluate", "select", "export")
    inputs = manifest(toy, renewed)["nodes"]["make_batch"]["inputs"]
    assert inputs == {"tokens": newer}


def test_select_stops_when_tokens_are_newer_though_it_loads_only_scores(toy):
    first = toy.run()
    newer = toy.run("ingest", "tokens")
    with pytest.raises(VersionError) as caught:
        toy.run("select")
    said = str(caught.value)
    assert f"there is 'tokens' version {newer}, but 'scores' version {first}" in said or (
        f"there is 'frames' version {newer}, but 'scores' version {first}" in said
    )
    assert "--pipelines=train,evaluate,select" in said
    pinned = toy.run("select", load={"scores": first})
    assert manifest(toy, pinned)["nodes"]["choose"]["inputs"] == {"scores": first}


def test_mixing_is_found_behind_values_in_memory(toy):
    """The model's tokens reach it through `batch`, which is never saved."""
    toy.run()
    toy.run("ingest")
    with pytest.raises(VersionError, match="'frames'"):
        toy.run("evaluate")


def test_pins_choose_a_consistent_older_state(toy):
    first = toy.run()
    toy.run("ingest", "tokens", "train", "evaluate")
    with pytest.raises(VersionError, match=f"--load-versions=selection:{first}"):
        toy.run("export")
    pinned = toy.run("export", load={"selection": first})
    inputs = manifest(toy, pinned)["nodes"]["write"]["inputs"]
    assert inputs == {"selection": first, "frames": first}
    assert manifest(toy, pinned)["selection"]["load_versions"] == [f"selection:{first}"]


def test_pin_of_what_is_not_loaded_says_where_the_rest_comes_from(toy):
    first = toy.run()
    toy.run()
    pinned = toy.run("export", load={"tokens": first})
    inputs = manifest(toy, pinned)["nodes"]["write"]["inputs"]
    assert inputs == {"selection": first, "frames": first}


def test_mixed_or_unknown_pins_are_refused(toy):
    first, second = toy.run(), toy.run()
    with pytest.raises(VersionError, match="go with no whole set"):
        toy.run("export", load={"selection": first, "frames": second})
    with pytest.raises(VersionError, match="no finished save"):
        toy.run("export", load={"selection": "2001-01-01T00.00.00.000Z"})
    with pytest.raises(VersionError, match="makes selection itself"):
        toy.run("select", load={"selection": first})


def test_missing_inputs_name_the_pipelines_that_make_them(toy):
    with pytest.raises(VersionError) as caught:
        toy.run("select")
    assert "'scores' (made by evaluate)" in str(caught.value)
    command = "kedro run --pipelines=ingest,tokens,train,evaluate,select"
    assert f"{command} --params identity=Ada" in str(caught.value)


def test_failed_run_keeps_whole_nodes_and_hides_the_rest(toy, caplog):
    with pytest.raises(CaptureError, match="no good"):
        toy.run(train={"accident": "raise"})
    (record,) = read_manifests(toy.outputs("Ada") / "runs")
    assert record.status == "failed"
    assert "img1.jpg" in (record.error or "")
    assert set(record.nodes) == {"read_frames", "make_tokens", "make_batch"}
    resumed = toy.run("train", "evaluate", "select")
    assert manifest(toy, resumed)["nodes"]["make_batch"]["inputs"] == {
        "tokens": record.version
    }


def test_a_node_with_one_of_two_outputs_saved_is_invisible(toy, monkeypatch):
    from kedro_datasets.json import JSONDataset

    whole = toy.run()
    monkeypatch.setattr(JSONDataset, "save", _fail_on_history(JSONDataset.save))
    with pytest.raises(OSError, match="disk full"):
        toy.run("train")
    models = toy.outputs("Ada") / "train" / "model.npz"
    assert len(list(models.iterdir())) == 2  # saved, yet in no manifest
    assert toy.catalog()["model"].resolve_load_version() == whole
    with pytest.raises(VersionError, match="no finished save"):
        toy.run("evaluate", load={"model": max(p.name for p in models.iterdir())})


def _fail_on_history(save):
    def failing(self, data):
        if "history" in str(self._filepath):
            raise OSError("disk full")
        save(self, data)

    return failing


def test_outside_runs_the_newest_whole_version_loads(toy):
    catalog = toy.catalog()
    assert not catalog.exists("scores")
    first = toy.run()
    assert toy.catalog().load("selection") == {"kept": ["img2.jpg", "img1.jpg"]}
    stray = toy.outputs("Ada") / "select" / "selection.json" / "9999"
    stray.mkdir()
    (stray / "selection.json").write_text("{}")
    assert toy.catalog()["selection"].resolve_load_version() == first


def test_a_deleted_version_is_not_chosen(toy):
    first, second = toy.run(), toy.run()
    shutil.rmtree(toy.outputs("Ada") / "evaluate" / "scores.csv" / second)
    with pytest.raises(VersionError, match=f"'scores' version {first}") as caught:
        toy.run("select")
    assert "run: kedro run --pipelines=evaluate,select" in str(caught.value)


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
