"""Sums of the fault benchmark's rows, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mtcm_pipeline.benchmarks.fault_tables import (
    blocks_and_many,
    by_capture,
    of_each_capture,
    reliability_table,
    roc_area,
    summary,
)


def test_the_mean_of_all_is_over_kinds_and_not_over_frames():
    rows = pd.DataFrame(
        [
            ("one", "blur", "gross", "judge", 2, 10, 20.0),  # area 1
            ("two", "blur", "gross", "judge", 1, 10, 5.0),  # area 0.5
            ("one", "mask", "gross", "judge", 8, 10, 20.0),  # area 0.25
        ],
        columns=["capture", "kind", "strength", "method", "frames", "sound", "won"],
    )
    table = summary(rows, roc_area)
    assert table.loc[("blur", "gross"), "judge"] == pytest.approx(0.75)
    assert table.loc[("mean", "of all"), "judge"] == pytest.approx(0.5)


def test_reliability_in_two_numbers_by_hand():
    frames = pd.DataFrame(
        {
            "method": ["judge"] * 4 + ["check"],
            "probability": [0.2, 0.2, 0.2, 0.9, float("nan")],
            "kind": ["", "", "blur", "blur", ""],
        }
    )
    table = reliability_table(frames)
    assert list(table.index) == ["judge"]
    # (0.04 + 0.04 + 0.64 + 0.01) / 4
    assert table.loc["judge", "Brier score"] == pytest.approx(0.1825)
    # Three frames a distance of 1/3 - 0.2 off, one of 0.1.
    assert table.loc["judge", "distance"] == pytest.approx((3 * (1 / 3 - 0.2) + 0.1) / 4)


def test_times_that_no_order_shows_are_left_out_of_the_last_column_only():
    rows = pd.DataFrame(
        [
            ("walk", "timestamp", 2, 1, 8.0),
            ("walk", "mask", 2, 2, 10.0),
            ("walk", "all", 4, 3, 18.0),
            ("dome", "timestamp", 2, 0, 2.0),
            ("dome", "mask", 2, 1, 9.0),
            ("dome", "all", 4, 1, 11.0),
        ],
        columns=["capture", "kind", "frames", "caught_5", "won"],
    ).assign(method="judge", strength="gross", plan="all_gross_45", sound=5)
    blocks = rows.head(1).assign(kind="block", plan="block_gross_30")
    rows = pd.concat([rows, blocks], ignore_index=True)
    table = blocks_and_many(rows, unordered=["dome"])
    assert table.loc["judge", "45 % faulty, recall at 5"] == pytest.approx(
        (3 / 4 + 1 / 4) / 2
    )
    assert table.loc["judge", "without unseen times"] == pytest.approx(
        (3 / 4 + 1 / 2) / 2
    )
    times = by_capture(rows, "timestamp")["judge"]
    assert times["gross", "walk"] == pytest.approx(0.8)
    assert times["gross", "dome"] == pytest.approx(0.2)


def test_each_capture_by_hand():
    rows = pd.DataFrame(
        [
            ("walk", "clean", "all", 0, 10, 0, 1, 0),
            ("walk", "all_gross_45", "timestamp", 2, 5, 1, 0, 1),
            ("walk", "all_gross_45", "mask", 3, 5, 3, 0, 3),
            ("walk", "all_gross_45", "all", 5, 5, 4, 2, 4),
            ("walk", "block_gross_30", "block", 4, 5, 2, 0, 2),
            ("walk", "block_gross_30", "all", 4, 5, 2, 0, 2),
            ("dome", "all_gross_45", "timestamp", 2, 10, 0, 0, 1),
            ("dome", "all_gross_45", "mask", 2, 10, 1, 0, 1),
            ("dome", "all_gross_45", "all", 4, 10, 1, 0, 2),
        ],
        columns=["capture", "plan", "kind", "frames", "sound", "caught_5", "lost",
                 "caught"],
    ).assign(method="judge", won=15.0)  # fmt: skip
    table = of_each_capture(rows, "judge", unordered=["dome"])
    lost, found = 100 * 3 / 20, 6 / 9
    expected = [lost, 1.0, found, 0.8, 0.8, 15 / 20, 0.5]
    assert table.loc["walk"].tolist() == pytest.approx(expected)
    expected = [0.0, 0.0, 0.5, 0.25, 0.5, np.nan, np.nan]
    assert table.loc["dome"].tolist() == pytest.approx(expected, nan_ok=True)
