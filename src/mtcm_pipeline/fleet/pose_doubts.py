"""What a finished run says of the poses as a whole, for the table of outcomes.

Imports neither Kedro nor its datasets, which cluster workers do without.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

from mtcm_pipeline.orchestration.project_layout import outputs_folder, runs_folder

_DATASET = "pose_warnings"
_FILE = "pose_warnings.csv"  # under report/, as the catalog has it


def pose_doubts(project: Path, identity: str, version: str | None = None) -> str:
    """`1 warning on its poses: see the report`; empty where there is none.

    Args:
        project: the project's folder.
        identity: a checked name.
        version: of the run; the newest where None. A run without the report says nothing.
    """
    manifests = sorted(runs_folder(project, identity).glob(f"{version or '[!.]*'}.json"))
    if not manifests or not _made_warnings(manifests[-1]):
        return ""
    run = manifests[-1].stem
    file = outputs_folder(project, identity) / "report" / _FILE / run / _FILE
    count = _rows(file)
    warnings = "1 warning" if count == 1 else f"{count} warnings"
    return f"{warnings} on its poses: see the report" if count else ""


def _made_warnings(manifest: Path) -> bool:
    try:
        nodes = json.loads(manifest.read_bytes())["nodes"].values()
        return any(_DATASET in node["outputs"] for node in nodes)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return False  # no manifest: whoever chooses versions says so


def _rows(file: Path) -> int:
    """Rows of a table below its header; none where it is gone."""
    if not file.is_file():
        return 0
    with file.open(encoding="utf-8", newline="") as content:
        return max(0, sum(1 for row in csv.reader(content) if row) - 1)
