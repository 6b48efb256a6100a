"""The project's Kedro context: a catalog that sees whole versions only.

This is not left to a hook, since Kedro-Viz loads catalogs without hooks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kedro.framework.context import KedroContext
from kedro.io import DataCatalog

from mtcm_pipeline.datasets.versioned import NO_VERSION
from mtcm_pipeline.orchestration.manifest import ManifestIndex, read_manifests
from mtcm_pipeline.orchestration.pinning import (
    is_on_disk,
    pin_version,
    versioned_files,
)
from mtcm_pipeline.orchestration.project_layout import runs_folder
from mtcm_pipeline.orchestration.version_choice import newest_versions


class ProjectContext(KedroContext):
    """Pins every versioned dataset to its newest whole version, in viz and notebooks.

    A run then narrows this to versions that belong together (see `hooks`).
    """

    def _get_catalog(
        self,
        catalog_class: type = DataCatalog,
        save_version: str | None = None,
        load_versions: dict[str, str] | None = None,
    ) -> Any:
        loader: Any = self.config_loader
        runs = runs_folder(Path(self.project_path), loader.identity)
        catalog = super()._get_catalog(catalog_class, save_version, load_versions)
        pin_newest(catalog, runs, load_versions or {})
        return catalog


def pin_newest(catalog: Any, runs: Path, pins: dict[str, str]) -> None:
    """Make datasets load what `pins` says, else their newest whole version, else none."""
    index = ManifestIndex(read_manifests(runs))
    files = versioned_files(catalog)
    newest = newest_versions(
        index, list(files), lambda name, version: is_on_disk(files[name], version)
    )
    for name in files:
        pin_version(catalog, name, pins.get(name) or newest.get(name, NO_VERSION), None)
