"""One child: how it ends, what is said of it, and that nothing of it is left."""

import os
import signal
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from fake_runs import item, wait_for

from light_imports import assert_light
from mtcm_pipeline.fleet.child import run_item
from mtcm_pipeline.fleet.stopping import Stop, asked_by_signals
from mtcm_pipeline.fleet.work import Status, Urgency
from mtcm_pipeline.orchestration.command_line import run_command


def run(project, identity, urgency=lambda: Urgency.NONE):
    return run_item(item(project, identity), threads=3, urgency=urgency)


def is_alive(process):
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_finished_run_has_its_log_time_and_threads(tmp_path):
    outcome = run(tmp_path, "threads, 銅 [1]")
    assert outcome.status is Status.FINISHED and outcome.message == ""
    outcome = run(tmp_path, "threads")
    assert outcome.log.read_text().splitlines()[-1] == "3 3"
    assert outcome.seconds > 0


@pytest.mark.parametrize(
    ("identity", "status", "message"),
    [
        ("fails [b]", Status.FAILED, "frame 'a.jpg' of [bold]fails [b][/x] is 3 px wide"),
        ("raises", Status.FAILED, "ValueError: not ours"),
        ("mute", Status.FAILED, "INFO     look at it ..."),
        ("locked", Status.LOCKED, "another run of identity 'locked' is under way"),
        ("dies", Status.FAILED, "ended by signal 9 (Killed)"),
    ],
)
def test_each_end_is_told_from_the_others(tmp_path, identity, status, message):
    outcome = run(tmp_path, identity)
    assert outcome.status is status
    assert message in outcome.message


def test_all_lines_of_a_message_are_kept(tmp_path):
    assert run(tmp_path, "fails").message.endswith("\n- second line")


def test_what_a_killed_child_started_is_ended_with_it(tmp_path):
    assert run(tmp_path, "parent").status is Status.FAILED
    sleeper = int((tmp_path / "marks" / "grandchild").read_text())
    wait_for(lambda: not is_alive(sleeper))


def test_a_stop_ends_a_sleeping_child(tmp_path):
    stop = Stop()
    mark = tmp_path / "marks" / "sleeps"
    watcher = threading.Thread(target=lambda: (wait_for(mark.exists), stop.ask()))
    watcher.start()
    outcome = run(tmp_path, "sleeps", stop)
    watcher.join()
    assert (outcome.status, outcome.message) == (Status.INTERRUPTED, "stopped")


def test_a_second_request_ends_a_child_that_ignores_the_first(tmp_path):
    stop = Stop()
    log = item(tmp_path, "stubborn").log

    def ask_twice():
        wait_for(lambda: log.exists() and "deaf" in log.read_text())
        stop.ask()
        stop.ask()

    watcher = threading.Thread(target=ask_twice)
    watcher.start()
    assert run(tmp_path, "stubborn", stop).status is Status.INTERRUPTED
    watcher.join()


def test_nothing_is_started_after_a_stop(tmp_path):
    outcome = run(tmp_path, "ok", lambda: Urgency.STOP)
    assert outcome.status is Status.INTERRUPTED and outcome.log is None
    assert not (tmp_path / "marks").exists()


def test_a_machine_without_the_project_says_so(tmp_path):
    outcome = run(tmp_path / "elsewhere", "ok")
    assert outcome.status is Status.FAILED
    assert f"has no folder {tmp_path / 'elsewhere'}" in outcome.message


def test_a_log_that_cannot_be_written_is_an_outcome(tmp_path):
    (tmp_path / "logs").write_text("a file, not a folder")
    assert "could not be started" in run(tmp_path, "ok").message


def test_signals_ask_and_are_given_back():
    before = signal.getsignal(signal.SIGTERM)
    stop = Stop()
    with asked_by_signals(stop):
        os.kill(os.getpid(), signal.SIGTERM)
        wait_for(lambda: stop() is Urgency.STOP)
        os.kill(os.getpid(), signal.SIGINT)
        wait_for(lambda: stop() is Urgency.KILL)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_remedy_told_by_a_child_names_its_identity(tmp_path, monkeypatch):
    """The user's shell, where it is pasted, has no MTCM_IDENTITY."""
    seen = {}

    def note(command, **options):
        seen.update(options["env"])
        raise OSError("not here")

    monkeypatch.setattr(subprocess, "Popen", note)
    run(tmp_path, "Ada")
    monkeypatch.setenv("MTCM_IDENTITY", seen["MTCM_IDENTITY"])
    assert run_command(["train"], "Ada") == "kedro run --pipelines=train"
    monkeypatch.setenv("MTCM_EACH", seen["MTCM_EACH"])
    assert run_command(["train"], "Ada").endswith("--params identity=Ada")


def test_importing_a_child_is_light_for_cluster_workers():
    heavy = {"torch", "kedro", "numpy", "distributed"}
    assert_light("mtcm_pipeline.fleet.cluster", heavy)


def test_a_missing_interpreter_option_is_a_failure_like_any_other(tmp_path):
    broken = replace(item(tmp_path, "ok"), arguments=("no_such_file.py",))
    outcome = run_item(broken, threads=1, urgency=lambda: Urgency.NONE)
    assert outcome.status is Status.FAILED and "no_such_file.py" in outcome.message
