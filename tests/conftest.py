"""Makes the shared helpers of the tests importable, and runs slow tests last."""

import sys
from pathlib import Path


def pytest_collection_modifyitems(items):
    """Quick tests first: what is broken shows early."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)


sys.path.insert(0, str(Path(__file__).parent))
