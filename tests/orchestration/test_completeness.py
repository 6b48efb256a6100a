"""What counts as complete, for the same parameters, code and inputs."""

from __future__ import annotations

import json
import os
import shutil

import pytest
from toy_runs import manifest

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.orchestration import provenance
from mtcm_pipeline.orchestration.completeness import (
    AskedRun,
    Completeness,
    _change_times,
)
from mtcm_pipeline.orchestration.manifest import read_manifests
from mtcm_pipeline.orchestration.project_layout import written_folders


def complete(toy, *pipelines, identity="Ada", **params):
    """The version of the complete run, asked as `kedro each --resume` asks."""
    asked = AskedRun(toy.root, pipelines, params)
    return Completeness(asked).complete_version(identity)


def test_only_what_ran_with_the_same_parameters_is_complete(toy):
    assert complete(toy) is None
    version = toy.run()
    assert complete(toy) == version
    assert complete(toy, train={"epochs": 4}) is None
    assert complete(toy, train={"epochs": 3}) == version  # as configured anyway


def test_a_whole_run_completes_each_of_its_pipelines_but_not_the_reverse(toy):
    first = toy.run("ingest", "tokens")
    assert complete(toy, "tokens") == first
    assert complete(toy, "ingest", "tokens") == first
    assert complete(toy) is None
    version = toy.run()
    assert complete(toy, "select") == complete(toy, "export") == version


def test_what_a_failed_run_finished_is_complete(toy):
    accident = {"accident": "raise"}
    with pytest.raises(CaptureError):
        toy.run(train=accident)
    assert complete(toy, "ingest", "tokens", train=accident) is not None
    assert complete(toy, train=accident) is None


def test_an_override_of_the_identity_counts(toy):
    version = toy.run()
    toy.add_override("Ada", "select: {budget: 1}")
    assert complete(toy) is None
    assert complete(toy, select={"budget": 2}) == version


def test_other_code_is_not_complete(toy, monkeypatch):
    version = toy.run()
    assert manifest(toy, version)["code"] == provenance.code_digest()
    monkeypatch.setattr(provenance, "code_digest", lambda: "another")
    assert complete(toy) is None


def test_records_without_a_code_digest_are_not_complete(toy):
    version = toy.run()
    path = toy.outputs("Ada") / "runs" / f"{version}.json"
    older = {k: v for k, v in manifest(toy, version).items() if k != "code"}
    path.write_text(json.dumps(older))
    assert [m.version for m in read_manifests(path.parent)] == [version]
    assert complete(toy) is None


def test_other_packages_are_not_complete(toy, monkeypatch):
    toy.run()
    newer = {**provenance.package_versions(), "torch": "99"}
    monkeypatch.setattr(provenance, "package_versions", lambda: newer)
    assert complete(toy) is None


def test_a_removed_output_is_not_complete(toy):
    version = toy.run()
    shutil.rmtree(toy.outputs("Ada") / "train" / "model.npz" / version)
    assert complete(toy, "train") is None
    assert complete(toy, "ingest") == version


def test_results_behind_newer_inputs_are_not_complete(toy):
    version = toy.run()
    toy.run("ingest", "tokens")
    assert complete(toy, "ingest", "tokens") != version
    assert complete(toy, "train") is None  # reads tokens
    assert complete(toy, "select") is None  # made from a model of the older tokens


def test_results_that_another_choice_replaced_are_not_complete(toy):
    version = toy.run()
    later = toy.run("select", select={"budget": 1})
    assert complete(toy, "select", select={"budget": 1}) == later
    assert complete(toy, "select") is None
    assert complete(toy, "train") == version


@pytest.mark.parametrize("change", ["added", "removed", "replaced with its old time"])
def test_changed_photographs_are_not_complete(toy, change):
    version = toy.run()
    folder = toy.root / "data" / "raw_images" / "Ada"
    assert complete(toy, "ingest") == version
    if change == "added":
        (folder / "img9.jpg").write_bytes(b"x")
    elif change == "removed":
        (folder / "img0.jpg").unlink()
    else:
        (folder / "img0.jpg").write_bytes(b"y")
        os.utime(folder / "img0.jpg", (1, 1))
    assert complete(toy, "ingest") is None
    assert complete(toy, "train") == version  # reads tokens, not photographs


def test_identities_are_apart(toy):
    toy.add_identity("Bea, №2")
    version = toy.run(identity="Bea, №2")
    assert complete(toy) is None
    assert complete(toy, identity="Bea, №2") == version


def test_folders_that_hold_the_outputs_change_by_the_users_files_alone(tmp_path):
    """A benchmark over all captures has the whole data folder for its input."""
    data = tmp_path / "data"
    old, new = 1_000_000_000, 2_000_000_000

    def touch(path, seconds):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        os.utime(path, (seconds, seconds))

    # `new` is after today: no change time, which cannot be set, is later.
    touch(data / "raw_images" / "Ada" / "a.jpg", old)
    touch(data / "outputs" / "Ada" / "runs" / "1.json", new)
    touch(data / "each" / "now" / "outcomes.csv", new)
    written = written_folders(tmp_path)
    assert len(_change_times(data, written)) == 3  # raw_images, Ada, a.jpg
    assert max(_change_times(data, written)) < new
    touch(data / "raw_images" / "Ada" / "b.jpg", new)
    assert max(_change_times(data, written)) == new
