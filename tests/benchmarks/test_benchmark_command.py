"""Every benchmark ends on the project's own errors with one line."""

from __future__ import annotations

from pathlib import Path

import click
from click.testing import CliRunner

from mtcm_pipeline import benchmarks
from mtcm_pipeline.benchmarks.command import BenchmarkCommand
from mtcm_pipeline.errors import CaptureError


def ending_on(error: Exception) -> click.Command:
    @click.command(cls=BenchmarkCommand)
    def command() -> None:
        raise error

    return command


def test_an_own_error_is_one_line_and_any_other_keeps_its_traceback():
    told = CliRunner().invoke(ending_on(CaptureError("no pictures in X")))
    assert (told.exit_code, told.output) == (1, "Error: no pictures in X\n")
    bug = CliRunner().invoke(ending_on(ZeroDivisionError()))
    assert isinstance(bug.exception, ZeroDivisionError)


def test_every_benchmark_is_such_a_command():
    files = Path(benchmarks.__path__[0]).glob("*.py")
    sources = {file.stem: file.read_text(encoding="utf-8") for file in files}
    commands = {name for name, source in sources.items() if "\ndef main(" in source}
    told = {name for name in commands if "cls=BenchmarkCommand)\n" in sources[name]}
    assert len(commands) > 10 and told == commands


def test_a_file_among_the_folders_is_named(tmp_path):
    from mtcm_pipeline.benchmarks.fault_benchmark import main

    (file := tmp_path / "README.md").write_text("about the captures")
    places = ["--scenarios", str(tmp_path / "s"), "--out", str(tmp_path / "t.csv")]
    told = CliRunner().invoke(main, [str(file), *places])
    assert told.exit_code == 1 and len(told.output.splitlines()) == 1
    assert f"{file} is not a folder" in told.output
