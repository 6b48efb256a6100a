"""A folder that a long job keeps its own unfinished steps in."""

from __future__ import annotations

from pathlib import Path

from mtcm_pipeline.datasets.handles import HandleDataset


class WorkspaceDataset(HandleDataset[Path]):
    """Unversioned; `load` gives the folder's path, which the job fills and clears."""

    def load(self) -> Path:
        """The folder; it is made by whoever writes first."""
        return self._path
