"""Versions of datasets in a Kedro catalog: which there are, and which one is loaded.

A catalog holds datasets as configuration until their first use; both forms are pinned,
without building (and importing) what is not needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kedro.io import AbstractVersionedDataset
from kedro.io.core import Version


def versioned_files(catalog: Any) -> dict[str, Path]:
    """Name -> file path (without version) of every versioned dataset of `catalog`."""
    found = {
        name: Path(lazy.config["filepath"])
        for name, lazy in catalog._lazy_datasets.items()
        if lazy.config.get("versioned") and "filepath" in lazy.config
    }
    for name, dataset in catalog._datasets.items():
        if isinstance(dataset, AbstractVersionedDataset) and dataset._version:
            found[name] = Path(dataset._filepath)
    return found


def build_datasets(catalog: Any, names: Iterable[str]) -> None:
    """Build the named datasets that `catalog` knows, factory patterns included."""
    for name in names:
        if name in catalog:
            catalog.get(name)


def is_on_disk(file: Path, version: str) -> bool:
    """Whether the version's file or folder is there."""
    return (file / version / file.name).exists()


def pin_version(catalog: Any, name: str, load: str, save: str | None) -> None:
    """Make `name` load version `load`, and save version `save` where it is given."""
    catalog._load_versions = {**catalog._load_versions, name: load}
    lazy = catalog._lazy_datasets.get(name)
    if lazy is not None:
        lazy.load_version = load
        lazy.save_version = save or lazy.save_version
        return
    dataset = catalog._datasets[name]
    dataset.release()
    dataset._version = Version(load, save or dataset._version.save)
