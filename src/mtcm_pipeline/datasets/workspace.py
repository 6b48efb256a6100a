"""A folder that a long job keeps its own unfinished steps in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError


class WorkspaceDataset(AbstractDataset[Any, Path]):
    """Unversioned; `load` gives the folder's path, which the job fills and clears."""

    def __init__(self, *, path: str, metadata: dict[str, Any] | None = None) -> None:
        self._path = Path(path)
        self.metadata = metadata

    def load(self) -> Path:
        """The folder; it is made by whoever writes first."""
        return self._path

    def save(self, data: Any) -> None:
        """Refused: the job writes into the folder itself."""
        raise DatasetError(f"{self._path} is a workspace, it is not saved to")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"path": str(self._path)}
