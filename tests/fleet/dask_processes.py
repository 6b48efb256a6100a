"""A Dask scheduler and workers, started by the commands that a user would type."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager

from fake_runs import wait_for


class Cluster:
    """Every part is a process of its own."""

    def __init__(self, folder):
        self._folder = folder
        self._processes = []
        self.file = folder / "scheduler.json"
        self.scheduler = self._start(
            "scheduler", "--host=127.0.0.1", "--port=0", "--scheduler-file", self.file
        )
        wait_for(self.file.exists, seconds=60)
        self.address = json.loads(self.file.read_text())["address"]
        self.workers = []

    def add_workers(self, count):
        for _ in range(count):
            options = ("--nthreads=1", "--no-nanny", "--local-directory", self._folder)
            self.workers.append(self._start("worker", self.address, *options))

    def _start(self, *words):
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *map(str, words), "--no-dashboard"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "10s"},
        )
        self._processes.append(process)
        return process

    def end(self):
        for process in self._processes:
            process.kill()
            process.wait()


@contextmanager
def two_workers(folder):
    """A scheduler and two workers, both of them there."""
    from distributed import Client

    cluster = Cluster(folder)
    try:
        cluster.add_workers(2)
        with Client(cluster.address, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
        yield cluster
    finally:
        cluster.end()
