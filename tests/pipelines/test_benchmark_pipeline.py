"""The benchmark in Kedro: captures under data/, a whole run."""

from __future__ import annotations

import json
import re

import pytest

from mtcm_pipeline.datasets.captures import CaptureFolders
from mtcm_pipeline.errors import IdentityError
from mtcm_pipeline.sample.generate import generate_sample
from mtcm_pipeline.sample.options import SampleOptions
from project_copy import ProjectCopy

IDENTITY = "Small Head"
TINY = {
    "benchmark": {
        "arms": ["clean/none/fvs", "clean/none/view_coverage", "lingering/none/fvs"],
        "budgets": [3],
        "splits": 1,
        "fit_seeds": 1,
        "workers": 0,
        "longer_side_px": 40,
        "gaussians": 200,
        "steps": 5,
    }
}

_SMALL_SAMPLE = SampleOptions(
    frames=24, width=48, height=64, seed=2, voxel_mm=12, supersample=1
)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    copy = ProjectCopy(tmp_path_factory.mktemp("project"))
    copy.add(IDENTITY, generate_sample(_SMALL_SAMPLE))
    return copy


def test_captures_come_without_their_planted_faults(project):
    folders = CaptureFolders(project.data)
    assert list(folders) == [IDENTITY]
    metadata = project.data / "metadata" / IDENTITY
    planted = json.loads((metadata / "planted_faults.json").read_bytes())
    photos = folders[IDENTITY]()
    assert planted
    assert not set(photos.names) & set(planted)
    assert len(photos) == 24 - len(planted)
    with pytest.raises(IdentityError, match="Small Head"):
        folders["Small Hed"]


@pytest.mark.slow
def test_a_whole_run_and_a_second_one_that_fits_nothing(project):
    project.run("benchmark", identity=IDENTITY, **TINY)
    rows = project.load("benchmark_rows", identity=IDENTITY)
    assert len(rows) == 2 * 3
    assert set(rows["selector"]) == {"fvs", "view_coverage"}
    assert set(rows["pool"]) == {"clean", "lingering"}
    page = project.load("benchmark_page", identity=IDENTITY)
    links = re.findall(r"!\[.*\]\((.*)\)", page["benchmark.md"]().decode("utf-8"))
    assert sorted(links) == sorted(set(page) - {"benchmark.md"})
    folder = project.outputs(IDENTITY) / "benchmark"
    journals = list((folder / "journals").iterdir())
    before = [journal.read_bytes() for journal in journals]
    project.run("benchmark", identity=IDENTITY, **TINY)
    assert [journal.read_bytes() for journal in journals] == before


@pytest.mark.slow
def test_hidden_tokens_are_compared_in_one_run(project):
    project.run("hidden_tokens", identity=IDENTITY, hidden_tokens={"seeds": 1})
    table = project.load("hidden_token_comparison", identity=IDENTITY)
    assert {"random", "sector"} == set(table["mask"])
    assert {"MTCM", "kernel prior", "mean"} <= set(table.columns)
    assert table.loc[table["measure"] == "embedding R2", "mean"].abs().max() < 1e-6
