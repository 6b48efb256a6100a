"""Folders that outlive a run: what is loaded is a handle, written to while nodes run."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any, Generic, TypeVar

from kedro.io import AbstractDataset, DatasetError

Handle = TypeVar("Handle")


class HandleDataset(AbstractDataset[Any, Handle], Generic[Handle]):
    """Unversioned: `load` gives a handle on the folder, which the first write makes."""

    def __init__(self, *, path: str, metadata: dict[str, Any] | None = None) -> None:
        self._path = Path(path)
        self.metadata = metadata

    @abstractmethod
    def load(self) -> Handle:
        """The handle."""

    def save(self, data: Any) -> None:
        """Refused: nodes write through the handle while they run."""
        raise DatasetError(f"{self._path} is written through its handle, not saved")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"path": str(self._path)}
