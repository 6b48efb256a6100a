"""A run under way: its lock, its manifest, and what of it is saved so far."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from kedro.pipeline.node import Node

from mtcm_pipeline.orchestration.manifest import NodeRecord, RunManifest
from mtcm_pipeline.orchestration.provenance import now
from mtcm_pipeline.orchestration.run_lock import RunLock

_PARAMETERS = ("parameters", "params:")


@dataclass
class ActiveRun:
    """Bookkeeping of one run in this process.

    Attributes:
        manifest: rewritten whenever a node is whole.
        folder: where the manifest lies.
        lock: held from before the first read to the last write.
        versions: dataset -> version that this run reads or writes; the others have none.
    """

    manifest: RunManifest
    folder: Path
    lock: RunLock
    versions: Mapping[str, str]
    process: int = field(default_factory=os.getpid)
    thread: int = field(default_factory=threading.get_ident)
    began: float = field(default_factory=perf_counter)
    _saved: dict[str, set[str]] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_here(self) -> bool:
        """False in worker processes, which inherit a copy and must not write."""
        return os.getpid() == self.process

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return perf_counter() - self.began

    def note_saved(self, node: Node, dataset: str) -> bool:
        """Note one saved output; True when it was the node's last."""
        with self._guard:
            saved = self._saved.setdefault(node.name, set())
            saved.add(dataset)
            whole = saved >= set(node.outputs)
        if whole:
            self.note_whole(node)
        return whole

    def note_whole(self, node: Node) -> None:
        """List the node in the manifest: all that it makes is on the disk."""
        record = NodeRecord(
            inputs={name: self.versions.get(name) for name in _data(node.inputs)},
            outputs={name: self.versions.get(name) for name in _data(node.outputs)},
        )
        with self._guard:
            self.manifest.nodes[node.name] = record
            self.manifest.write(self.folder)

    def finish(self, status: str, error: str | None = None) -> None:
        """Write the last state and let go of the lock."""
        try:
            self.manifest.status = status
            self.manifest.error = error
            self.manifest.finished = now()
            self.manifest.write(self.folder)
        finally:
            self.lock.release()


def close_abandoned(manifests: list[RunManifest], folder: Path) -> None:
    """Mark runs as failed that ended without a word; only under the lock."""
    for manifest in manifests:
        if manifest.status == "running":
            manifest.status = "failed"
            manifest.error = "the process ended before the run did"
            manifest.write(folder)


def _data(names: list[str]) -> list[str]:
    return [name for name in names if not name.startswith(_PARAMETERS)]
