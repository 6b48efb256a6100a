"""The user's word over the judge's: by hand, and through the selection."""

from __future__ import annotations

import unicodedata

import numpy as np
import pandas as pd
import pytest

from mtcm_pipeline.errors import ParameterError
from mtcm_pipeline.judge.score_table import JUDGED
from mtcm_pipeline.selection import SelectOptions, select
from mtcm_pipeline.selection.assemble import assemble_problem
from mtcm_pipeline.selection.user_word import (
    _JUDGED,
    check_kept_frames,
    dropped_frames,
    final_scores,
    user_word,
)
from mtcm_pipeline.tokens.build import build_tokens
from synthetic import frame_table, orbit_cameras, smooth_embeddings

NAMES = ("a.jpg", "b.jpg", "c.jpg", "d.jpg")


def scores() -> pd.DataFrame:
    """a sound; b blurred; c a copy of a; d without a pose."""
    return pd.DataFrame(
        {
            "name": NAMES,
            "fault_score": [0.1, 0.8, 0.7, 0.2],
            "faulty": [False, True, True, False],
            "usable": [True, False, False, False],
            "reason": ["", "blurred", "duplicate of a.jpg", "no pose"],
            "other": ["", "", "a.jpg", ""],
            "degree_blurred": [0.0, 2.0, 0.0, 0.0],
            "fault_probability": [0.1, 0.8, 0.7, np.nan],
            "verdict": ["sound", "faulty", "faulty", np.nan],
            "kind": ["", "blur", "", np.nan],
            "field": ["none", "embedding", "none", np.nan],
        }
    )


def final(**said) -> pd.DataFrame:
    return final_scores(scores(), user_word(SelectOptions(**said), NAMES))


def test_without_a_word_nothing_changes():
    table = final()
    pd.testing.assert_frame_equal(table[scores().columns], scores())
    assert (table["user"] == "").all() and (table["overruled"] == "").all()


def test_a_kept_frame_is_sound_and_a_dropped_one_is_used_nowhere():
    before = scores()
    options = SelectOptions(keep=["b.jpg"], drop=["a.jpg", "c.jpg"])
    table = final_scores(before, user_word(options, NAMES))
    assert table["usable"].tolist() == [False, True, False, False]
    assert table["faulty"].tolist() == [False, False, True, False]
    assert table["fault_score"].tolist() == [0.1, 0.0, 0.7, 0.2]
    out = "dropped by the user (select.drop)"
    assert table["reason"].tolist() == [out, "", out, "no pose"]
    assert table["overruled"].tolist() == ["", "blurred", "duplicate of a.jpg", ""]
    assert table["other"].tolist() == [""] * 4
    assert table["user"].tolist() == ["drop", "keep", "drop", ""]
    assert dropped_frames(table) == {"a.jpg", "c.jpg"}
    # The judge's words on b are gone, those on c stay; so does what was measured.
    assert table.loc[1, list(JUDGED)].isna().all()
    assert table.loc[2, "verdict"] == "faulty"
    assert table["degree_blurred"].tolist() == before["degree_blurred"].tolist()
    pd.testing.assert_frame_equal(before, scores())


def test_the_judges_columns_are_the_judges():
    assert _JUDGED == JUDGED


def test_names_compare_composed():
    known = [unicodedata.normalize("NFD", "é.jpg"), "b.jpg"]
    word = user_word(SelectOptions(keep=["é.jpg"]), known)
    assert word.keep == (known[0],)
    with pytest.raises(ParameterError, match="both forced"):
        user_word(SelectOptions(keep=[known[0]], drop=["é.jpg"]), known)


def test_more_kept_frames_than_the_budget_are_refused():
    with pytest.raises(ParameterError, match=r"2 frames are forced .*budget is 1"):
        user_word(SelectOptions(budget=1, keep=["a.jpg", "b.jpg"]), NAMES)


@pytest.mark.parametrize(
    ("has_image", "has_pose", "words"),
    [
        (True, False, r"names 'b.jpg', which has no pose: remove it .* or give it one"),
        (False, True, r"names 'b.jpg', whose photograph cannot be read: remove it"),
        (False, False, r"names 'b.jpg', whose photograph cannot be read: remove it"),
    ],
)
def test_a_kept_frame_that_nobody_can_use_is_refused(has_image, has_pose, words):
    frames = pd.DataFrame({"name": NAMES, "has_image": True, "has_pose": True})
    frames.loc[1, ["has_image", "has_pose"]] = has_image, has_pose
    with pytest.raises(ParameterError, match=words):
        check_kept_frames(SelectOptions(keep=["a.jpg", "b.jpg"]), frames)
    dropped = SelectOptions(keep=["a.jpg"], drop=["b.jpg"])
    assert check_kept_frames(dropped, frames).drop == ("b.jpg",)


def test_the_selection_says_whom_the_user_overruled():
    """Through the table: the same frames as by the options alone, and the same words."""
    cameras = orbit_cameras(12)
    tokens, _ = build_tokens(frame_table(cameras), smooth_embeddings(cameras), cameras)
    bad = np.arange(12) == 4
    judged = pd.DataFrame(
        {
            "name": cameras.names,
            "fault_score": np.where(bad, 0.9, 0.0),
            "faulty": bad,
            "usable": ~bad,
            "reason": np.where(bad, "blurred", ""),
            "other": "",
            "degree_blurred": 0.0,
        }
    )
    said = {"keep": ["f004.jpg"], "drop": ["f000.jpg"]}
    options = SelectOptions(strategy="fvs", budget=5, **said)
    table = final_scores(judged, user_word(options, cameras.names))
    through = assemble_problem(tokens, np.eye(12), table)
    assert through.quality[4] == 1.0  # the user knows better than the judge
    alone = select(assemble_problem(tokens, np.eye(12), judged), options)
    found = select(through, options)
    assert found.ranking == alone.ranking
    assert found.ranking[0] == "f004.jpg" and "f000.jpg" not in found.ranking
    overruled = "forced by the user although not eligible (blurred)"
    assert found.reasons[0] == alone.reasons[0] == overruled
