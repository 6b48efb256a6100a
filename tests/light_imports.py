"""What an import brings with it."""

from __future__ import annotations

import subprocess
import sys


def assert_light(modules: str, without: set[str]) -> None:
    """A new process that imports `modules` (separated by commas) loads none of these."""
    code = (
        f"import sys, {modules}\n"
        f"sys.exit(', '.join(sorted({without!r} & set(sys.modules))) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
