"""The record of one run, and through all of them the index of what is whole.

A manifest lists a node once all of its outputs are saved. A version that no manifest
lists may be half of something; later runs do not see it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mtcm_pipeline.datasets.atomic_files import write_file

logger = logging.getLogger(__name__)

Versions = dict[str, str | None]
"""Dataset -> version; None for what has none (raw files, values in memory)."""


@dataclass(frozen=True)
class NodeRecord:
    """What one finished node read and wrote."""

    inputs: Versions
    outputs: Versions


@dataclass
class RunManifest:
    """One run of one identity.

    Attributes:
        version: the save version of all its outputs (Kedro's session id).
        identity: whose.
        pipelines: the pipelines asked for.
        selection: what narrowed them down (nodes, tags, pinned versions).
        parameters: as configured, all sections.
        git: commit and whether the tree differs from it; None outside git.
        packages: versions of the packages that decide results.
        started: UTC, ISO 8601.
        finished: the same, None while running.
        status: running, complete or failed.
        error: the message of a failed run.
        nodes: the nodes whose outputs are all saved.
        code: digest of the package's files; None in records older than this field.
    """

    version: str
    identity: str
    pipelines: list[str]
    selection: dict[str, Any]
    parameters: dict[str, Any]
    git: dict[str, Any] | None
    packages: dict[str, str | None]
    started: str
    finished: str | None = None
    status: str = "running"
    error: str | None = None
    nodes: dict[str, NodeRecord] = field(default_factory=dict)
    code: str | None = None

    def write(self, folder: Path) -> Path:
        """Write `<folder>/<version>.json` atomically."""
        text = json.dumps(asdict(self), indent=2, ensure_ascii=False, default=str)
        path = folder / f"{self.version}.json"
        write_file(path, text.encode("utf-8"))
        return path


def read_manifests(folder: Path) -> list[RunManifest]:
    """All manifests in `folder`, oldest first; an unreadable one is named and skipped."""
    if not folder.is_dir():
        return []
    paths = sorted(
        p for p in folder.iterdir() if p.suffix == ".json" and p.name[0] != "."
    )
    return [manifest for path in paths if (manifest := _read(path)) is not None]


def _read(path: Path) -> RunManifest | None:
    try:
        content = json.loads(path.read_bytes())
        nodes = {k: NodeRecord(**v) for k, v in content.pop("nodes").items()}
        return RunManifest(**content, nodes=nodes)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        logger.warning(
            "%s is no run manifest (%s); its versions are not used", path, error
        )
        return None


class ManifestIndex:
    """Which versions are whole, and what each was made from."""

    def __init__(self, manifests: Iterable[RunManifest]) -> None:
        self._makers: dict[tuple[str, str | None, str], NodeRecord] = {}
        self._whole: dict[str, set[str]] = {}
        for manifest in manifests:
            for node in manifest.nodes.values():
                for dataset, version in node.outputs.items():
                    self._makers[dataset, version, manifest.version] = node
                    if version is not None:
                        self._whole.setdefault(dataset, set()).add(version)

    @property
    def datasets(self) -> list[str]:
        """Names of all datasets with a whole version."""
        return sorted(self._whole)

    def whole_versions(self, dataset: str) -> list[str]:
        """Whole versions of `dataset`, newest first."""
        return sorted(self._whole.get(dataset, ()), reverse=True)

    def lineage(self, dataset: str, version: str) -> dict[str, set[str]]:
        """Every versioned dataset that (dataset, version) was made from, and itself."""
        found: dict[str, set[str]] = {}
        todo: list[tuple[str, str | None, str]] = [(dataset, version, version)]
        seen = set(todo)
        while todo:
            name, of, run = todo.pop()
            if of is not None:
                found.setdefault(name, set()).add(of)
            maker = self._makers.get((name, of, run))
            for parent, its in (maker.inputs if maker else {}).items():
                step = (parent, its, its if its is not None else run)
                if step not in seen:
                    seen.add(step)
                    todo.append(step)
        return found
