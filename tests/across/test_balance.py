"""Every identity equally often, counted."""

from __future__ import annotations

from collections import Counter
from itertools import islice

from mtcm_pipeline.across.balance import balanced_batches

# "many" has eight cases, "few" two, "one" a single one.
OWNERS = ["many"] * 8 + ["few"] * 2 + ["one"]


def drawn(batch: int, steps: int, seed: int = 0) -> list[list[int]]:
    return list(islice(balanced_batches(OWNERS, batch, seed), steps))


def test_identities_are_drawn_equally_often_however_many_cases_they_have():
    counts = Counter(OWNERS[place] for step in drawn(2, 30) for place in step)
    assert counts == {"many": 20, "few": 20, "one": 20}


def test_no_identity_is_ever_ahead_by_more_than_one():
    counts: Counter[str] = Counter(dict.fromkeys(OWNERS, 0))
    for step in drawn(2, 40):
        for place in step:
            counts[OWNERS[place]] += 1
            assert max(counts.values()) - min(counts.values()) <= 1


def test_the_cases_of_an_identity_take_turns():
    places = [place for step in drawn(3, 16) for place in step]
    assert Counter(p for p in places if OWNERS[p] == "many") == dict.fromkeys(range(8), 2)
    assert Counter(p for p in places if OWNERS[p] == "few") == {8: 8, 9: 8}


def test_a_batch_of_as_many_as_there_are_holds_everyone_once():
    assert all(len({OWNERS[p] for p in step}) == 3 for step in drawn(3, 20))


def test_the_seed_decides_the_order_and_repeats_it():
    assert drawn(3, 10, seed=1) == drawn(3, 10, seed=1)
    assert drawn(3, 10, seed=1) != drawn(3, 10, seed=2)
