"""The benchmark's nodes: what they refuse, and the command on the page."""

from __future__ import annotations

import shlex

import pytest

from memory_store import MemoryStore
from mtcm_pipeline.datasets.row_journal import Journals
from mtcm_pipeline.errors import CaptureError, ParameterError
from mtcm_pipeline.orchestration.command_line import split_params
from mtcm_pipeline.pipelines.benchmark.nodes import run_all_trials, sum_up_trials
from mtcm_pipeline.trials.options import BenchmarkOptions
from mtcm_pipeline.trials.rows import table_of_rows
from trial_cases import a_row, orbit_photos


def rows_of(folder, options, frames=5):
    captures = {"tiny": lambda: orbit_photos(frames, "tiny")}
    asked = {"identity": "tiny"}
    return run_all_trials(captures, Journals(folder), MemoryStore(), options, asked)


def test_a_small_capture_ends_with_what_is_needed_and_writes_nothing(tmp_path):
    with pytest.raises(CaptureError, match=r"tiny: .* 8 sound posed frames .*not 5"):
        rows_of(tmp_path, BenchmarkOptions(workers=0))
    assert list(tmp_path.iterdir()) == []


def test_a_misspelt_capture_among_the_excluded_is_refused(tmp_path):
    options = BenchmarkOptions(exclude=["tinny/f001.jpg"], workers=0)
    with pytest.raises(ParameterError, match="did you mean 'tiny'"):
        rows_of(tmp_path, options)


@pytest.mark.parametrize(
    "options",
    [
        BenchmarkOptions(),
        BenchmarkOptions(arms=["*/*/fvs", "clean/none/k_dpp"], budgets=[3, 9]),
        BenchmarkOptions(captures=["Ada, B"], exclude=["Ada, B/it's #1 [x].jpg"]),
    ],
)
def test_the_command_on_the_page_asks_for_the_same_options(options, monkeypatch):
    monkeypatch.setenv("MTCM_IDENTITY", "Ada")  # of this shell, not of a reader's
    _, files = sum_up_trials(table_of_rows([a_row()]), options, {"identity": "Ada"})
    (line,) = (x for x in files["benchmark.md"].splitlines() if "kedro run" in x)
    words = shlex.split(line)
    assert words[:3] == ["kedro", "run", "--pipelines=benchmark"]
    given = split_params(None, None, words[words.index("--params") + 1])
    assert given["identity"] == "Ada"
    assert BenchmarkOptions(**given.get("benchmark", {})) == options
