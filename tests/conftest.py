"""Makes the shared helpers of the tests importable, and runs slow tests last."""

import os
import sys
from pathlib import Path

# One thread a process, here and in those started from here: small matrices gain nothing
# from more, and on two busy cores they take ten times the time.
for _variable in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")


def pytest_collection_modifyitems(items):
    """Quick tests first: what is broken shows early."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)


sys.path.insert(0, str(Path(__file__).parent))
