"""Names as users type them, against names as file systems write them."""

from __future__ import annotations

import unicodedata

import pytest

from mtcm_pipeline.errors import ParameterError
from mtcm_pipeline.selection.frame_names import named_frames

IN_ONE = unicodedata.normalize("NFC", "é Zürich.jpg")
IN_TWO = unicodedata.normalize("NFD", "é Zürich.jpg")


@pytest.mark.parametrize("typed", [IN_ONE, IN_TWO])
@pytest.mark.parametrize("written", [IN_ONE, IN_TWO])
def test_accents_in_one_piece_and_in_two_are_the_same_name(typed, written):
    assert IN_ONE != IN_TWO
    assert named_frames("select.keep", [typed], ["a.jpg", written]) == (written,)


def test_of_two_files_that_differ_by_that_alone_the_one_that_is_meant_is_found():
    both = [IN_TWO, IN_ONE]
    assert named_frames("x", [IN_ONE, IN_TWO], both) == (IN_ONE, IN_TWO)


def test_order_is_the_users_and_each_frame_comes_once():
    known = ["a.jpg", "b.jpg", IN_TWO]
    found = named_frames("x", ["b.jpg", IN_ONE, "b.jpg", IN_TWO], known)
    assert found == ("b.jpg", IN_TWO)


def test_a_name_that_is_none_is_told_with_the_closest():
    with pytest.raises(ParameterError, match=r"x names 'a.jpeg'.*did you mean 'a.jpg'"):
        named_frames("x", ["a.jpeg"], ["a.jpg", "quite else.png"])
    with pytest.raises(ParameterError, match=r"there are 1: 'a.jpg'"):
        named_frames("x", ["0000"], ["a.jpg"])
