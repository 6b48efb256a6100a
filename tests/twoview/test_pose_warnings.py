"""What is said of poses that are wrong as a whole."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from test_seams import NAMES, N, pair_table
from test_torn_views import cylinder, folded, ring

from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.twoview.options import TwoViewOptions
from mtcm_pipeline.twoview.pose_warnings import pose_warnings
from mtcm_pipeline.twoview.torn_views import torn_views

NO_PAIRS = pair_table(lambda a, b: 0.0).iloc[:0]


def warnings_of(cameras, points, pairs=NO_PAIRS, names=None):
    names = names or cameras.names
    return pose_warnings(
        cameras,
        points,
        pairs,
        names=names,
        sequence_times=np.arange(len(names), dtype=np.float64),
        options=TwoViewOptions(),
    )


def matched(pairs, error_px) -> pd.DataFrame:
    """A pair table of the pairs, all with that error under the poses."""
    table = pair_table(lambda a, b: 0.0).iloc[[0] * len(pairs)].reset_index(drop=True)
    return table.assign(
        name_a=[a for a, _ in pairs],
        name_b=[b for _, b in pairs],
        median_epipolar_error_px=error_px,
        rotation_disagreement_deg=0.0,
    )


def test_sound_poses_are_not_doubted():
    assert warnings_of(ring(), cylinder(0.5)) == ()
    assert warnings_of(ring(), SparsePoints.empty()) == ()


def test_a_fold_is_counted_shown_and_has_a_remedy():
    cameras, points = folded(cylinder())
    found = torn_views(cameras, points)
    (warning,) = warnings_of(cameras, points)
    assert warning.startswith(f"{len(found.torn)} of {found.beside} pairs of cameras")
    assert "00.jpg and 30.jpg" in warning and "patterned mat" in warning


@pytest.mark.parametrize(("error_px", "count"), [(0.3, 0), (90.0, 1)])
def test_matches_of_the_pairs_themselves_have_the_last_word(error_px, count):
    """Laps that were never compared share no point, yet their photographs match."""
    cameras, points = folded(cylinder())
    torn = torn_views(cameras, points).torn
    pairs = matched(torn[:10], error_px)
    # Others agree, so that an error stands out in the capture.
    pairs = pd.concat([pairs, matched([("00.jpg", "01.jpg")] * 30, 0.3)])
    assert len(warnings_of(cameras, points, pairs)) == count


def test_two_torn_pairs_are_not_enough(monkeypatch):
    cameras, points = folded(cylinder())
    torn = torn_views(cameras, points)
    for kept, count in ((2, 0), (3, 0), (len(torn.torn), 1)):
        fewer = type(torn)(torn.beside, torn.torn[:kept])
        monkeypatch.setattr(
            "mtcm_pipeline.twoview.pose_warnings.torn_views",
            lambda *_, fewer=fewer: fewer,
        )
        assert len(warnings_of(cameras, points)) == count  # 3 of 146 are under 3 %


def test_a_seam_is_named_with_its_turn():
    pairs = pair_table(lambda a, b: 170.0 if (a < 8) != (b < 8) else 0.0)
    names = NAMES
    cameras = ring(np.linspace(0, 1, N), names)
    (warning,) = warnings_of(cameras, SparsePoints.empty(), pairs, names)
    assert "between 07.jpg and 08.jpg (170°)" in warning
