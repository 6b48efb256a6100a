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
from small_runs import NAME, with_scored_run, without_umap
from viz_server import listen, served

from browser import browser, opened
from mtcm_pipeline.orchestration.stages import STAGES
from project_copy import QUICK, ROOT, ProjectCopy

pytestmark = pytest.mark.slow

FRONT = "IMG_0010.jpg"
SHOW_MS = 90_000  # what a page may take on a busy machine


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
        with_scored_run(project, tmp_path_factory)
        without_umap(patched)
        rest = STAGES[STAGES.index("select") :]
        project.run(*rest, identity=NAME, labels={"front_frame": FRONT}, **QUICK)
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


def test_snapshots_say_what_their_choice_rests_on(finished):
    files = finished.load("snapshot_files", identity=NAME)
    name = max(n for n in files if n.startswith("filtered_views"))
    said = json.loads(files[name]())
    assert said["views"] and "poses" in said["chosen_from"]
    assert "view_geometry.npz" in said["not_used"][0]


@pytest.fixture(scope="module")
def graph(finished):
    """The page of `kedro viz`, its address, and the errors on its console so far."""
    with browser() as chromium, served(finished.root) as address:
        context = chromium.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        errors = listen(page, address)
        page.goto(address)
        page.wait_for_selector(".pipeline-node", timeout=SHOW_MS)
        yield page, address, errors
        context.close()


def nodes_of(page, address):
    return page.request.get(f"{address}/api/main").json()["nodes"]


def open_panel(page, address, dataset):
    """A dataset's panel, as a link to it opens it."""
    (node,) = (n for n in nodes_of(page, address) if n["name"] == dataset)
    page.goto(f"{address}/?pid=__default__&sid={node['id']}")


def test_the_graph_in_the_browser_has_its_layers_in_order(graph):
    page, address, errors = graph
    layers = page.locator(".pipeline-layer-name").all_text_contents()
    assert set(layers) == {"raw", *STAGES} and layers[:2] == ["raw", "ingest"]
    assert layers[-1] == "report"
    shown = [n for n in nodes_of(page, address) if n["type"] != "parameters"]
    assert page.locator(".pipeline-node").count() == len(shown)
    assert errors == []


def test_names_of_nodes_say_what_is_done_to_what(graph):
    page, address, _ = graph
    tasks = [n["name"] for n in nodes_of(page, address) if n["type"] == "task"]
    assert len(tasks) > 15
    for name in tasks:
        verb, *rest = name.split("_")
        assert rest and name.isascii() and not verb.endswith("s"), name


def test_a_table_is_previewed_in_the_browser(graph):
    page, address, errors = graph
    open_panel(page, address, "pose_labels")
    page.wait_for_selector(".preview-table__row", timeout=SHOW_MS)
    assert "azimuth_from" in page.locator(".preview-table").first.inner_text()
    assert errors == []


def test_a_figure_is_previewed_in_the_browser(graph):
    page, address, errors = graph
    open_panel(page, address, "missing_views_map")
    page.wait_for_function(
        "(document.querySelector('.pipeline-metadata__plot-image') || {}).naturalWidth"
        " > 300",
        timeout=SHOW_MS,
    )
    assert errors == []


def test_the_cameras_are_previewed_in_the_browser(graph):
    page, address, errors = graph
    open_panel(page, address, "camera_plot")
    # The panel draws plots that stand still, which plotly cannot do in space.
    page.get_by_text("Expand preview").click(timeout=SHOW_MS)
    page.wait_for_selector(".js-plotly-plot canvas", timeout=SHOW_MS)
    shown = page.evaluate(
        "[...document.querySelectorAll('.js-plotly-plot')].at(-1).data"
        ".flatMap(trace => trace.customdata || [])"
    )
    assert FRONT in shown and errors == []
