"""Identities by name, by pattern, and messages for what matches nothing."""

import unicodedata

import pytest

from mtcm_pipeline.errors import IdentityError
from mtcm_pipeline.fleet.choice import choose_identities

KNOWN = ["Bronze Head", "Bronze [1]", "Bronze 1", "Smith, Ada", "銅像", "Zoé"]


def test_names_and_patterns_give_each_identity_once_in_order():
    assert choose_identities(["Bronze*", "銅像", "Bronze Head"], KNOWN) == [
        "Bronze 1",
        "Bronze Head",
        "Bronze [1]",
        "銅像",
    ]
    assert choose_identities(["*, Ada"], KNOWN) == ["Smith, Ada"]
    assert choose_identities(["銅?"], KNOWN) == ["銅像"]


def test_a_name_that_looks_like_a_pattern_is_a_name_first():
    assert choose_identities(["Bronze [1]"], KNOWN) == ["Bronze [1]"]
    without = [name for name in KNOWN if name != "Bronze [1]"]
    assert choose_identities(["Bronze [1]"], without) == ["Bronze 1"]


def test_accents_in_one_or_two_pieces_are_the_same_letters():
    folder = unicodedata.normalize("NFD", "Zoé")
    assert choose_identities([unicodedata.normalize("NFC", "Zoé")], [folder]) == [folder]
    assert choose_identities(["Z?é"], [folder]) == [folder]


def test_case_counts_as_it_does_for_folders():
    with pytest.raises(IdentityError, match="did you mean 'Bronze Head'"):
        choose_identities(["bronze head"], KNOWN)


def test_everything_unknown_is_listed_at_once():
    with pytest.raises(IdentityError) as caught:
        choose_identities(["Bronze Haed", "Marble*", "銅像"], KNOWN)
    first, second = str(caught.value).splitlines()
    assert "unknown identity 'Bronze Haed'" in first and "'Bronze Head'" in first
    assert "no identity matches 'Marble*'" in second


def test_long_lists_are_cut_in_messages():
    many = [f"id {i:03d}" for i in range(300)]
    with pytest.raises(IdentityError, match="and 280 more"):
        choose_identities(["x*"], many)


def test_no_identity_at_all_says_where_they_go():
    with pytest.raises(IdentityError, match="data/raw_images"):
        choose_identities([], [])
