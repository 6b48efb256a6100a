"""Who is to blame, argued on small graphs of pairs."""

import numpy as np
import pandas as pd
import pytest

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.twoview.frame_evidence import frame_evidence, pair_agreement
from mtcm_pipeline.twoview.options import TwoViewOptions

OPTIONS = TwoViewOptions()


def graph(edges, *, inliers=100):
    """Pairs {(a, b): error in px}; None is an unconnected pair."""
    rows = [
        {
            "name_a": f"f{a}",
            "name_b": f"f{b}",
            "verified_inliers": 0 if error is None else inliers,
            "connected": error is not None,
            "median_epipolar_error_px": np.nan if error is None else error,
            "fitted_epipolar_error_px": np.nan if error is None else 0.2,
            "behind_share": np.nan if error is None else 0.0,
        }
        for (a, b), error in edges.items()
    ]
    return pd.DataFrame(rows)


def names(n):
    return [f"f{i}" for i in range(n)]


def complete(n, wrong=()):
    return {
        (i, j): 8.0 if i in wrong or j in wrong else 0.25
        for i in range(n)
        for j in range(i + 1, n)
    }


def verdicts(edges, n, **kwargs):
    table = frame_evidence(graph(edges, **kwargs), names(n), OPTIONS)
    return table.set_index("name")["pose_verdict"].to_dict()


def test_all_agree():
    assert set(verdicts(complete(6), 6).values()) == {"right"}


def test_one_wrong_frame_is_blamed_and_its_neighbours_are_not():
    found = verdicts(complete(8, wrong={3}), 8)
    assert found == {f"f{i}": "wrong" if i == 3 else "right" for i in range(8)}


def test_a_sound_frame_between_two_wrong_ones_is_heard_by_its_sound_partners():
    # A chain with steps 1, 2, 4; frames 4 and 6 are wrong, 5 stands between them.
    edges = {
        (i, j): 8.0 if {4, 6} & {i, j} else 0.25
        for i in range(12)
        for j in range(i + 1, 12)
        if j - i in (1, 2, 4)
    }
    found = verdicts(edges, 12)
    assert found["f4"] == found["f6"] == "wrong"
    assert [found[f"f{i}"] for i in (3, 5, 7)] == ["right"] * 3


def test_four_in_ten_wrong_frames_that_disagree_with_each_other_are_found():
    wrong = {0, 3, 5, 8}
    found = verdicts(complete(10, wrong=wrong), 10)
    assert {int(name[1:]) for name, v in found.items() if v == "wrong"} == wrong


def test_frames_that_are_outvoted_by_wrong_ones_are_heard_for_their_trusted_partners():
    """Five of ten: each sound frame has four partners that agree and five that do not."""
    wrong = {0, 2, 3, 5, 8}
    found = verdicts(complete(10, wrong=wrong), 10)
    assert found == {f"f{i}": "wrong" if i in wrong else "right" for i in range(10)}


def test_thin_evidence_is_unknown():
    edges = complete(5) | {(0, 5): 0.25, (0, 6): None, (1, 6): None, (2, 7): 8.0}
    found = verdicts(edges, 8)
    assert found["f5"] == found["f6"] == found["f7"] == "unknown"
    table = frame_evidence(graph(edges), names(8), OPTIONS).set_index("name")
    assert table.loc["f6", "pose_doubt"] == 0.5
    assert table.loc["f6", "support"] == 0
    counts = table.loc["f0", ["pairs", "agreeing", "disagreeing", "unconnected"]]
    assert counts.tolist() == [6, 5, 0, 1]


def test_few_verified_matches_weigh_little():
    few = {(0, 1): 0.25, (0, 2): 0.25, (1, 2): 0.25}
    assert set(verdicts(few, 3, inliers=100).values()) == {"right"}
    assert set(verdicts(few, 3, inliers=15).values()) == {"unknown"}


def test_what_is_usual_in_the_capture_does_not_count():
    rough = {pair: error * 5 for pair, error in complete(8, wrong={2}).items()}
    found = verdicts(rough, 8)  # sound pairs at 1.25 px, all poses a little off
    assert found == {f"f{i}": "wrong" if i == 2 else "right" for i in range(8)}


def test_points_behind_a_camera_are_disagreement_whatever_the_error():
    pairs = graph(complete(4)).assign(behind_share=[0.9, 0, 0, 0, 0, 0.4])
    assert pair_agreement(pairs, OPTIONS).tolist() == [-1, 1, 1, 1, 1, 1]


def test_the_order_of_pairs_and_their_ends_does_not_matter():
    pairs = graph(complete(9, wrong={1, 6}) | {(3, 9): 0.3, (4, 9): None})
    swapped = pairs.rename(columns={"name_a": "name_b", "name_b": "name_a"})
    shuffled = swapped.sample(frac=1, random_state=0)
    one = frame_evidence(pairs, names(10), OPTIONS)
    other = frame_evidence(shuffled, names(10)[::-1], OPTIONS)
    other = other.iloc[::-1].reset_index(drop=True)
    np.testing.assert_allclose(one["pose_doubt"], other["pose_doubt"])
    assert one["pose_verdict"].tolist() == other["pose_verdict"].tolist()


def test_no_pairs_and_foreign_names():
    empty = graph({(0, 1): None}).iloc[:0]
    table = frame_evidence(empty, names(2), OPTIONS)
    assert table["pose_verdict"].tolist() == ["unknown", "unknown"]
    with pytest.raises(CaptureError, match="'f1'"):
        frame_evidence(graph({(0, 1): 0.2}), ["f0"], OPTIONS)
