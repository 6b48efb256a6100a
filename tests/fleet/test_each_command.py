"""`kedro each` on fake runs: what it takes, what it says, and its exit status."""

import csv
import os
import re
import signal
import sys
import threading
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from fake_runs import ARGUMENTS, wait_for

from light_imports import assert_light
from mtcm_pipeline import each as command


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Identities without photographs, in a project without pipelines."""
    monkeypatch.setattr(command, "count_nodes", lambda names: 3)
    monkeypatch.setattr(command, "run_arguments", lambda wish: ARGUMENTS)
    for name in ("ok 1", "ok, 銅 [1]", "fails", "dies", "locked"):
        (tmp_path / "data" / "raw_images" / name).mkdir(parents=True)
    return tmp_path


def call(project, *arguments):
    obj = SimpleNamespace(project_path=project)
    return CliRunner().invoke(command.each, arguments, obj=obj)


def rows(project):
    (path,) = (project / "data" / "each").glob("*/outcomes.csv")
    with path.open(encoding="utf-8", newline="") as file:
        return {row["identity"]: row for row in csv.DictReader(file)}


def test_all_identities_with_some_that_fail(project):
    done = call(project, "--all", "--workers", "2")
    assert done.exit_code == 1, done.output
    assert {k: v["outcome"] for k, v in rows(project).items()} == {
        "ok 1": "finished",
        "ok, 銅 [1]": "finished",
        "fails": "failed",
        "dies": "failed",
        "locked": "locked",
    }
    assert (
        "2 finished, 2 failed, 1 locked. Logs and outcomes.csv: data/each/" in done.output
    )
    for row in rows(project).values():
        assert (project / row["log"]).is_file()
        assert f"logs/{row['identity']}/run.log" in done.output


def test_all_good_is_status_zero(project):
    done = call(project, "ok*")
    assert done.exit_code == 0, done.output
    assert set(rows(project)) == {"ok 1", "ok, 銅 [1]"}


def test_a_lock_alone_is_not_success(project):
    assert call(project, "locked").exit_code == 1


def test_a_dry_run_runs_and_writes_nothing(project):
    done = call(project, "--all", "--dry-run")
    assert done.exit_code == 0
    assert "MTCM_IDENTITY='ok, 銅 [1]' python" in done.output
    assert "5 to run, 0 to skip" in done.output
    assert not (project / "data" / "each").exists()
    assert not (project / "marks").exists()


def test_what_is_complete_is_skipped_and_said(project, monkeypatch):
    monkeypatch.setattr(command, "_complete_versions", lambda *_: {"fails": "v1"})
    done = call(project, "fails", "ok 1", "--resume")
    assert done.exit_code == 0, done.output
    assert rows(project)["fails"]["outcome"] == "skipped"
    assert "skipped      fails: complete, version v1" in done.output
    assert not (project / "marks" / "fails").exists()


def test_nothing_left_to_do_is_success(project, monkeypatch):
    monkeypatch.setattr(command, "_complete_versions", lambda *_: {"fails": "v1"})
    done = call(project, "fails", "--resume")
    assert done.exit_code == 0 and "1 skipped" in done.output


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ([], 2, "give names or patterns of identities, or --all"),
        (["ok 1", "--all"], 2, "give names or patterns of identities, or --all"),
        (["ok l"], 1, "unknown identity 'ok l'; did you mean 'ok 1'"),
        (["z*"], 1, "no identity matches 'z*'"),
        (["ok 1", "--params", "identity=Ada"], 2, "identity is not for --params here"),
        (["ok 1", "--params", "epochs"], 2, "not of the form key=value"),
        (["ok 1", "--workers", "0"], 2, "--workers"),
        (["ok 1", "--workers", "2", "--scheduler", "tcp://x:1"], 2, "dask worker"),
    ],
)
def test_mistakes_are_refused_before_any_work(project, arguments, status, message):
    done = call(project, *arguments)
    assert done.exit_code == status
    assert message in re.sub(r"\s*\n\W*", " ", done.output)
    assert not (project / "data" / "each").exists()


def test_a_missing_dask_is_told_with_its_remedy(project, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    done = call(project, "ok 1", "--scheduler", "tcp://127.0.0.1:1")
    assert done.exit_code == 1
    assert "pip install 'mtcm-pipeline[fleet]'" in done.output
    assert "Traceback" not in done.output


def test_ctrl_c_says_what_is_finished(project):
    (project / "data" / "raw_images" / "sleeps").mkdir()
    mark = project / "marks" / "sleeps"

    def interrupt():
        wait_for(mark.exists)
        os.kill(os.getpid(), signal.SIGINT)

    watcher = threading.Thread(target=interrupt)
    watcher.start()
    done = call(project, "ok 1", "sleeps", "--workers", "1")
    watcher.join()
    assert done.exit_code == 130, done.output
    assert "1 finished, 1 interrupted" in done.output and "--resume" in done.output
    assert rows(project)["sleeps"]["outcome"] == "interrupted"


def test_the_childs_command_line_is_kedros_own(monkeypatch):
    monkeypatch.delenv("KEDRO_ENV", raising=False)
    wish = command.Wish(pipelines=("ingest", "tokens"), params="train.epochs=3,a='x, y'")
    assert command.run_arguments(wish) == (
        "-m",
        "kedro",
        "run",
        "--pipelines=ingest,tokens",
        "--params=train.epochs=3,a='x, y'",
    )
    assert command.run_arguments(command.Wish()) == ("-m", "kedro", "run")
    assert command.run_arguments(command.Wish(env="lab"))[-1] == "--env=lab"


@pytest.mark.parametrize(
    "case",
    [
        (8, "", "--workers 2", 4),
        (8, "3", "--workers 2", 3),
        (8, "", "--workers 2 --threads 1", 1),
        (2, "", "--workers 5", 1),
    ],
)
def test_runs_share_the_cores(project, monkeypatch, case):
    cores, own, options, threads = case
    monkeypatch.setattr("mtcm_pipeline.fleet.child.available_cores", lambda: cores)
    monkeypatch.setenv("OMP_NUM_THREADS", own)
    for name in ("threads 1", "threads 2"):
        (project / "data" / "raw_images" / name).mkdir()
    assert call(project, "threads*", *options.split()).exit_code == 0
    log = project / rows(project)["threads 1"]["log"]
    assert log.read_text().splitlines()[-1] == f"{threads} {threads}"


def test_the_command_is_light_until_it_is_called():
    heavy = {"mtcm_pipeline.fleet.run", "rich.progress", "distributed"}
    assert_light("mtcm_pipeline.cli", heavy)


def test_ctrl_c_while_looking_for_what_is_complete_starts_nothing(project, monkeypatch):
    class Slow:
        def __init__(self, asked):
            pass

        def complete_version(self, identity):
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("mtcm_pipeline.orchestration.completeness.Completeness", Slow)
    done = call(project, "ok*", "--resume")
    assert done.exit_code == 130, done.output
    assert "2 interrupted" in done.output
    assert not (project / "marks").exists()
