"""Which frames can have a wrong time, on paths made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from judge_cases import evidence_of, orbit

from mtcm_pipeline.judge.order_rules import (
    closes_without,
    follows,
    is_ordered,
    may_be_misdated,
)

N = 24
TIMES = np.arange(N) / (N - 1)


def line() -> np.ndarray:
    """(N, 2) a step of 1 a frame."""
    return np.stack([np.arange(N, dtype=float), np.zeros(N)], axis=1)


def moved(places: np.ndarray, row: int, to: int) -> np.ndarray:
    """The frame `row` is said to have been taken just after the frame `to`."""
    rest = np.delete(places, row, axis=0)
    return np.insert(rest, to, places[row], axis=0)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_a_path_closes_where_a_misdated_frame_is_taken_out(scale):
    places = scale * moved(line(), 18, 5)  # now row 5, between 4 and 5
    near, closes = follows(places, TIMES), closes_without(places, TIMES)
    assert np.flatnonzero(~near).tolist() == [5]
    assert closes.all()


def test_a_path_with_a_quick_turn_closes_nowhere_about_it():
    places = line()
    places[12:] += 4.0  # steps of 4 before, within and after the turn
    places[13:] += 4.0
    places[14:] += 4.0
    near, closes = follows(places, TIMES), closes_without(places, TIMES)
    assert np.flatnonzero(~near).tolist() == [12, 13]
    assert not closes[12:14].any()


def test_one_wrong_neighbour_does_not_keep_a_path_open():
    places = moved(line(), 18, 5)
    places[4] += [0.0, 9.0]  # the frame before it has a wrong pose
    assert closes_without(places, TIMES)[5]


def test_the_order_is_that_of_the_times():
    places = moved(line(), 18, 5)
    shuffled = np.random.default_rng(0).permutation(N)
    assert np.array_equal(
        follows(places, TIMES)[shuffled], follows(places[shuffled], TIMES[shuffled])
    )
    places[12:] += 9.0
    assert np.array_equal(
        closes_without(places, TIMES)[shuffled],
        closes_without(places[shuffled], TIMES[shuffled]),
    )


def test_ends_and_places_that_are_not_known_are_no_reason():
    places = line()
    places[[0, -1]] += [[-7.0, 0.0], [7.0, 0.0]]  # no path around them to be closed
    places[10] = np.nan
    closes = closes_without(places, TIMES)
    assert np.flatnonzero(~closes).tolist() == [1, N - 2]  # these have one


def test_an_orbit_is_ordered_and_a_shuffled_one_is_not():
    evidence = evidence_of(N)
    assert is_ordered(evidence)
    mixed = np.random.default_rng(1).permutation(N)
    assert not is_ordered(replace(evidence, world_from_cam=orbit(N)[mixed]))


def test_only_a_misdated_frame_may_be_misdated():
    evidence = evidence_of(N)
    assert not may_be_misdated(evidence).any()
    late = replace(evidence, world_from_cam=moved(orbit(N), 18, 5))
    assert np.flatnonzero(may_be_misdated(late)).tolist() == [5]
