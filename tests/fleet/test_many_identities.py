"""The real pipelines for several identities: on a cluster, then again on this machine."""

import csv
import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from dask_processes import two_workers

from mtcm_pipeline import cli as commands
from mtcm_pipeline.each import each
from mtcm_pipeline.sample.options import SampleOptions
from project_copy import ProjectCopy

pytest.importorskip("distributed", reason="the extra 'fleet' is not installed")
pytestmark = pytest.mark.slow

FIRST, SECOND, BROKEN = "Bronze Head, 銅 [1].a", "007", "Broken, no picture"
SMALL = SampleOptions(frames=12, width=60, height=80, voxel_mm=9, supersample=1)
OPTIONS = ("--pipelines=ingest,tokens", "--params=two_view.enabled=false")


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("KEDRO_DISABLE_TELEMETRY", "1")
    monkeypatch.delenv("MTCM_IDENTITY", raising=False)
    monkeypatch.chdir(tmp_path)
    copy = ProjectCopy(tmp_path)
    monkeypatch.setattr(commands, "_offline_encoder", lambda: None)
    commands.write_sample(copy.data, FIRST, SMALL)
    add_embeddings(copy.data, FIRST)
    for folder in list(copy.data.iterdir()):
        shutil.copytree(folder / FIRST, folder / SECOND)
    broken = copy.data / "raw_images" / BROKEN
    broken.mkdir()
    (broken / "a.jpg").write_bytes(b"no picture")
    override = tmp_path / "conf" / "identities" / SECOND
    override.mkdir(parents=True)
    (override / "parameters.yml").write_text("two_view: {max_features: 150}\n")
    return copy


def add_embeddings(data, name):
    """For every picture, so that no run needs an encoder."""
    numbers = np.random.default_rng(0)
    folder = data / "embeddings" / name
    folder.mkdir(parents=True)
    for picture in (data / "raw_images" / name).iterdir():
        vector = numbers.normal(size=384).astype(np.float32)
        np.save(folder / f"{picture.stem}.npy", vector)


def call(project, *arguments):
    done = CliRunner().invoke(
        each, [*arguments, *OPTIONS], obj=SimpleNamespace(project_path=project.root)
    )
    newest = max((project.data / "each").iterdir())
    with (newest / "outcomes.csv").open(encoding="utf-8", newline="") as file:
        return done, {row["identity"]: row for row in csv.DictReader(file)}


def manifests(project, identity):
    runs = sorted((project.outputs(identity) / "runs").glob("*.json"))
    return [json.loads(path.read_text(encoding="utf-8")) for path in runs]


def test_overrides_failures_and_resume(project, tmp_path_factory):
    with two_workers(tmp_path_factory.mktemp("cluster")) as cluster:
        done, rows = call(project, "--all", "--scheduler", cluster.address)
    assert done.exit_code == 1, done.output
    assert {name: row["outcome"] for name, row in rows.items()} == {
        FIRST: "finished",
        SECOND: "finished",
        BROKEN: "failed",
    }
    assert "a.jpg" in rows[BROKEN]["message"]
    (first,), (second,) = manifests(project, FIRST), manifests(project, SECOND)
    assert first["identity"] == FIRST and second["identity"] == SECOND
    ordinary = first["parameters"]["two_view"]
    assert "max_features" not in ordinary and ordinary["enabled"] is False
    assert second["parameters"]["two_view"] == {**ordinary, "max_features": 150}

    done, rows = call(project, "--all", "--resume")
    assert done.exit_code == 1, done.output
    assert {name: row["outcome"] for name, row in rows.items()} == {
        FIRST: "skipped",
        SECOND: "skipped",
        BROKEN: "failed",
    }
    assert first["version"] in rows[FIRST]["message"]
    assert len(manifests(project, FIRST)) == len(manifests(project, SECOND)) == 1
