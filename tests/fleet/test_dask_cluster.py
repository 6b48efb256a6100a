"""A real scheduler and two worker processes, each a process of its own."""

from __future__ import annotations

import csv
import os
import re
import threading
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from dask_processes import Cluster, two_workers
from fake_runs import ARGUMENTS, item, marked, wait_for

from mtcm_pipeline import each as command
from mtcm_pipeline.errors import FleetError
from mtcm_pipeline.fleet.cluster import DaskCluster
from mtcm_pipeline.fleet.run import run_all
from mtcm_pipeline.fleet.stopping import Stop

pytest.importorskip("distributed", reason="the extra 'fleet' is not installed")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with two_workers(tmp_path_factory.mktemp("cluster")) as started:
        yield started


class Quiet:
    """A listener that remembers."""

    def __init__(self):
        self.begun = []

    def started(self, item):
        self.begun.append(item.identity)

    def ended(self, outcome):
        pass

    def look(self):
        pass


def run(cluster, project, names, *, stop=None, listener=None, threads=1):
    stop = stop or Stop()
    backend = DaskCluster(cluster.address, threads, stop, project / "stop")
    items = [item(project, name) for name in names]
    outcomes = run_all(items, backend, listener or Quiet())
    return {outcome.identity: outcome for outcome in outcomes}


def statuses(outcomes):
    return {name: outcome.status.value for name, outcome in outcomes.items()}


def test_both_workers_run_at_the_same_time_and_report_starts(cluster, tmp_path):
    """Each of two waits until it has seen the other."""
    listener = Quiet()
    outcomes = run(cluster, tmp_path, ["waits 2 a", "waits 2 b"], listener=listener)
    assert set(statuses(outcomes).values()) == {"finished"}
    parents = {marked(tmp_path, name)[0] for name in outcomes}
    assert parents == {float(worker.pid) for worker in cluster.workers}
    assert sorted(listener.begun) == ["waits 2 a", "waits 2 b"]


def test_no_end_of_one_stops_the_others(cluster, tmp_path):
    names = ["fails", "ok 1", "dies", "ok, 銅 [1]", "locked", "ok 2"]
    outcomes = run(cluster, tmp_path, names)
    expected = {name: "finished" if "ok" in name else "failed" for name in names}
    assert statuses(outcomes) == {**expected, "locked": "locked"}
    assert "3 px wide" in outcomes["fails"].message
    assert outcomes["dies"].log.is_file() and outcomes["dies"].host


def test_workers_on_one_machine_share_its_cores(cluster, tmp_path):
    outcomes = run(cluster, tmp_path, ["threads"], threads=None)
    cores = len(os.sched_getaffinity(0))
    share = outcomes["threads"].log.read_text().splitlines()[-1]
    assert share == f"{max(1, cores // 2)} {max(1, cores // 2)}"


def test_a_stop_reaches_the_workers(cluster, tmp_path):
    stop = Stop()
    marks = [tmp_path / "marks" / f"sleeps {i}" for i in range(2)]

    def ask():
        wait_for(lambda: all(mark.exists() for mark in marks))
        stop.ask()

    watcher = threading.Thread(target=ask)
    watcher.start()
    outcomes = run(cluster, tmp_path, ["sleeps 0", "sleeps 1", "ok"], stop=stop)
    watcher.join()
    assert set(statuses(outcomes).values()) == {"interrupted"}
    assert not (tmp_path / "marks" / "ok").exists()
    assert not (tmp_path / "stop").exists()


def test_the_command_on_a_cluster(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "count_nodes", lambda names: 3)
    monkeypatch.setattr(command, "run_arguments", lambda wish: ARGUMENTS)
    for name in ("ok 1", "ok 2", "fails"):
        (tmp_path / "data" / "raw_images" / name).mkdir(parents=True)
    done = CliRunner().invoke(
        command.each,
        ["--all", "--scheduler", cluster.address],
        obj=SimpleNamespace(project_path=tmp_path),
    )
    assert done.exit_code == 1, done.output
    assert "2 finished, 1 failed" in done.output
    (path,) = (tmp_path / "data" / "each").glob("*/outcomes.csv")
    with path.open(encoding="utf-8", newline="") as file:
        found = {row["identity"]: row["outcome"] for row in csv.DictReader(file)}
    assert found == {"ok 1": "finished", "ok 2": "finished", "fails": "failed"}


def test_nobody_at_the_address_is_told_with_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr("mtcm_pipeline.fleet.cluster._CONNECT_S", 1.0)
    with pytest.raises(FleetError, match=re.escape("answers at 'tcp://127.0.0.1:9'")):
        DaskCluster("tcp://127.0.0.1:9", 1, Stop(), tmp_path / "stop")


def test_lost_workers_and_a_scheduler_without_any(tmp_path, monkeypatch):
    """A killed worker's identity is run again elsewhere; its child is left alone."""
    lone = Cluster(tmp_path)
    try:
        monkeypatch.setattr("mtcm_pipeline.fleet.cluster._FIRST_WORKER_S", 1.0)
        with pytest.raises(FleetError, match="has no worker: start some"):
            run(lone, tmp_path, ["ok"])
        lone.add_workers(1)
        monkeypatch.setattr("mtcm_pipeline.fleet.cluster._FIRST_WORKER_S", 30.0)

        def replace_worker():
            wait_for((tmp_path / "marks" / "waits 2 a").exists)
            lone.workers[0].kill()
            (tmp_path / "marks" / "waits 2 b").write_text("0 0")
            lone.add_workers(1)

        watcher = threading.Thread(target=replace_worker)
        watcher.start()
        outcomes = run(lone, tmp_path, ["waits 2 a", "ok"])
        watcher.join()
        assert set(statuses(outcomes).values()) == {"finished"}
        assert marked(tmp_path, "ok")[0] == lone.workers[1].pid
    finally:
        lone.end()
