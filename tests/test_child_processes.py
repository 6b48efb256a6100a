"""Workers end with the process that started them, even where it is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

# Two workers have worked and wait for more; then their parent is killed.
PROGRAM = """
import multiprocessing, os, signal, time
from concurrent.futures import ProcessPoolExecutor
from {module} import {initializer}

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(2, mp_context=context, initializer={initializer})
    for job in [pool.submit(time.sleep, 0.3) for _ in range(4)]:
        job.result()
    print(*pool._processes, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(
    ("module", "initializer"),
    [
        ("mtcm_pipeline.child_processes", "end_with_parent"),
        ("mtcm_pipeline.twoview.workers", "_begin"),
        ("mtcm_pipeline.trials.workers", "_begin"),
    ],
)
def test_nobody_waits_for_a_parent_that_was_killed(tmp_path, module, initializer):
    script = tmp_path / "program.py"
    script.write_text(PROGRAM.format(module=module, initializer=initializer))
    output, errors = tmp_path / "output.txt", tmp_path / "errors.txt"
    with output.open("w") as out, errors.open("w") as err:  # pipes would stay open
        command = [sys.executable, str(script)]
        ended = subprocess.run(command, stdout=out, stderr=err, check=False)
    assert ended.returncode == -9, errors.read_text()
    workers = [int(pid) for pid in output.read_text().split()]
    assert len(workers) == 2
    for _ in range(100):
        if not any(is_alive(pid) for pid in workers):
            return
        time.sleep(0.1)
    for pid in workers:
        os.kill(pid, 9)
    pytest.fail(f"workers {workers} wait for ever")
