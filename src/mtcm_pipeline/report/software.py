"""Versions of the software that made a page."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

_SHOWN = ("mtcm-pipeline", "kedro", "torch", "pycolmap", "numpy", "scikit-learn")


def software_versions() -> dict[str, str]:
    """Name -> version of this package and of those that decide its results."""
    versions = {}
    for name in _SHOWN:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed"
    return versions
