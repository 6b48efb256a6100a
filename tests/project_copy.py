"""The real project in a temporary folder, driven as `kedro run` drives it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from kedro.framework.project import pipelines
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.runner import SequentialRunner

from mtcm_pipeline.sample.generate import SampleCapture

ROOT = Path(__file__).parents[1]
CAPTURES = ROOT.parent / "shared" / "captures"
# Small and in this process: what is tested is the way through, not the quality.
QUICK = {
    "train": {"epochs": 20, "tasks": 4, "snapshot_every": 10, "d_model": 32, "heads": 4},
    "two_view": {"workers": 0, "max_features": 200},
}


class ProjectCopy:
    """Configuration and code of the project, with data of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.data = root / "data"
        shutil.copytree(ROOT / "conf", root / "conf")
        shutil.copy(ROOT / "pyproject.toml", root)
        (root / "src").mkdir()  # the package itself is the installed one
        self.data.mkdir()
        bootstrap_project(root)

    def add(self, identity: str, capture: SampleCapture) -> None:
        """Put a generated capture under data/."""
        for part, files in capture.parts.items():
            folder = self.data / part / identity
            folder.mkdir(parents=True)
            for name, content in files.items():
                (folder / name).write_bytes(content)

    def run(self, *names: str, load: dict[str, str] | None = None, **params: Any) -> str:
        """Run pipelines (all without names); return the run's version."""
        pipelines.set_requested(None)
        session = KedroSession.create(
            project_path=self.root, runtime_params=params, save_on_close=False
        )
        session.run(
            pipeline_names=list(names) or None,
            load_versions=load,
            runner=SequentialRunner(),
        )
        return session.session_id

    def load(self, dataset: str, **params: Any) -> Any:
        """The newest whole version of a dataset."""
        pipelines.set_requested(None)
        session = KedroSession.create(
            project_path=self.root, runtime_params=params, save_on_close=False
        )
        return session.load_context().catalog.load(dataset)

    def outputs(self, identity: str) -> Path:
        return self.data / "outputs" / identity
