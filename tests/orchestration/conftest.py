"""A toy Kedro project that uses the real loader, hooks and datasets.

Its pipelines have the real stages' names and the shape of the real graph, with nodes
of a line or two.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kedro.framework.project import configure_project, pipelines
from kedro.framework.session import KedroSession
from kedro.runner import SequentialRunner

_TEMPLATE = Path(__file__).parent / "toy_project"


class ToyProject:
    """A copy of the toy project in a temporary folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def add_identity(self, name: str, images: int = 3) -> None:
        folder = self.root / "data" / "raw_images" / name
        folder.mkdir(parents=True)
        for i in range(images):
            (folder / f"img{i}.jpg").write_bytes(bytes([i]))

    def add_override(self, identity: str, text: str) -> None:
        folder = self.root / "conf" / "identities" / identity
        folder.mkdir(parents=True)
        (folder / "parameters.yml").write_text(text, encoding="utf-8")

    def session(self, **params: Any) -> KedroSession:
        return KedroSession.create(
            project_path=self.root, runtime_params=params, save_on_close=False
        )

    def run(self, *names: str, load: dict[str, str] | None = None, **params: Any) -> str:
        """Run pipelines; return the run's version."""
        session = self.session(**params)
        session.run(
            pipeline_names=list(names) or None,
            load_versions=load,
            runner=SequentialRunner(),
        )
        return session.session_id

    def catalog(self, **params: Any) -> Any:
        pipelines.set_requested(None)
        return self.session(**params).load_context().catalog

    def outputs(self, identity: str) -> Path:
        return self.root / "data" / "outputs" / identity


@pytest.fixture
def make_toy(tmp_path: Path) -> Iterator[Callable[[], ToyProject]]:
    def make() -> ToyProject:
        root = tmp_path / "project"
        shutil.copytree(_TEMPLATE, root, ignore=shutil.ignore_patterns("__pycache__"))
        (root / "conf" / "local").mkdir(exist_ok=True)
        return ToyProject(root)

    source = str(_TEMPLATE / "src")
    sys.path.insert(0, source)
    configure_project("toy")
    yield make
    sys.path.remove(source)


@pytest.fixture
def toy(make_toy: Callable[[], ToyProject], monkeypatch: Any) -> ToyProject:
    monkeypatch.delenv("MTCM_IDENTITY", raising=False)
    monkeypatch.setenv("KEDRO_DISABLE_TELEMETRY", "1")
    project = make_toy()
    monkeypatch.chdir(project.root)  # Kedro-Viz leaves its statistics there
    project.add_identity("Ada")
    return project
