"""Places where the poses tear a sequence apart, in pair tables made by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mtcm_pipeline.twoview.options import TwoViewOptions
from mtcm_pipeline.twoview.seams import Seam, seams

OPTIONS = TwoViewOptions()
N = 12
NAMES = tuple(f"{i:02d}.jpg" for i in range(N))


def pair_table(turn_deg, *, reach=3, missing=()) -> pd.DataFrame:
    """All pairs within the reach.

    `turn_deg(a, b)` is how far a pair's matches turn from the poses; 0 agrees, and None
    says that the pair shows nothing.
    """
    rows = []
    for a in range(N):
        for b in range(a + 1, min(a + reach + 1, N)):
            turn = turn_deg(a, b)
            known = turn is not None
            wrong = known and turn > 0
            rows.append(
                {
                    "name_a": NAMES[a],
                    "name_b": NAMES[b],
                    "connected": known,
                    "median_epipolar_error_px": 90.0 if wrong else 0.3,
                    "fitted_epipolar_error_px": 0.3,
                    "behind_share": 0.0,
                    "rotation_disagreement_deg": float(turn or 0.0),
                }
            )
            if not known:
                rows[-1] |= dict.fromkeys(list(rows[-1])[3:], np.nan)
    return pd.DataFrame(rows)


def found(table, times=None):
    return seams(table, NAMES, np.arange(N) if times is None else times, OPTIONS)


def test_poses_that_agree_have_no_seam():
    assert found(pair_table(lambda a, b: 0.0)) == ()


def test_a_tail_that_was_put_elsewhere_is_behind_a_seam():
    """Across 7|8 lie 1 + 2 + 3 pairs of reach 3, and nowhere else is one against."""
    table = pair_table(lambda a, b: 170.0 if (a < 8) != (b < 8) else 0.0)
    assert found(table) == (Seam("07.jpg", "08.jpg", 170.0, 6),)


def test_a_block_in_the_middle_has_a_seam_at_either_end():
    inside = {4, 5, 6, 7}
    table = pair_table(lambda a, b: 90.0 if (a in inside) != (b in inside) else 0.0)
    assert [(s.before, s.after) for s in found(table)] == [
        ("03.jpg", "04.jpg"),
        ("07.jpg", "08.jpg"),
    ]


@pytest.mark.parametrize("alone", [0, 6, N - 1])
def test_one_wrong_frame_is_no_seam(alone):
    assert found(pair_table(lambda a, b: 120.0 if alone in (a, b) else 0.0)) == ()


def test_one_pair_across_that_agrees_heals_it():
    def turn(a, b):
        return 0.0 if (a, b) == (7, 8) or (a < 8) == (b < 8) else 170.0

    assert found(pair_table(turn)) == ()


def test_a_gap_that_nothing_matches_across_is_no_seam():
    assert found(pair_table(lambda a, b: None if (a < 8) != (b < 8) else 0.0)) == ()


def test_look_alike_places_far_apart_in_the_sequence_are_no_seam():
    table = pair_table(lambda a, b: 0.0 if b - a <= 3 else 90.0, reach=N)
    assert found(table) == ()


def test_the_sequence_is_that_of_the_times():
    """Frames shot in the order 11, 10, …, 0: the seam is named in that order."""
    table = pair_table(lambda a, b: 170.0 if (a < 8) != (b < 8) else 0.0)
    (seam,) = found(table, np.arange(N)[::-1])
    assert (seam.before, seam.after) == ("08.jpg", "07.jpg")


def test_an_empty_table_has_none():
    assert found(pair_table(lambda a, b: 0.0).iloc[:0]) == ()
