"""The lines that a run ends with."""

import pandas as pd

from mtcm_pipeline.report.summary import summary_numbers, summary_text

FRAMES = pd.DataFrame({"name": ["a", "b", "c", "d"]})
SCORES = pd.DataFrame(
    {
        "usable": [True, False, False, True],
        "reason": ["", "blurred", "duplicate of a", ""],
    }
)
SELECTION = pd.DataFrame({"chosen": [True, False, False, False]})


def test_what_went_in_what_was_dropped_and_where_the_rest_lies():
    assert summary_text("Head", FRAMES, SCORES, SELECTION, "out/views").splitlines() == [
        "Head: 4 frames in, 2 dropped (1 blurred, 1 duplicate), 1 chosen",
        "chosen views for a trainer: out/views",
    ]


def test_warnings_come_last_a_line_each():
    text = summary_text(
        "Head", FRAMES, SCORES, SELECTION, "out/views", warnings=("bent", "torn")
    )
    assert text.splitlines()[2:] == ["WARNING: bent", "WARNING: torn"]


def test_what_the_user_dropped_is_counted_apart_and_every_frame_once():
    said = SCORES.assign(
        user=["keep", "", "drop", "drop"], usable=[True, False, False, False]
    )
    numbers = summary_numbers(FRAMES, said, SELECTION)
    assert numbers == {
        "frames in": "4",
        "dropped": "1",
        "dropped by you": "2",
        "kept": "1",
        "chosen": "1",
    }
    first = summary_text("Head", FRAMES, said, SELECTION, "out").splitlines()[0]
    assert first == "Head: 4 frames in, 1 dropped (1 blurred), 2 dropped by you, 1 chosen"
