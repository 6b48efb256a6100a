"""Whether a run would make again what is there already.

It would, if a manifest lists every node asked for as whole, made by the same code from
the same parameters, and if everything behind those nodes is still the newest there is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mtcm_pipeline.orchestration import provenance
from mtcm_pipeline.orchestration.manifest import (
    ManifestIndex,
    RunManifest,
    read_manifests,
)
from mtcm_pipeline.orchestration.pinning import is_on_disk
from mtcm_pipeline.orchestration.project_layout import (
    outputs_folder,
    runs_folder,
    written_folders,
)
from mtcm_pipeline.orchestration.version_choice import newest_behind


@dataclass(frozen=True)
class AskedRun:
    """A run as the command line asks for it, for any identity.

    Attributes:
        project: the project's folder, bootstrapped.
        pipelines: names; none means the default.
        parameters: as given by `--params`.
        env: Kedro's environment; None for its default.
    """

    project: Path
    pipelines: Sequence[str]
    parameters: Mapping[str, Any]
    env: str | None = None


@dataclass(frozen=True)
class _Nodes:
    names: frozenset[str]
    free_inputs: frozenset[str]


class Completeness:
    """Answers for one asked run and many identities."""

    def __init__(self, asked: AskedRun) -> None:
        """Look the pipelines' nodes up.

        Raises:
            KeyError: a pipeline that is not registered.
        """
        self._asked = asked
        self._nodes = _registered_nodes(asked.pipelines)

    def complete_version(self, identity: str) -> str | None:
        """The version of the newest run that did all that is asked for; None for none.

        A run counts whatever it did beside the asked nodes, and also if it failed
        later. Not counted are outputs that were removed or that a later run replaced,
        anything behind them of which there is a newer version, and runs that began
        before the user's own files last changed.

        Args:
            identity: a checked name.

        Raises:
            MtcmError: the identity's parameters cannot be read.
        """
        manifests = read_manifests(runs_folder(self._asked.project, identity))
        done = [manifest for manifest in manifests if self._did_all(manifest)]
        if not done:
            return None
        loader = self._loader(identity)
        parameters = _as_json(loader["parameters"])
        done = [manifest for manifest in done if manifest.parameters == parameters]
        if not done:
            return None
        files = _Files(self._asked.project, identity, loader["catalog"])
        index = ManifestIndex(manifests)
        changed = files.user_files_changed(self._nodes.free_inputs)
        for manifest in reversed(done):
            if changed < _began(manifest) and self._is_newest(manifest, index, files):
                return manifest.version
        return None

    def _did_all(self, manifest: RunManifest) -> bool:
        """With the code and the packages of today."""
        return (
            self._nodes.names <= manifest.nodes.keys()
            and manifest.code == provenance.code_digest()
            and manifest.packages == provenance.package_versions()
        )

    def _is_newest(
        self, manifest: RunManifest, index: ManifestIndex, files: _Files
    ) -> bool:
        touched = {
            name: version
            for node in self._nodes.names
            for side in (manifest.nodes[node].inputs, manifest.nodes[node].outputs)
            for name, version in side.items()
            if version is not None
        }
        if not all(files.has(name, version) for name, version in touched.items()):
            return False
        newest = newest_behind(index, touched, files.has)
        behind = [index.lineage(*item) for item in touched.items()]
        return all(
            versions <= {newest[name]}
            for lineage in behind
            for name, versions in lineage.items()
            if name in newest  # what is gone from the disk replaces nothing
        )

    def _loader(self, identity: str) -> Any:
        from kedro.framework.project import settings

        return settings.CONFIG_LOADER_CLASS(
            str(self._asked.project / settings.CONF_SOURCE),
            env=self._asked.env,
            runtime_params={**self._asked.parameters, "identity": identity},
            **settings.CONFIG_LOADER_ARGS,
        )


class _Files:
    """Where the catalog of one identity has its data."""

    def __init__(self, project: Path, identity: str, catalog: Mapping[str, Any]) -> None:
        self._outputs = outputs_folder(project, identity)
        self._written = written_folders(project)
        entries = {k: v for k, v in catalog.items() if isinstance(v, Mapping)}
        self._paths = {
            name: project / path
            for name, entry in entries.items()
            if (path := entry.get("filepath", entry.get("path")))
        }
        self._versioned = {k for k, v in entries.items() if v.get("versioned")}

    def has(self, name: str, version: str) -> bool:
        path = self._paths.get(name)
        return path is not None and is_on_disk(path, version)

    def user_files_changed(self, names: frozenset[str]) -> float:
        """When any of the named data outside of the outputs last changed; seconds UTC.

        The change time counts too, since a copy may bring its old time along.
        """
        paths = [
            path
            for name, path in self._paths.items()
            if name in names
            and name not in self._versioned
            and not path.is_relative_to(self._outputs)
        ]
        times = [time for path in paths for time in _change_times(path, self._written)]
        return max(times, default=0.0)


def _change_times(path: Path, written: Sequence[Path]) -> list[float]:
    """Of everything at or below `path`, but for what runs themselves write.

    A folder that holds such a folder changes with it, and counts by what else it holds.
    """
    if path in written or not path.exists():
        return []
    times = []
    if path.is_dir():
        times = [t for each in path.iterdir() for t in _change_times(each, written)]
    if not any(folder.is_relative_to(path) for folder in written):
        state = path.stat()
        times.append(max(state.st_mtime, state.st_ctime))
    return times


def _began(manifest: RunManifest) -> float:
    return datetime.fromisoformat(manifest.started).timestamp()


def _as_json(parameters: Mapping[str, Any]) -> Any:
    """As a manifest has them after a round trip through its file."""
    return json.loads(json.dumps(parameters, default=str))


def _registered_nodes(names: Sequence[str]) -> _Nodes:
    from kedro.framework.project import pipelines

    pipelines.set_requested(None)
    asked = [pipelines[name] for name in names or ["__default__"]]
    whole = sum(asked[1:], start=asked[0])
    return _Nodes(frozenset(node.name for node in whole.nodes), frozenset(whole.inputs()))
