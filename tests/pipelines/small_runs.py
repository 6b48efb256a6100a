"""The small sample, and one run on it up to its scores, made once for all tests."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from made_once import made_once
from mtcm_pipeline.cli import write_sample
from mtcm_pipeline.sample.options import SampleOptions
from project_copy import QUICK, ProjectCopy

NAME = "Bronze Head, 銅 [1].a"
SMALL = SampleOptions(frames=24, width=96, height=128, supersample=1)


def with_small_sample(project: ProjectCopy, factory: pytest.TempPathFactory) -> None:
    """Put the sample under the project's data, as the identity `NAME`."""

    def make(folder: Path) -> None:
        write_sample(folder, NAME, SMALL)

    shutil.copytree(made_once(factory, "sample", make), project.data, dirs_exist_ok=True)


def without_umap(patched: pytest.MonkeyPatch) -> None:
    """As where umap-learn is not installed: every process would compile it anew, 10 s."""
    patched.setitem(sys.modules, "umap", None)


def with_scored_run(project: ProjectCopy, factory: pytest.TempPathFactory) -> str:
    """The sample and the outputs of one run of the stages up to evaluate.

    Returns:
        The run's version.
    """

    def make(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patched:
            patched.chdir(folder)
            patched.setenv("KEDRO_DISABLE_TELEMETRY", "1")
            patched.delenv("MTCM_IDENTITY", raising=False)
            without_umap(patched)
            first = ProjectCopy(folder)
            with_small_sample(first, factory)
            first.run("ingest", "tokens", "train", "evaluate", identity=NAME, **QUICK)

    data = made_once(factory, "scored", make) / "data"
    shutil.copytree(data, project.data, dirs_exist_ok=True)
    (manifest,) = (project.outputs(NAME) / "runs").glob("*.json")
    return manifest.stem
