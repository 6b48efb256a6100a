"""Starting the worker, listening to it, and saying clearly how it ended."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections import deque
from pathlib import Path
from typing import IO

from mtcm_pipeline.errors import MtcmError
from mtcm_pipeline.progress import OnProgress
from mtcm_pipeline.sfm.job import PROTOCOL, SfmJob, job_to_json
from mtcm_pipeline.sfm.marks import write_whole

_LAST_LINES = 6
_PATIENCE_S = 10.0
# COLMAP's own words; if they change, only the progress bar stands still meanwhile.
_IMAGES_DONE = re.compile(r"Processed file \[(\d+)/\d+\]")
_BLOCKS_DONE = re.compile(r"Processing block \[(\d+)/(\d+)\]")


class SfmProcessError(MtcmError):
    """The process that runs pycolmap failed or was killed."""


def run_worker(job: SfmJob, on_progress: OnProgress) -> None:
    """Do the job in a process of its own; steps that are done already are kept.

    Args:
        job: what to do.
        on_progress: called with the step (`features`, `matches`, `model`), how many of
            its images or pairs are done, and of how many.

    Raises:
        SfmProcessError: it failed, with its last words; or it was killed. What it had
            finished is kept, and the next run continues there.
    """
    workspace = Path(job.workspace)
    workspace.mkdir(parents=True, exist_ok=True)
    job_file = workspace / "job.json"
    write_whole(job_file, job_to_json(job))
    log_file = workspace / "worker.log"
    process = subprocess.Popen(
        [sys.executable, "-m", "mtcm_pipeline.sfm.worker", str(job_file)],
        stdin=subprocess.PIPE,  # it ends when this closes, so also when we are killed
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=_environment(),
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    try:
        assert process.stdout is not None
        with log_file.open("w", encoding="utf-8") as kept:
            error, tail = _listen(process.stdout, kept, on_progress)
        code = process.wait()
    finally:
        _end(process)
    if code != 0:
        raise SfmProcessError(_how_it_ended(code, error, tail, workspace))


class _Listener:
    """Turns the worker's lines into calls of `on_progress`."""

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress = on_progress
        self._step, self._total = "", 0
        self.error = ""

    def hear(self, line: str) -> bool:
        """Whether the line was for us; else it is COLMAP's log."""
        if line.startswith(PROTOCOL):
            self._obey(json.loads(line.removeprefix(PROTOCOL)))
            return True
        if self._step == "features" and (found := _IMAGES_DONE.search(line)):
            self._on_progress(self._step, int(found[1]), self._total)
        elif self._step == "matches" and (found := _BLOCKS_DONE.search(line)):
            begun = (int(found[1]) - 1) / int(found[2])
            self._on_progress(self._step, int(begun * self._total), self._total)
        return False

    def _obey(self, message: dict) -> None:
        self.error = message.get("error", self.error)
        if "step" in message:
            if self._step and self._step != message["step"]:
                self._on_progress(self._step, self._total, self._total)
            self._step, self._total = message["step"], int(message["total"])
            self._on_progress(self._step, int(message.get("done", 0)), self._total)
        elif message.get("finished") and self._step:
            self._on_progress(self._step, self._total, self._total)


def _listen(
    lines: IO[str], kept: IO[str], on_progress: OnProgress
) -> tuple[str, list[str]]:
    """Follow the worker to its end; its error and the last lines of its log."""
    listener = _Listener(on_progress)
    tail: deque[str] = deque(maxlen=_LAST_LINES)
    for line in lines:
        if not listener.hear(line):
            kept.write(line)
            tail.append(line.strip())
    return listener.error, list(tail)


def _environment() -> dict[str, str]:
    """Ours, with this package importable wherever it was imported from."""
    source = str(Path(__file__).parents[2])
    others = os.environ.get("PYTHONPATH", "")
    path = os.pathsep.join(part for part in (source, others) if part)
    return {**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"}


def _end(process: subprocess.Popen) -> None:
    """Have the process gone, whatever happened to us."""
    if process.stdin is not None:
        process.stdin.close()
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _how_it_ended(code: int, error: str, tail: list[str], workspace: Path) -> str:
    again = (
        f"what it had finished is kept: run again to continue. Its log is "
        f"{workspace.name}/worker.log"
    )
    if code < 0:
        known = {int(s): s.name for s in signal.Signals}
        name = known.get(-code, f"signal {-code}")
        reason = {
            "SIGKILL": "killed from outside, most often for want of memory: lower "
            "sfm.max_features or sfm.max_image_px, or use fewer sfm.threads",
        }.get(name, "a crash inside pycolmap")
        words = f" Its last lines: {' | '.join(tail)}." if tail else ""
        return f"structure from motion ended by {name} ({reason}); {again}.{words}"
    detail = error or " | ".join(tail) or "it said nothing"
    return f"structure from motion failed (exit status {code}): {detail}; {again}"
