"""Pairs of look-alike places, by made-up pair tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from judge_cases import agreeing_pairs

from mtcm_pipeline.judge.repeated_structure import (
    of_repeated_structure,
    without_repeated_structure,
)

NAMES = tuple(f"f{row:02d}.jpg" for row in range(24))


def disagreeing(table: pd.DataFrame, chosen, turn_deg: float) -> pd.DataFrame:
    """The chosen pairs contradict the poses by a turn."""
    spoilt = table.copy()
    spoilt.loc[chosen, "median_epipolar_error_px"] = 30.0
    spoilt.loc[chosen, "rotation_disagreement_deg"] = turn_deg
    return spoilt


def with_pair(table: pd.DataFrame, a: int, b: int, turn_deg: float) -> pd.DataFrame:
    """One more pair, verified, that contradicts the poses by a turn."""
    row = table.iloc[[0]].assign(name_a=NAMES[a], name_b=NAMES[b])
    longer = pd.concat([table, row], ignore_index=True)
    return disagreeing(longer, longer.index == len(table), turn_deg)


def touching(table: pd.DataFrame, *frames: int):
    names = [NAMES[row] for row in frames]
    return table["name_a"].isin(names) | table["name_b"].isin(names)


def test_a_label_printed_twice_binds_no_frames():
    table = with_pair(agreeing_pairs(NAMES), 2, 14, 180.0)
    found = of_repeated_structure(table, NAMES)
    assert np.flatnonzero(found).tolist() == [len(table) - 1]
    left = without_repeated_structure(table, NAMES)
    pd.testing.assert_frame_equal(left, table.iloc[:-1])


def test_a_frame_with_a_wrong_pose_keeps_its_contradictions():
    table = agreeing_pairs(NAMES)
    table = disagreeing(table, touching(table, 9), 50.0)
    assert not of_repeated_structure(table, NAMES).any()


@pytest.mark.parametrize("turn_deg", [8.0, 90.0])
def test_a_block_that_holds_only_within_itself_keeps_its_contradictions(turn_deg):
    table = agreeing_pairs(NAMES, reach=5)
    block = [NAMES[row] for row in range(6, 14)]
    crossing = table["name_a"].isin(block) != table["name_b"].isin(block)
    table = disagreeing(table, crossing, turn_deg)
    assert not of_repeated_structure(table, NAMES).any()


def test_a_small_disagreement_is_no_look_alike():
    table = with_pair(agreeing_pairs(NAMES), 2, 14, 12.0)
    assert not of_repeated_structure(table, NAMES).any()


def test_a_frame_that_hangs_on_two_pairs_is_not_bound():
    table = agreeing_pairs(NAMES)
    tied = touching(table, 2).to_numpy()
    extra = np.flatnonzero(tied)[2:]  # frame 2 keeps two of its pairs
    table = with_pair(table.drop(index=extra).reset_index(drop=True), 2, 14, 180.0)
    assert not of_repeated_structure(table, NAMES).any()


def test_no_pairs_are_no_pairs():
    nothing = agreeing_pairs(NAMES).iloc[:0]
    assert without_repeated_structure(nothing, NAMES).empty
