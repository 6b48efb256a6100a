"""Running trials: what is held out stays so, nothing is fitted twice, cuts resume."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from mtcm_pipeline.datasets.row_journal import CsvJournal
from mtcm_pipeline.errors import CaptureError, ParameterError
from mtcm_pipeline.selection import field_guided
from mtcm_pipeline.tokens.gauge import canonical_gauge
from mtcm_pipeline.trials.bench import Pool
from mtcm_pipeline.trials.benchmark import check_excluded, run_benchmark, sound_photos
from mtcm_pipeline.trials.plan import plan_cells
from mtcm_pipeline.trials.rows import table_of_rows
from mtcm_pipeline.trials.splits import hold_out
from trial_cases import (
    OPTIONS,
    MemoryJournal,
    brightness,
    fake_instruments,
    orbit_photos,
)

CAPTURES = {"orbit": orbit_photos}


class SpyFit:
    """Keeps the tasks that it was given."""

    def __init__(self) -> None:
        self.tasks = []

    def __call__(self, task):
        self.tasks.append(task)
        return brightness(task)


def run(options=OPTIONS, journal=None, fit=brightness, captures=CAPTURES):
    return run_benchmark(
        captures, options, journal or MemoryJournal(), fake_instruments(fit)
    )


def test_every_planned_trial_gets_its_row():
    rows = run()
    planned = {t for cell in plan_cells(["orbit"], OPTIONS) for t in cell.trials}
    assert len(rows) == len(planned) == 2 * 2 * 3  # rules, budgets, FVS twice and n-th
    assert set(rows["chosen"]) == {3, 5}
    assert np.isfinite(rows["psnr"]).all()


def test_no_selected_view_is_a_test_view_and_the_gauge_is_the_pools():
    spy = SpyFit()
    run(fit=spy)
    photos = orbit_photos()
    assert len(spy.tasks) == 12
    for task in spy.tasks:
        assert not set(task.shown.names) & set(task.hidden.names)
        splits = [
            hold_out(photos.cameras, rule, 0, 0) for rule in ("farthest", "stratified")
        ]
        (split,) = [s for s in splits if s.hidden == task.hidden.names]
        gauge = canonical_gauge(photos.cameras.subset(split.shown))
        np.testing.assert_allclose(task.shown.gauge.origin_xyz, gauge.origin_xyz)
        assert task.hidden.gauge.scale == task.shown.gauge.scale == gauge.scale


def test_a_selector_that_fits_fields_sees_the_pool_alone(monkeypatch):
    pools = []

    def look_of(pool):
        pools.append(set(pool.problem.views.names))
        return lambda rows: np.zeros(len(pool))

    monkeypatch.setattr(f"{field_guided.__name__}.small_field_look", look_of)
    spy = SpyFit()
    arms = ["clean/none/field_guided"]
    run(replace(OPTIONS, arms=arms, budgets=[3], fit_seeds=1), fit=spy)
    everything = set(orbit_photos().names)
    hidden = [everything - pool for pool in pools]
    assert hidden == [set(task.hidden.names) for task in spy.tasks]
    assert len(hidden) == 2


def test_faults_reach_the_pool_alone_and_the_perfect_filter_sees_them():
    options = replace(
        OPTIONS, arms=["gross_30/none/every_nth", "gross_30/perfect/every_nth"]
    )
    spy = SpyFit()
    rows = run(options, fit=spy)
    for task in spy.tasks:
        assert all(view.rgb.max() > 0 for view in task.hidden.views)
    of = rows.groupby("filter")["bad_chosen"].sum()
    assert of["none"] > 0
    assert of["perfect"] == 0
    perfect = rows[rows["filter"] == "perfect"]
    assert (perfect["bad_frames"] == -(-perfect["pool_frames"] // 4)).all()
    assert (perfect["bad_kept"] == 0).all()
    assert (perfect["good_lost"] == 0).all()


def test_the_residual_filter_fits_all_frames_of_the_pool_and_judges_them():
    options = replace(OPTIONS, arms=["gross_30/residual/fvs"], budgets=[3])
    spy = SpyFit()
    run(options, fit=spy)
    first = spy.tasks[0]
    assert first.shown.names == first.hidden.names
    assert len(first.shown) == 24 - 4
    assert first.steps == options.residual_steps


def test_the_same_subset_is_fitted_once():
    """Without faults the perfect filter and no filter choose alike."""
    options = replace(
        OPTIONS, arms=["clean/none/fvs", "clean/perfect/fvs"], fit_seeds=1, budgets=[3]
    )
    spy = SpyFit()
    rows = run(options, fit=spy)
    assert len(rows) == 4
    assert len(spy.tasks) == 2
    assert rows["repeated"].sum() == 2
    assert rows.groupby("split_rule")["psnr"].nunique().tolist() == [1, 1]


def test_training_seeds_of_one_subset_are_different_fits():
    spy = SpyFit()
    run(replace(OPTIONS, arms=["clean/none/fvs"], budgets=[3]), fit=spy)
    assert sorted(task.seed for task in spy.tasks) == [0, 0, 1, 1]


def test_known_rows_are_not_done_again_and_other_arms_can_join():
    journal, spy = MemoryJournal(), SpyFit()
    run(replace(OPTIONS, arms=["clean/none/fvs"]), journal)
    before = journal.read()
    run(OPTIONS, journal, fit=spy)
    assert [row.trial for row in journal.read()[: len(before)]] == [
        row.trial for row in before
    ]
    assert len(spy.tasks) == len(journal.read()) - len(before) == 4
    again = SpyFit()
    run(OPTIONS, journal, fit=again)
    assert again.tasks == []


def test_rows_of_other_settings_are_refused_and_of_other_content_done_again():
    journal, spy = MemoryJournal(), SpyFit()
    run(OPTIONS, journal)
    with pytest.raises(ParameterError, match="other settings"):
        run(replace(OPTIONS, steps=9), journal)
    changed = partial(orbit_photos, 25)
    rows = run(OPTIONS, journal, fit=spy, captures={"orbit": changed})
    assert len(spy.tasks) == len(rows) == 12


def test_processes_give_the_rows_of_this_process():
    alone = run().drop(columns=["repeated"])
    spawned = run(replace(OPTIONS, workers=2)).drop(columns=["repeated"])
    assert alone.equals(spawned)


def test_a_pool_that_cannot_be_made_is_left_out_and_said(caplog):
    def refuse(name, photos, seed):
        if name == "block_20":
            raise CaptureError("too small for a block")
        return Pool(photos)

    options = replace(OPTIONS, arms=["clean/none/fvs", "block_20/none/fvs"])
    tools = replace(fake_instruments(), make_pool=refuse)
    rows = run_benchmark(CAPTURES, options, MemoryJournal(), tools)
    assert set(rows["pool"]) == {"clean"}
    assert "block_20" in caplog.text
    assert "too small" in caplog.text


def refuse_poses():
    raise CaptureError("it has no poses")


def test_captures_that_give_nothing_stop_none_of_the_others(caplog):
    usual = fake_instruments()

    def measured(photos):
        if photos.identity == "flat":
            raise CaptureError("no point is seen twice")
        return usual.surrogate(photos)

    captures = {
        "bare": refuse_poses,
        "tiny": partial(orbit_photos, 7, "tiny"),
        **CAPTURES,
        "flat": partial(orbit_photos, 24, "flat"),
    }
    tools = replace(usual, surrogate=measured)
    rows = run_benchmark(captures, OPTIONS, MemoryJournal(), tools)
    assert rows.equals(run())
    for told in (
        "bare is left out",
        "no poses",
        "tiny is left out",
        "not 7",
        "seen twice",
    ):
        assert told in caplog.text


@pytest.mark.parametrize("frames", [1, 2, 7])
def test_without_any_row_every_capture_is_named_with_what_it_lacks(frames):
    captures = {"bare": refuse_poses, "tiny": partial(orbit_photos, frames, "tiny")}
    with pytest.raises(CaptureError, match=r"^no trial could be done: ") as caught:
        run(captures=captures)
    said = str(caught.value)
    assert "bare: it has no poses" in said
    assert f"tiny: a benchmark needs 8 sound posed frames or more, not {frames}" in said
    assert len(run(captures={"tiny": partial(orbit_photos, 8, "tiny")})) == 12


def test_pools_that_cannot_be_made_are_the_reason_where_nothing_else_is_asked():
    def refuse(name, photos, seed):
        raise CaptureError("too small for a block")

    tools = replace(fake_instruments(), make_pool=refuse)
    options = replace(OPTIONS, arms=["block_20/none/fvs"])
    with pytest.raises(CaptureError, match=r"done: orbit: too small for a block$"):
        run_benchmark(CAPTURES, options, MemoryJournal(), tools)


def test_rows_of_what_the_capture_was_before_are_never_shown():
    """Back to 24 frames, whose rows are there, after 25, whose rows came later."""
    journal = MemoryJournal()
    first = run(journal=journal)
    other = run(journal=journal, captures={"orbit": partial(orbit_photos, 25)})
    assert set(first["content"]).isdisjoint(other["content"])
    assert run(journal=journal).equals(first)


def test_a_frame_that_is_not_there_is_told_before_any_fit():
    spy = SpyFit()
    captures = {**CAPTURES, "late": partial(orbit_photos, 24, "late")}
    with pytest.raises(ParameterError, match=r"'late'.*'no.jpg'"):
        run(replace(OPTIONS, exclude=["late/no.jpg"]), fit=spy, captures=captures)
    assert spy.tasks == []


def test_an_excluded_frame_of_an_unknown_capture_is_refused_with_the_closest():
    check_excluded(["fox/1.jpg", "orbit/2.jpg"], ["fox", "orbit"])
    with pytest.raises(ParameterError, match=r"'fxo/1.jpg'.*did you mean 'fox'"):
        check_excluded(["orbit/2.jpg", "fxo/1.jpg"], ["fox", "orbit"])


def test_geometry_expects_something_of_pools_as_they_were_captured_alone():
    """The surrogate was measured on the sound poses; wrong ones look like sound ones."""
    options = replace(OPTIONS, arms=["clean/none/fvs", "gross_30/none/fvs"])

    def wrong_poses(name, photos, seed):
        return Pool(photos, frozenset() if name == "clean" else frozenset(["f003.jpg"]))

    tools = replace(fake_instruments(), make_pool=wrong_poses)
    rows = run_benchmark(CAPTURES, options, MemoryJournal(), tools)
    by_pool = rows.groupby("pool")["surrogate"]
    assert by_pool.count().to_dict() == {"clean": 8, "gross_30": 0}


def test_frames_known_to_be_faulty_are_left_out():
    photos = orbit_photos()
    names = photos.names
    left = sound_photos(photos, [f"orbit/{names[0]}", f"other/{names[1]}"])
    assert left.names == names[1:]
    with pytest.raises(ParameterError, match=r"'orbit'.*'f0.jpg'.*did you mean 'f0"):
        sound_photos(photos, ["orbit/f0.jpg"])


def test_a_kill_loses_no_row_and_doubles_none(tmp_path):
    """SIGKILL in the middle of a run, half a line left behind, then a second run."""
    out = tmp_path / "rows.csv"
    code = (
        "import sys, time\n"
        f"sys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parents[1])]}\n"
        "import test_trial_run as t\n"
        "from pathlib import Path\n"
        "def slow(task):\n"
        "    time.sleep(0.15)\n"
        "    return t.brightness(task)\n"
        f"t.run(journal=t.CsvJournal(Path({str(out)!r})), fit=slow)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code], env=os.environ.copy())
    limit = time.monotonic() + 60
    while time.monotonic() < limit and (
        not out.exists() or out.read_bytes().count(b"\n") < 4
    ):
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    before = CsvJournal(out).read()
    assert 3 <= len(before) < 12
    with out.open("ab") as file:
        file.write(b"orbit,clean,0,far")
    spy = SpyFit()
    rows = run(journal=CsvJournal(out), fit=spy)
    after = CsvJournal(out).read()
    assert table_of_rows(after[: len(before)]).equals(table_of_rows(before))
    assert len(spy.tasks) == len(after) - len(before)
    assert len({row.trial for row in after}) == len(after) == 12
    assert rows.equals(run())
    assert table_of_rows(after).equals(rows)
