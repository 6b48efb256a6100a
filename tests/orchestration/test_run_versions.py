"""Which versions whole runs of the toy project read, and which they refuse."""

from __future__ import annotations

import shutil

import pytest
from toy_runs import manifest

from mtcm_pipeline.errors import (
    CaptureError,
    VersionError,
)
from mtcm_pipeline.orchestration.manifest import read_manifests


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
