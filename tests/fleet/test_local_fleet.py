"""Many runs on this machine: side by side, apart, and kept on the disk."""

import csv
import io
import itertools
import re
import threading

import pytest
from fake_runs import item, marked, wait_for
from rich.console import Console

from mtcm_pipeline.fleet.display import ProgressDisplay, count_line, outcome_table
from mtcm_pipeline.fleet.local import LocalProcesses
from mtcm_pipeline.fleet.outcome_file import COLUMNS, OutcomeFile
from mtcm_pipeline.fleet.run import run_all
from mtcm_pipeline.fleet.stopping import Stop
from mtcm_pipeline.fleet.work import Outcome, Status


class Noting:
    """A listener that does nothing but remember."""

    def __init__(self, act=lambda outcome: None):
        self.begun, self.act = [], act

    def started(self, item):
        self.begun.append(item.identity)

    def ended(self, outcome):
        self.act(outcome)

    def look(self):
        pass


def run(project, names, workers, stop=None, listener=None):
    stop = stop or Stop()
    items = [item(project, name) for name in names]
    pool = LocalProcesses(workers, 1, stop)
    return run_all(items, pool, listener or Noting())


def statuses(outcomes):
    return {outcome.identity: outcome.status.value for outcome in outcomes}


def test_no_end_of_one_stops_the_others(tmp_path):
    names = ["fails", "ok 1", "dies", "locked", "ok 2", "raises", "mute", "ok 3"]
    outcomes = run(tmp_path, names, workers=2)
    expected = {name: "finished" if "ok" in name else "failed" for name in names}
    assert statuses(outcomes) == {**expected, "locked": "locked"}
    text = count_line(outcomes)
    assert text == "3 finished, 4 failed, 1 locked"


def test_as_many_run_at_a_time_as_there_are_workers(tmp_path):
    """Each of three waits until it has seen the other two."""
    outcomes = run(tmp_path, [f"waits 3 {i}" for i in range(3)], workers=3)
    assert set(statuses(outcomes).values()) == {"finished"}


def test_no_more_run_at_a_time_than_there_are_workers(tmp_path):
    names = [f"ok {i}" for i in range(6)]
    listener = Noting()
    run(tmp_path, names, workers=1, listener=listener)
    assert listener.begun == names
    times = sorted(marked(tmp_path, name)[1:] for name in names)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(times))


def test_a_fault_of_this_package_itself_is_an_outcome(tmp_path, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("no such thing")

    monkeypatch.setattr("mtcm_pipeline.fleet.local.run_item", broken)
    (outcome,) = run(tmp_path, ["ok"], workers=1)
    assert outcome.status is Status.FAILED and "no such thing" in outcome.message


def test_a_stop_keeps_what_is_finished_and_begins_nothing(tmp_path):
    stop = Stop()
    mark = tmp_path / "marks" / "sleeps"
    watcher = threading.Thread(target=lambda: (wait_for(mark.exists), stop.ask()))
    watcher.start()
    outcomes = run(tmp_path, ["ok", "sleeps", "ok 2", "ok 3"], 1, stop)
    watcher.join()
    assert statuses(outcomes) == {
        "ok": "finished",
        "sleeps": "interrupted",
        "ok 2": "interrupted",
        "ok 3": "interrupted",
    }
    assert not (tmp_path / "marks" / "ok 2").exists()


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_the_file_is_whole_after_every_outcome(tmp_path):
    file = OutcomeFile(tmp_path / "each" / "outcomes.csv", tmp_path)
    assert read(file.path) == [list(COLUMNS)]
    seen = []

    def keep(outcome):
        inode = file.path.stat().st_ino
        file.add([outcome])
        assert file.path.stat().st_ino != inode  # replaced, not written over
        seen.append([row[0] for row in read(file.path)[1:]])

    run(tmp_path, ["ok, 銅", "fails"], workers=1, listener=Noting(keep))
    assert seen == [["ok, 銅"], ["ok, 銅", "fails"]]
    row = dict(zip(COLUMNS, read(file.path)[2], strict=True))
    assert row["outcome"] == "failed" and row["message"].endswith("\n- second line")
    assert row["log"] == "logs/fails/run.log" and row["host"]
    assert sorted(p.name for p in file.path.parent.iterdir()) == ["outcomes.csv"]


def display_of(tmp_path, terminal):
    """A display of two identities with three nodes each, and what it writes to."""
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=160, color_system=None)
    file = OutcomeFile(tmp_path / "outcomes.csv", tmp_path)
    return ProgressDisplay(console, file, total=2, nodes=3), console, text


@pytest.mark.parametrize("terminal", [False, True])
def test_names_and_messages_are_shown_as_they_are(tmp_path, terminal):
    display, console, text = display_of(tmp_path, terminal)
    with display:
        outcomes = run(tmp_path, ["ok [b]", "fails [red]"], 1, listener=display)
    console.print(outcome_table(outcomes, tmp_path))
    shown = text.getvalue()
    message = "frame 'a.jpg' of [bold]fails [red][/x] is 3 px wide"
    assert "started      ok [b]" in shown
    assert "finished     ok [b] (" in shown
    assert re.search(
        r"failed       fails \[red\] \(\d+\.\d s\): " + re.escape(message), shown
    )
    table = shown[shown.index("┏") :]
    assert message in table and "logs/fails [red]/run.log" in table
    assert shown.count("second line") == table.count("second line") == 1


def test_a_terminal_shows_the_node_that_each_run_is_at(tmp_path):
    display, _, text = display_of(tmp_path, terminal=True)
    work = item(tmp_path, "Ada")
    work.log.parent.mkdir(parents=True)
    work.log.write_text("INFO     take in ...\nINFO     fit the model ...\n")
    with display:
        display.started(work)
        display.look()
        display._all.refresh()
        display.ended(Outcome("Ada", Status.FINISHED, 1.0, log=work.log))
        display._all.refresh()
    shown = text.getvalue()
    assert re.search(r"Ada .* 1/3 .*fit the model", shown)  # one done, at the second
    assert re.search(r"identities .* 1/2 ", shown)
