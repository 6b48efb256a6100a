"""`kedro viz` as a person starts it, and what its page complains about."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

# What the server may take until it answers on a busy machine.
_START_S = 180


# Kedro-Viz takes no port above these, where systems pick theirs from.
_PORTS = range(20_000, 49_000)


def _free_port() -> int:
    for port in random.sample(_PORTS, 100):
        with closing(socket.socket()) as found, suppress(OSError):
            found.bind(("127.0.0.1", port))
            return port
    pytest.fail("no free port for Kedro-Viz")


@contextmanager
def served(root: Path):
    """Its address. It runs in a process group of its own, which is ended as a whole."""
    address = f"http://127.0.0.1:{_free_port()}"
    command = [sys.executable, "-m", "kedro", "viz", "run", "--no-browser", "--port"]
    log = root / "viz.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [*command, address.rpartition(":")[2]],
            cwd=root,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait_for(address, server, log)
            yield address
        finally:
            with suppress(ProcessLookupError):  # it ended by itself
                os.killpg(server.pid, signal.SIGTERM)
            server.wait(timeout=30)


def _wait_for(address: str, server: subprocess.Popen, log: Path) -> None:
    until = time.monotonic() + _START_S
    while time.monotonic() < until and server.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/api/main", timeout=5).read()
            return
        except OSError:
            time.sleep(0.5)
    pytest.fail(f"kedro viz did not answer:\n{log.read_text()[-2000:]}")


def listen(page, address: str) -> list[str]:
    """Errors on the page's console, which grow while it is open.

    Kedro-Viz asks for a web font; where there is no net, the browser says so, and that
    is not counted.
    """
    errors: list[str] = []

    def heard(message) -> None:
        where = str(message.location.get("url", ""))
        if message.type == "error" and (where.startswith(address) or not where):
            errors.append(message.text)

    page.on("console", heard)
    page.on("pageerror", lambda error: errors.append(str(error)))
    return errors
