"""One run in a process of its own, which may crash or be killed without harm to others.

The child leads a process group. Whatever it started is ended with it, and a Ctrl-C in
the terminal reaches it through its parent only, which can then say what was stopped.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from time import perf_counter

from mtcm_pipeline.fleet.log_tail import last_error
from mtcm_pipeline.fleet.pose_doubts import pose_doubts
from mtcm_pipeline.fleet.work import Outcome, Status, Urgency, UrgencyNow, WorkItem
from mtcm_pipeline.orchestration.command_line import FLEET_VARIABLE, IDENTITY_VARIABLE
from mtcm_pipeline.orchestration.run_lock import REFUSAL

_LOOK_S = 0.5  # how often a running child's parent asks whether to stop
_GRACE_S = 10.0  # from the request to stop to the kill; files are atomic either way
_THREADS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_item(item: WorkItem, *, threads: int, urgency: UrgencyNow) -> Outcome:
    """Run `item` and wait for its end; never raises for what happens to the child.

    Args:
        item: the run.
        threads: of the numerical libraries in the child.
        urgency: asked again and again; above NONE the child is ended.
    """
    host = socket.gethostname()
    if urgency() > Urgency.NONE:
        return Outcome(item.identity, Status.INTERRUPTED, message="not started")
    if not item.project.is_dir():
        message = f"{host} has no folder {item.project}: all machines need the project"
        return Outcome(item.identity, Status.FAILED, message=message, host=host)
    began = perf_counter()
    try:
        code, stopped = _run(item, threads, urgency)
    except OSError as error:
        message = f"could not be started: {error}"
        return Outcome(item.identity, Status.FAILED, message=message, host=host)
    status, message = _verdict(item, code, stopped)
    return Outcome(item.identity, status, perf_counter() - began, message, item.log, host)


def _run(item: WorkItem, threads: int, urgency: UrgencyNow) -> tuple[int, bool]:
    """The exit code (negative: the signal that ended it), and whether it was stopped."""
    item.log.parent.mkdir(parents=True, exist_ok=True)
    with item.log.open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, *item.arguments],
            cwd=item.project,
            env=_environment(item.identity, threads),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        return _wait(child, urgency)
    finally:
        _signal_group(child, signal.SIGKILL)
        child.wait()


def _wait(child: subprocess.Popen[bytes], urgency: UrgencyNow) -> tuple[int, bool]:
    stopped_at: float | None = None
    while True:
        with suppress(subprocess.TimeoutExpired):
            return child.wait(timeout=_LOOK_S), stopped_at is not None
        now, wish = perf_counter(), urgency()
        if wish is Urgency.NONE:
            continue
        if stopped_at is None:
            stopped_at = now
            _signal_group(child, signal.SIGINT)
        if wish is Urgency.KILL or now - stopped_at > _GRACE_S:
            _signal_group(child, signal.SIGKILL)


def _signal_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """To the child and all that it started, as far as they still are."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)


def _environment(identity: str, threads: int) -> dict[str, str]:
    return {
        **os.environ,
        **dict.fromkeys(_THREADS, str(threads)),
        IDENTITY_VARIABLE: identity,
        FLEET_VARIABLE: "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8",
        "COLUMNS": "200",  # the log's lines are not broken at a terminal's 80
    }


def _verdict(item: WorkItem, code: int, stopped: bool) -> tuple[Status, str]:
    if code == 0:
        return Status.FINISHED, pose_doubts(item.project, item.identity)
    if stopped:
        return Status.INTERRUPTED, "stopped"
    if code < 0:
        return Status.FAILED, _signal_message(-code)
    message = last_error(item.log) or f"exit status {code}, without a word"
    locked = message.startswith(REFUSAL)
    return Status.LOCKED if locked else Status.FAILED, message


def _signal_message(number: int) -> str:
    name = signal.strsignal(number) or "unknown"
    hint = (
        "; if nobody did that on purpose, memory ran out: use fewer --workers"
        if number == signal.SIGKILL
        else ""
    )
    return f"its process was ended by signal {number} ({name}){hint}"
