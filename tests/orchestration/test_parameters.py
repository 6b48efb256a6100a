"""Faults in parameters, each named."""

from __future__ import annotations

from dataclasses import field

import pytest
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from mtcm_pipeline.errors import ParameterError
from mtcm_pipeline.orchestration.parameters import check_parameters


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Options:
    budget: int = Field(20, ge=1)
    spread: tuple[float, ...] = (1.0,)
    exact: bool = False
    keep: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.exact and self.budget > 100:
            raise ParameterError("exact search takes at most 100 views")


_SECTIONS = {"select": Options, "train": Options}


def test_good_parameters_pass():
    check_parameters(
        {"identity": "Ada", "select": {"budget": 3, "spread": [1, 2.5], "exact": True}},
        _SECTIONS,
    )


def test_all_faults_are_told_at_once_one_a_line():
    with pytest.raises(ParameterError) as caught:
        check_parameters(
            {
                "selct": {},
                "select": {"budgte": 3, "budget": 0},
                "train": {"spread": [1, "x"], "exact": 7},
            },
            _SECTIONS,
        )
    lines = str(caught.value).splitlines()[1:]
    assert len(lines) == 5
    assert "unknown section 'selct'; did you mean 'select'? There are: select" in lines[0]
    assert "unknown parameter 'select.budgte'; did you mean 'select.budget'" in lines[1]
    assert lines[2].startswith("- select.budget is 0: should be greater than or equal")
    assert lines[3].startswith("- train.spread.1 is 'x'")
    assert lines[4].startswith("- train.exact is 7")


def test_own_check_of_the_options_is_told():
    with pytest.raises(ParameterError, match="select: exact search takes at most 100"):
        check_parameters({"select": {"budget": 101, "exact": True}}, _SECTIONS)


@pytest.mark.parametrize("value", [None, 3, "x", [1]])
def test_section_without_keys_is_refused(value):
    with pytest.raises(ParameterError, match="expected keys and values"):
        check_parameters({"select": value}, _SECTIONS)


def test_a_word_for_a_list_is_refused_and_shows_how_to_write_one():
    with pytest.raises(ParameterError, match=r"list.*: select\.keep=\[a\.jpg\]"):
        check_parameters({"select": {"keep": "a.jpg"}}, _SECTIONS)


def test_flag_for_a_number_is_refused():
    with pytest.raises(ParameterError, match=r"select\.budget is True"):
        check_parameters({"select": {"budget": True}}, _SECTIONS)
