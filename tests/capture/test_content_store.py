"""Kept results: their keys, and what damage does to them."""

import pytest

from mtcm_pipeline.capture.content_store import content_key, sealed, unsealed


def test_what_was_sealed_comes_back():
    for content in (b"", b"x", bytes(range(256)) * 9):
        assert unsealed(sealed(content)) == content
    assert unsealed(None) is None


def test_damage_anywhere_is_seen():
    whole = sealed(b"four score and seven")
    for place in range(len(whole)):
        spoilt = bytearray(whole)
        spoilt[place] ^= 0x10
        assert unsealed(bytes(spoilt)) is None
        assert unsealed(whole[:place]) is None
    assert unsealed(whole + b"\0") is None


@pytest.mark.parametrize("other", [(b"a", b"bc"), (b"ab",), (b"abc",), (b"b", b"ca")])
def test_keys_tell_where_a_part_ends(other):
    assert content_key("kind", b"ab", b"c") != content_key("kind", *other)
    assert content_key("kind", b"ab", "c") == content_key("kind", b"ab", b"c")
