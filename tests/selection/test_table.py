"""Every frame of the capture has a row, and says why."""

from __future__ import annotations

import numpy as np
import pytest
from selection_problems import random_problem

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.selection import Selection, SelectOptions, select
from mtcm_pipeline.selection.pool import apply_user_choices
from mtcm_pipeline.selection.table import selection_table


def test_rows_are_frames_in_capture_order_with_rank_gain_and_reason():
    problem = random_problem()
    selection = select(problem, SelectOptions(strategy="fvs", budget=6))
    table = selection_table(problem, selection, 4)
    assert table["name"].tolist() == list(problem.names)
    assert table["chosen"].sum() == 4
    ranked = table.dropna(subset=["rank"]).sort_values("rank")
    assert ranked["name"].tolist() == list(selection.ranking)
    assert ranked["rank"].tolist() == [1, 2, 3, 4, 5, 6]
    assert ranked["gain"].tolist() == list(selection.gains)
    assert ranked["reason"].tolist()[:4] == list(selection.reasons[:4])
    assert ranked["reason"].str.startswith("not needed")[4:].all()
    assert table["quality"].tolist() == problem.quality.tolist()


def test_frames_that_were_not_chosen_say_why():
    azimuth = np.radians([0, 10, 90, 180, 200])
    centres = np.column_stack([np.cos(azimuth), np.sin(azimuth), 0 * azimuth])
    centres[4] = np.nan
    problem = random_problem(
        5,
        centres_xyz=centres,
        directions=-centres,
        similarity=np.full((5, 5), 0.25),
        eligible=np.array([True, True, False, True, True]),
        reasons_out={"frame_002.jpg": "blurred"},
    )
    problem = apply_user_choices(problem, SelectOptions(drop=["frame_003.jpg"]))
    selection = Selection("fvs", ("frame_000.jpg",), (1.0,), ("the most central",))
    assert selection_table(problem, selection, 1)["reason"].tolist() == [
        "the most central",
        "not needed: nearest chosen frame frame_000.jpg at 10 degrees",
        "blurred",
        "dropped by the user (select.drop)",
        "not needed: most similar chosen frame frame_000.jpg (similarity 0.25)",
    ]


def test_an_empty_selection_has_its_rows_too():
    problem = random_problem(3)
    table = selection_table(problem, Selection("fvs", (), (), ()), 5)
    assert not table["chosen"].any() and table["rank"].isna().all()
    assert table["reason"].str.len().min() > 0


def test_a_selection_of_another_capture_is_refused():
    other = Selection("fvs", ("elsewhere.jpg",), (1.0,), ("far",))
    with pytest.raises(CaptureError, match=r"'elsewhere.jpg'.*3 frames"):
        selection_table(random_problem(3), other, 1)
