"""Where an identity's files lie in the project."""

from __future__ import annotations

from pathlib import Path


def raw_images_folder(project: Path) -> Path:
    """The folder whose sub-folders are the identities."""
    return project / "data" / "raw_images"


def known_identities(project: Path) -> list[str]:
    """Names of the identities that have a folder of raw images."""
    folder = raw_images_folder(project)
    if not folder.is_dir():
        return []
    return sorted(
        entry.name
        for entry in folder.iterdir()
        if entry.is_dir() and not entry.name.startswith(".")
    )


def outputs_folder(project: Path, identity: str) -> Path:
    """All persisted outputs of `identity` (a checked name)."""
    return project / "data" / "outputs" / identity


def each_folder(project: Path) -> Path:
    """Outcomes and logs of `kedro each`, a folder a command."""
    return project / "data" / "each"


def written_folders(project: Path) -> tuple[Path, ...]:
    """What runs themselves write under `data/`; all else there is the user's."""
    return project / "data" / "outputs", each_folder(project)


def runs_folder(project: Path, identity: str) -> Path:
    """The run manifests of `identity`, one a run."""
    return outputs_folder(project, identity) / "runs"
