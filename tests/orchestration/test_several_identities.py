"""`identities`: from the command line to the run that they belong to."""

from __future__ import annotations

import pytest

from mtcm_pipeline.errors import ParameterError
from mtcm_pipeline.orchestration.command_line import split_items, split_params
from mtcm_pipeline.orchestration.config_loader import IdentityConfigLoader
from mtcm_pipeline.orchestration.parameters import check_parameters


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("identities=[Bronze Head,B],across.steps=5", ["Bronze Head", "B"]),
        ("identities=['Smith, Ada', Grace]", ["Smith, Ada", "Grace"]),
        ("identities=[\"a]b\", 'c' ]", ["a]b", "c"]),
        ("identities=[Ada's Head,B],across.steps=5", ["Ada's Head", "B"]),
        ("identities=[]", []),
    ],
)
def test_a_list_is_one_item_with_the_commas_in_it(text, wanted):
    assert split_params(None, None, text)["identities"] == wanted


def test_brackets_within_a_value_hide_no_comma():
    assert split_items("identity=a[b,select.budget=3") == [
        "identity=a[b",
        "select.budget=3",
    ]
    assert split_items("a=1,b=2]") == ["a=1", "b=2]"]


def loader(tmp_path, monkeypatch, **params) -> IdentityConfigLoader:
    monkeypatch.delenv("MTCM_IDENTITY", raising=False)
    base = tmp_path / "base"
    base.mkdir(exist_ok=True)
    (base / "globals.yml").write_text("identity: Usual Head\n")
    (base / "parameters.yml").write_text("across:\n  steps: 5\n")
    return IdentityConfigLoader(
        str(tmp_path), "base", params, base_env="base", default_run_env="base"
    )


def test_a_run_about_several_belongs_to_the_first_unless_it_says_otherwise(
    tmp_path, monkeypatch
):
    several = ["B", "A"]
    assert loader(tmp_path, monkeypatch, identities=several).identity == "B"
    said = loader(tmp_path, monkeypatch, identities=several, identity="C")
    assert said.identity == "C"
    assert loader(tmp_path, monkeypatch).identity == "Usual Head"
    found = loader(tmp_path, monkeypatch, identities=several)["parameters"]
    assert found["identities"] == several
    assert found["identity"] == "B"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("Bronze Head", "expected a list of names"),
        ([], "leave it out for all"),
        ([True], "identity is True"),
        (["a/b"], "not a folder name"),
        (["A", "B", "A"], "holds 'A' 2 times"),
    ],
)
def test_what_is_no_list_of_names_is_refused(value, message):
    with pytest.raises(ParameterError, match=message):
        check_parameters({"identity": "A", "identities": value}, {})
    check_parameters({"identity": "A", "identities": ["A", "B, C"]}, {})
