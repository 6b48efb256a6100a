"""Identities, overrides and precedence in whole runs of the toy project."""

from __future__ import annotations

import json
import logging

import pytest
from toy_runs import manifest, selected

from mtcm_pipeline.errors import (
    IdentityError,
    ParameterError,
)

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
