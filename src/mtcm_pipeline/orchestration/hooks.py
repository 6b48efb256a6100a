"""The project's Kedro hooks: checks before any work, versions and manifest during it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from mtcm_pipeline.datasets.atomic_files import remove_leftovers
from mtcm_pipeline.errors import VersionError
from mtcm_pipeline.identities import check_identity_exists, check_identity_name
from mtcm_pipeline.orchestration import provenance
from mtcm_pipeline.orchestration.active_run import ActiveRun, close_abandoned
from mtcm_pipeline.orchestration.command_line import check_typed_identity
from mtcm_pipeline.orchestration.console_log import keep_lines_whole
from mtcm_pipeline.orchestration.manifest import (
    ManifestIndex,
    RunManifest,
    read_manifests,
)
from mtcm_pipeline.orchestration.option_sections import option_sections
from mtcm_pipeline.orchestration.parameters import check_parameters
from mtcm_pipeline.orchestration.pinning import (
    build_datasets,
    is_on_disk,
    pin_version,
    versioned_files,
)
from mtcm_pipeline.orchestration.plain_errors import in_plain_words, tell_plainly
from mtcm_pipeline.orchestration.project_layout import (
    known_identities,
    outputs_folder,
    runs_folder,
)
from mtcm_pipeline.orchestration.remedies import Remedies, all_pipelines
from mtcm_pipeline.orchestration.run_lock import RunLock
from mtcm_pipeline.orchestration.run_versions import VersionRequest, choose_versions

logger = logging.getLogger(__name__)
_SLICES = ("tags", "from_nodes", "to_nodes", "node_names", "from_inputs", "to_outputs")


class ProjectHooks:
    """Identity, parameters, versions, manifest, lock and summary of every run."""

    def __init__(
        self, sections: Callable[[], Mapping[str, type]] = option_sections
    ) -> None:
        self._sections = sections
        self._project = Path()
        self._identity = ""
        self._conf = Path()
        self._parameters: dict[str, Any] = {}
        self._run: ActiveRun | None = None

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Check the identity's name and all parameters, in runs, Kedro-Viz, notebooks."""
        keep_lines_whole()
        loader: Any = context.config_loader
        if click.get_current_context(silent=True):
            tell_plainly()
            check_typed_identity((loader.runtime_params or {}).get("identity"))
        self._identity = check_identity_name(loader.identity)
        self._project = Path(context.project_path)
        self._conf = Path(loader.conf_source)
        self._parameters = loader["parameters"]
        check_parameters(self._parameters, self._sections())

    @hook_impl
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: Any
    ) -> None:
        """Take the lock, clear what a killed run left, choose versions, or refuse."""
        known = known_identities(self._project)
        check_identity_exists(self._identity, known)
        for name in sorted(self._overridden() - set(known)):
            logger.warning("conf/identities/%s: there is no such identity", name)
        if run_params.get("only_missing_outputs"):
            raise VersionError(
                "--only-missing-outputs does not go with versions, where every run "
                "makes its own: use --from-nodes or --pipelines to continue"
            )
        self._release_own_dead_run()
        lock = RunLock(self._runs / ".lock", self._identity)
        try:
            self._begin(lock, run_params, pipeline, catalog)
        except BaseException:
            lock.release()
            raise

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Say what is being done."""
        logger.info("%s ...", node.name)

    @hook_impl
    def after_node_run(self, node: Node) -> None:
        """A node without outputs is whole when it has run."""
        if self._run is not None and self._run.is_here and not node.outputs:
            self._run.note_whole(node)

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, node: Node) -> None:
        """List the node in the manifest once its last output is saved."""
        if self._run is not None and self._run.is_here:
            self._run.note_saved(node, dataset_name)

    @hook_impl
    def after_pipeline_run(self, pipeline: Pipeline, catalog: Any) -> None:
        """Close the manifest and say where the results lie."""
        run = self._run
        if run is None:
            return
        self._run = None
        for node in pipeline.nodes:  # nodes that ran in worker processes
            if node.name not in run.manifest.nodes and self._are_saved(
                run, node, catalog
            ):
                run.note_whole(node)
        run.finish("complete")
        self._tell_summary(run, catalog)

    @hook_impl
    def on_pipeline_error(self, error: Exception) -> None:
        """Close the manifest as failed; what whole nodes saved stays usable."""
        run, self._run = self._run, None
        if run is None:
            return
        run.finish("failed", in_plain_words(error) or str(error))
        logger.error(
            "Run of identity %r failed after %.1f s; %d node(s) done and kept",
            self._identity,
            run.seconds,
            len(run.manifest.nodes),
        )

    @property
    def _runs(self) -> Path:
        return runs_folder(self._project, self._identity)

    def _overridden(self) -> set[str]:
        folder = self._conf / "identities"
        return (
            {e.name for e in folder.iterdir() if e.is_dir()} if folder.is_dir() else set()
        )

    def _release_own_dead_run(self) -> None:
        run = self._run
        if run is not None and run.is_here and run.thread == threading.get_ident():
            self._run = None
            run.finish("failed", "interrupted")

    def _begin(
        self, lock: RunLock, run_params: dict[str, Any], pipeline: Pipeline, catalog: Any
    ) -> None:
        leftovers = remove_leftovers(outputs_folder(self._project, self._identity))
        if leftovers:
            logger.info("Removed %d leftover(s) of a killed run", len(leftovers))
        manifests = read_manifests(self._runs)
        close_abandoned(manifests, self._runs)
        save = str(run_params["run_id"])
        versions = self._pin_run(ManifestIndex(manifests), run_params, pipeline, catalog)
        manifest = RunManifest(
            version=save,
            identity=self._identity,
            pipelines=sorted(run_params.get("pipeline_names") or ["__default__"]),
            selection=_selection(run_params),
            parameters=self._parameters,
            git=provenance.git_state(self._project),
            packages=provenance.package_versions(),
            started=provenance.now(),
            code=provenance.code_digest(),
        )
        manifest.write(self._runs)
        self._run = ActiveRun(manifest, self._runs, lock, versions)

    def _pin_run(
        self,
        index: ManifestIndex,
        run_params: dict[str, Any],
        pipeline: Pipeline,
        catalog: Any,
    ) -> dict[str, str]:
        build_datasets(catalog, pipeline.datasets())
        files = versioned_files(catalog)
        outputs = [name for name in sorted(pipeline.all_outputs()) if name in files]
        inputs = [name for name in sorted(pipeline.inputs()) if name in files]
        requested = sorted(run_params.get("pipeline_names") or [])
        chosen = choose_versions(
            VersionRequest(inputs, outputs, run_params.get("load_versions") or {}, files),
            index,
            lambda: Remedies(self._identity, requested, all_pipelines()),
        )
        save = str(run_params["run_id"])
        for name, version in chosen.items():
            pin_version(catalog, name, version, None)
        for name in outputs:
            pin_version(catalog, name, save, save)
        return {**chosen, **dict.fromkeys(outputs, save)}

    def _are_saved(self, run: ActiveRun, node: Node, catalog: Any) -> bool:
        files = versioned_files(catalog)
        versioned = [name for name in node.outputs if name in files]
        return all(is_on_disk(files[name], run.versions[name]) for name in versioned)

    def _tell_summary(self, run: ActiveRun, catalog: Any) -> None:
        made = {name for node in run.manifest.nodes.values() for name in node.outputs}
        if "run_summary" in made:
            logger.info("%s", catalog.load("run_summary"))
        if "report" in made:
            page = versioned_files(catalog)["report"]
            path = page / run.versions["report"] / page.name
            inside = path.is_relative_to(self._project)
            shown = path.relative_to(self._project) if inside else path
            logger.info("report for a browser: %s", shown)
        folder = outputs_folder(self._project, self._identity)
        logger.info(
            "Run of identity %r complete: %d node(s) in %.1f s. Results: %s, version %s",
            self._identity,
            len(run.manifest.nodes),
            run.seconds,
            folder.relative_to(self._project),
            run.manifest.version,
        )


def _selection(run_params: dict[str, Any]) -> dict[str, Any]:
    given = {name: list(run_params.get(name) or []) for name in _SLICES}
    pins = run_params.get("load_versions") or {}
    given["load_versions"] = [f"{name}:{version}" for name, version in pins.items()]
    return {name: value for name, value in given.items() if value}
