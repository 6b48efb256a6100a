"""The table of the fine-tuning benchmark by hand, and what a kill leaves."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from mtcm_pipeline.benchmarks.finetune_benchmark import (
    ARMS,
    POOLS,
    FinetuneRow,
    _blank,
    equal_steps,
    summary_table,
    whole_cells,
)
from mtcm_pipeline.benchmarks.rows import rows_so_far, write_as_known


def rows_of(pool: str, capture: str = "cup", **psnr: float) -> list[FinetuneRow]:
    blank = _blank(capture, pool, 0)
    rows = [replace(blank, arm=arm, psnr=value) for arm, value in psnr.items()]
    return [replace(r, pose_good=0.9, pose_after_deg=0.1) if r.arm == "tuned" else r
            for r in rows]  # fmt: skip


def test_what_is_won_of_the_gap_to_the_perfect_filter():
    rows = [
        *rows_of("block_20", none=20, residual=21, judge=22, tuned=24.5, perfect=25),
        *rows_of("clean", none=25, residual=24, judge=25, tuned=25),
    ]
    table = summary_table(rows)
    assert list(table.index) == [pool for pool in POOLS if pool in ("clean", "block_20")]
    assert table.loc["block_20", "won_by_judge"] == pytest.approx(0.25)
    assert table.loc["block_20", "won_by_tuned"] == pytest.approx(0.875)
    assert table.loc["block_20", "pose_good"] == pytest.approx(0.9)
    assert np.isnan(table.loc["clean", "won_by_tuned"])
    assert set(ARMS) < set(table.columns)


def test_several_seeds_of_a_cell_are_one_cell():
    rows = rows_of("clean", none=25, residual=24, tuned=25)
    again = [replace(row, seed=1, psnr=26) for row in rows if row.arm == "tuned"]
    table = summary_table([*rows, *again])
    assert table.loc["clean", "tuned"] == pytest.approx(25.5)
    assert table.loc["clean", "cells"] == 1


def test_a_gap_that_is_hardly_there_is_not_divided_by():
    rows = rows_of("subtle_30", none=20, residual=24.95, judge=25, tuned=25, perfect=25)
    assert np.isnan(summary_table(rows).loc["subtle_30", "won_by_tuned"])


def test_cells_that_were_cut_off_are_measured_again(tmp_path):
    whole = rows_of("clean", tuned=25, none=24, residual=24)
    cut_off = rows_of("block_20", tuned=25, none=24)
    out = tmp_path / "rows.csv"
    write_as_known([*whole, *cut_off], FinetuneRow, out)
    known = rows_so_far(FinetuneRow, out)
    assert len(known) == 5
    kept = whole_cells(known)
    assert [row.pool for row in kept] == ["clean"] * 3
    assert kept[0].psnr == 25


def test_the_other_arms_get_the_steps_that_the_seconds_pay_for():
    tuned = SimpleNamespace(spent={"start": 1.0}, step_seconds=lambda: 0.01)
    assert equal_steps(tuned, 11.0) == 1000
    assert equal_steps(tuned, 1.1) == 60  # never a fit that is none
