"""What is typed, against what YAML makes of it."""

from __future__ import annotations

import shlex

import click
import pytest
from click.testing import CliRunner
from kedro.framework import project
from kedro.framework.cli.utils import _split_params

from mtcm_pipeline.errors import IdentityError
from mtcm_pipeline.orchestration.command_line import (
    check_typed_identity,
    quoting_run_command,
    run_command,
    split_items,
    split_params,
)


@pytest.mark.parametrize(
    "text",
    [
        "identity=Bronze Head",
        "identity=Bronze Head,select.budget=20",
        "identity='007',train.a=1e-3,train.b=[1]",
        "identity=O'Brien,select.budget=3",
        "a=1, b=x=y",
        "",
    ],
)
def test_split_params_agrees_with_kedro_where_no_comma_is_quoted(text):
    assert split_params(None, None, text) == _split_params(None, None, text)


@pytest.mark.parametrize("name", ["Smith, Ada", "007", "No", "Ada #2", "[x], y", "a: b"])
@pytest.mark.parametrize("quote", ["'", '"'])
def test_inner_quotes_carry_any_name(name, quote):
    text = f"select.budget=2,identity={quote}{name}{quote},train.epochs=3"
    assert split_params(None, None, text) == {
        "select": {"budget": 2},
        "identity": name,
        "train": {"epochs": 3},
    }


@pytest.mark.parametrize("text", ["identity=Smith, Ada", "=3", "identity=@home"])
def test_what_cannot_be_read_is_refused(text):
    with pytest.raises(click.BadParameter):
        split_params(None, None, text)


def test_split_items_keeps_quoted_commas():
    assert split_items("a='x, y',b=2, c=\"1,2\"") == ["a='x, y'", "b=2", 'c="1,2"']


@pytest.mark.parametrize(
    ("typed", "arrived", "refused"),
    [
        ("identity=Ada #2", "Ada", True),
        ("identity='Ada #2'", "Ada #2", False),
        ("identity=Bronze Head,select.budget=2", "Bronze Head", False),
        ("select.budget=2", "Ada", False),
        ("identity=&a Ada", "Ada", True),
    ],
)
@pytest.mark.parametrize("joined", [True, False])
def test_identity_that_yaml_changed_is_refused(typed, arrived, refused, joined):
    words = [f"--params={typed}"] if joined else ["--params", typed]
    if refused:
        with pytest.raises(IdentityError, match="was typed"):
            check_typed_identity(arrived, ["run", *words])
    else:
        check_typed_identity(arrived, ["run", *words])


@pytest.mark.parametrize("name", ["Ada", "Bronze Head", "Smith, Ada", "007", "Ada #2"])
def test_run_command_names_the_identity_so_that_a_shell_and_yaml_keep_it(name):
    words = shlex.split(run_command(["train"], name, ["a:1"]))
    assert "--pipelines=train" in words
    assert "--load-versions=a:1" in words
    if "--params" in words:
        given = _split_params(None, None, words[words.index("--params") + 1])["identity"]
    else:
        given = words[0].removeprefix("MTCM_IDENTITY=")
    assert given == name


@pytest.mark.parametrize("name", ["Ada", "Smith, Ada", "007"])
@pytest.mark.parametrize(
    "value",
    [
        5,
        0.001,
        1e-7,
        True,
        "full",
        [3, 10],
        [],
        ["*/*/*", "clean/none/fvs"],
        ["it's, a [b]/x #1.jpg", 'q"u/%20 é.jpg', "a: b/c", "no", "$HOME/`x`"],
        ["]'\", [", "a, b, c]", "''", "back\\slash"],
        "Smith, Ada",
        "7",
    ],
)
def test_run_command_names_parameters_so_that_a_shell_and_yaml_keep_them(name, value):
    text = run_command(["train"], name, params={"a.b": value, "c.d": "x"})
    assert "\n" not in text
    words = shlex.split(text)
    given = split_params(None, None, words[words.index("--params") + 1])
    identity = given.pop("identity", None)
    assert identity == name or words[0] == f"MTCM_IDENTITY={name}"
    assert given == {"a": {"b": value}, "c": {"d": "x"}}


def test_run_command_names_the_shells_identity_for_another_shell(monkeypatch):
    monkeypatch.setenv("MTCM_IDENTITY", "Ada")
    monkeypatch.delenv("MTCM_EACH", raising=False)
    assert run_command(["train"], "Ada") == "kedro run --pipelines=train"
    whole = run_command(["train"], "Ada", any_shell=True)
    assert whole == "kedro run --pipelines=train --params identity=Ada"


@pytest.fixture
def run(monkeypatch):
    """`kedro run` of this project, which says what it was called with."""
    monkeypatch.setattr(project, "PACKAGE_NAME", "mtcm_pipeline")
    command = quoting_run_command()
    told = {}
    command.callback = lambda **given: told.update(given)
    return lambda *arguments: (CliRunner().invoke(command, arguments), told)


@pytest.mark.parametrize("option", ["--pipelines=tokens,selct", "--pipeline=selct"])
def test_a_pipeline_that_is_none_is_refused_with_the_closest(run, option):
    done, told = run(option)
    assert done.exit_code == 2 and not told
    assert "unknown pipeline 'selct'; did you mean 'select'?" in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize("names", ["select", "ingest,tokens", "__default__"])
def test_pipelines_that_exist_arrive_as_kedro_splits_them(run, names):
    done, told = run(f"--pipelines={names}")
    assert done.exit_code == 0, done.output
    assert told["pipelines"] == names.split(",")


def test_a_run_says_at_once_that_it_has_begun(monkeypatch, caplog):
    from kedro.framework.cli.project import run as kedros

    said = {}

    def loads_for_seconds(**given):
        said.update(before=list(caplog.messages), given=given)

    monkeypatch.setattr(kedros, "callback", loads_for_seconds)
    with caplog.at_level("INFO", "mtcm_pipeline"):
        done = CliRunner().invoke(quoting_run_command(), ["--env=local"])
    assert done.exit_code == 0, done.output
    assert said["given"]["env"] == "local"
    assert said["before"] == ["loading the pipelines, which takes a few seconds"]
