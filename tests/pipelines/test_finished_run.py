"""What people look at after a run: notebooks, the page, Kedro-Viz. One run serves all."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

from mtcm_pipeline.cli import write_sample
from mtcm_pipeline.sample.options import SampleOptions
from project_copy import QUICK, ROOT, ProjectCopy

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))
from browser import browser, opened

pytestmark = pytest.mark.slow

NAME = "Bronze Head"
SMALL = SampleOptions(frames=24, width=96, height=128, supersample=1)
FRONT = "IMG_0010.jpg"
SCORES = {"judge": "none"}  # what is looked at does not depend on who judged


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A copy of the project with one finished run, and as the current folder."""
    root = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(root)
        patched.setenv("MTCM_IDENTITY", NAME)
        patched.setenv("KEDRO_DISABLE_TELEMETRY", "1")
        patched.setenv("DO_NOT_TRACK", "1")
        project = ProjectCopy(root)
        shutil.copytree(ROOT / "notebooks", root / "notebooks")
        write_sample(project.data, NAME, SMALL)
        project.run(identity=NAME, labels={"front_frame": FRONT}, scores=SCORES, **QUICK)
        yield project


def test_labels_count_from_the_named_front(finished):
    labels = finished.load("pose_labels", identity=NAME).set_index("name")
    assert labels["azimuth_deg"][FRONT] == 0 and labels["side"][FRONT] == "front"
    assert set(labels["azimuth_from"]) == {"the front"}
    truth = json.loads(
        (finished.data / "metadata" / NAME / "truth.json").read_text(encoding="utf-8")
    )
    turned = pd.Series({n: f["azimuth_deg"] for n, f in truth["frames"].items()})
    apart = (labels["azimuth_deg"] - (turned - turned[FRONT]) + 180) % 360 - 180
    sound = [name for name in labels.index if truth["faults"].get(name) != "wrong_pose"]
    assert apart[sound].abs().max() < 2


def test_the_export_has_the_labels_of_its_views(finished):
    export = finished.load("export", identity=NAME)
    path = export.path / "pose_labels.csv"
    ranking = finished.load("selection", identity=NAME).ranking
    assert tuple(pd.read_csv(path)["name"]) == ranking
    assert "pose_labels.csv" in export["README.txt"]().decode()


def test_diversity_and_scene_were_persisted(finished):
    table = finished.load("pose_diversity", identity=NAME).set_index("measure")
    views = table.loc["views", ["captured", "kept", "chosen"]]
    assert views["captured"] == 24 >= views["kept"] >= views["chosen"] > 0
    assert len(finished.load("scene_points", identity=NAME)) > 100


@pytest.mark.parametrize("name", ["walkthrough", "reading_the_scores"])
def test_a_notebook_runs_on_the_sample(finished, name):
    path = finished.root / "notebooks" / f"{name}.ipynb"
    book = nbformat.read(path, as_version=4)
    assert not any(cell.get("outputs") for cell in book.cells), "commit no outputs"
    where = {"metadata": {"path": str(finished.root)}}
    NotebookClient(book, timeout=300, kernel_name="python3", resources=where).execute()
    shown = {
        kind
        for cell in book.cells
        for output in cell.get("outputs", [])
        for kind in output.get("data", {})
    }
    assert {"image/png", "text/html"} <= shown


def test_the_page_of_a_real_run_opens_without_a_complaint(finished):
    (page_file,) = (finished.outputs(NAME) / "report" / "report.html").glob("*/*.html")
    with browser() as chromium, opened(chromium, page_file, width=400) as (page, said):
        assert page.locator("#sheet li").count() == 24
        page.evaluate("[...document.images].forEach(i => { i.loading = 'eager'; })")
        page.wait_for_function(
            "[...document.images].filter(i => i.src).every(i => i.naturalWidth > 0)"
        )
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
        assert "front, " in page.text_content("#sheet") and said == []


def test_kedro_viz_builds_with_every_layer(finished):
    done = subprocess.run(
        [sys.executable, "-m", "kedro", "viz", "build", "--include-previews"],
        cwd=finished.root,
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    built = finished.root / "build"
    graph = json.loads((built / "api" / "main").read_text(encoding="utf-8"))
    assert {"raw", "ingest", "viewpoints", "export", "report"} <= set(graph["layers"])
    previews = {}
    for file in (built / "api" / "nodes").iterdir():
        node = json.loads(file.read_text(encoding="utf-8"))
        kind = node.get("preview_type") or ""
        if node.get("preview"):
            previews[Path(node.get("filepath") or "").name] = kind
    assert "Image" in previews["figures"] and "Plotly" in previews["camera_plot.json"]
    assert "Table" in previews["pose_labels.csv"]
