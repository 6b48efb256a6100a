"""Children that do what their identity's name says, in place of `kedro run`."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from mtcm_pipeline.fleet.work import WorkItem

_FAKE = r"""
import os, signal, subprocess, sys, time
from pathlib import Path

name = os.environ["MTCM_IDENTITY"]
act = name.split()[0]
Path("marks").mkdir(exist_ok=True)
Path("marks", name).write_text(f"{os.getppid()} {time.time()}")
print("INFO     look at it ...")
if act == "fails":
    print(f"Error: frame 'a.jpg' of [bold]{name}[/x] is 3 px wide")
    print("- second line")
    sys.exit(1)
if act == "raises":
    raise ValueError("not ours")
if act == "mute":
    sys.exit(7)
if act == "locked":
    print(f"Error: another run of identity {name!r} is under way (process 1): wait")
    sys.exit(1)
if act == "dies":
    os.kill(os.getpid(), signal.SIGKILL)
if act == "parent":
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    Path("marks", "grandchild").write_text(str(sleeper.pid))
    os.kill(os.getpid(), signal.SIGKILL)
if act == "sleeps":
    time.sleep(60)
if act == "stubborn":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print("deaf")
    time.sleep(60)
if act == "waits":
    others = int(name.split()[1])
    end = time.time() + 20
    while len(list(Path("marks").glob("waits *"))) < others and time.time() < end:
        time.sleep(0.02)
    sys.exit(time.time() >= end)
if act == "threads":
    print(os.environ["OMP_NUM_THREADS"], os.environ["NUMBA_NUM_THREADS"])
Path("marks", name).write_text(Path("marks", name).read_text() + f" {time.time()}")
"""
# Without the site packages a child starts in a few hundredths of a second.
ARGUMENTS = ("-S", "-c", _FAKE)


def item(project: Path, identity: str) -> WorkItem:
    return WorkItem(identity, project, ARGUMENTS, project / "logs" / identity / "run.log")


def marked(project: Path, identity: str) -> list[float]:
    """Parent's process id, time of the start, and of the end if there was one."""
    return [float(x) for x in (project / "marks" / identity).read_text().split()]


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
