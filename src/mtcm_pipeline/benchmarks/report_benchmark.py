"""How large a report of many frames is, and how long a browser takes to open it.

    python -m mtcm_pipeline.benchmarks.report_benchmark --frames 1000 --out report.html

The capture is made up: a walk around a subject, thumbnails with the detail of
photographs, a fifth of the frames dropped. The page is opened from the disk in a headless
Chromium (playwright, as in the tests), which has no graphics card. `--page` measures a
report that there is, instead.

Dimension letters: N frames.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from time import perf_counter

import click
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.ndimage import gaussian_filter

from mtcm_pipeline.benchmarks.command import BenchmarkCommand
from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.figures.cameras3d import camera_plot
from mtcm_pipeline.figures.coverage import coverage_panels
from mtcm_pipeline.mtcm.results import TrainingSnapshot
from mtcm_pipeline.report.page import ReportContent, build_report
from mtcm_pipeline.report.summary import summary_numbers
from mtcm_pipeline.sample.options import SampleOptions
from mtcm_pipeline.sample.path import handheld_path
from mtcm_pipeline.tokens.build import build_tokens
from mtcm_pipeline.tokens.layout import CENTRE, Tokens
from mtcm_pipeline.viewpoints.angles import viewpoints_of
from mtcm_pipeline.viewpoints.labels import label_counts, pose_labels
from mtcm_pipeline.viewpoints.options import LabelOptions

_CHOSEN = 60
_POINTS = 20_000
_REASONS = ("blurred", "exposure", "duplicate of IMG_0001.jpg", "foreign subject")
_FLAGS = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
_PATIENCE_MS = 120_000


def made_up_report(frames: int, seed: int = 0) -> str:
    """The page of a made-up capture of N frames."""
    rng = np.random.default_rng(seed)
    tokens = _tokens(frames, rng)
    views = viewpoints_of(tokens, LabelOptions())
    scores, selection = _tables(tokens, rng)
    kept, chosen = scores["usable"], selection["chosen"]
    states = np.select([chosen, kept], ["chosen", "usable"], "faulty").tolist()
    centres = tokens.values[:, CENTRE]
    unit = centres / np.linalg.norm(centres, axis=1, keepdims=True)
    content = ReportContent(
        identity=f"{frames} frames",
        summary=summary_numbers(pd.DataFrame({"name": tokens.names}), scores, selection),
        frames=pd.DataFrame({"name": tokens.names}),
        scores=scores,
        selection=selection,
        data_quality=pd.DataFrame({"part": ["masks"], "absent": [0]}),
        thumbnails={
            name: _photograph(rng)
            for name in track(tokens.names, description="thumbnails", transient=True)
        },
        figures=_figures(tokens, scores, rng),
        camera_plot=camera_plot(
            tokens.names,
            centres,
            -unit,
            states,
            selection["reason"].tolist(),
            points_xyz=0.2 * rng.normal(size=(_POINTS, 3)),
            points_rgb=rng.integers(0, 256, (_POINTS, 3), dtype=np.uint8),
        ),
        parameters={"select": {"budget": _CHOSEN}},
        export_path="data/outputs",
        coverage=coverage_panels(views, kept.to_numpy(), chosen.to_numpy()),
        labels=pose_labels(views),
        label_counts=label_counts(views, chosen, kept),
        azimuth_from=views.zero,
    )
    return build_report(content)


def opening_seconds(page_file: Path) -> dict[str, float]:
    """Seconds from the address to what a person waits for, in a headless Chromium.

    Raises:
        click.ClickException: there is no playwright or no Chromium.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise click.ClickException(
            "playwright is missing: pip install '.[dev]'"
        ) from error
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        raise click.ClickException("no Chromium is installed, so no page can be opened")
    taken = {}
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=_FLAGS)
        page = running.new_context(viewport={"width": 1280, "height": 900}).new_page()
        begun = perf_counter()
        page.goto(page_file.resolve().as_uri(), wait_until="domcontentloaded")
        page.wait_for_selector("#sheet li:visible", timeout=_PATIENCE_MS)
        taken["first cards can be seen"] = perf_counter() - begun
        page.wait_for_load_state("load", timeout=_PATIENCE_MS)
        page.wait_for_function("document.querySelector('#sheet img').naturalWidth > 0")
        taken["page is loaded, first pictures are there"] = perf_counter() - begun
        begun = perf_counter()
        page.fill("input[type=search]", "blurred")
        page.wait_for_function(
            "document.querySelectorAll('#sheet li[hidden]').length > 0"
        )
        taken["search for a word is answered"] = perf_counter() - begun
        page.fill("input[type=search]", "")
        if page.locator("#cameras-3d").count():
            begun = perf_counter()
            page.evaluate("document.getElementById('space').scrollIntoView()")
            page.wait_for_selector("#cameras-3d[data-ready=yes]", timeout=_PATIENCE_MS)
            taken["cameras are drawn after scrolling to them"] = perf_counter() - begun
        running.close()
    return taken


def _tokens(frames: int, rng: np.random.Generator) -> Tokens:
    poses = handheld_path(SampleOptions(frames=frames), frames, rng).cam_from_subject
    names = tuple(f"IMG_{number:04d}.jpg" for number in range(1, frames + 1))
    camera = {1: Camera("PINHOLE", 400, 300, (350.0, 350.0, 200.0, 150.0))}
    cameras = PosedCameras(names, poses, (1,) * frames, camera)
    table = pd.DataFrame({"name": names, "width": 400, "height": 300})
    table["timestamp_s"] = np.arange(frames, dtype=np.float64)
    table["mask_area"], table["focal_px"] = 0.3, 350.0
    return build_tokens(table, rng.normal(size=(frames, 384)), cameras)[0]


def _tables(
    tokens: Tokens, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    count = len(tokens)
    dropped = rng.random(count) < 0.2
    reasons = rng.choice(_REASONS, count)
    scores = pd.DataFrame({"name": tokens.names, "fault_score": rng.random(count)})
    scores["faulty"], scores["usable"] = dropped, ~dropped
    scores["reason"] = np.where(dropped, reasons, "")
    picked = rng.choice(
        np.flatnonzero(~dropped), min(_CHOSEN, int((~dropped).sum())), False
    )
    rank = pd.array([pd.NA] * count, dtype="Int64")
    rank[picked] = np.arange(1, len(picked) + 1)
    selection = pd.DataFrame({"name": tokens.names, "chosen": False, "rank": rank})
    selection.loc[picked, "chosen"] = True
    selection["gain"] = np.where(selection["chosen"], rng.random(count), np.nan)
    selection["reason"] = "not needed: nearest chosen frame IMG_0001.jpg at 8.1 degrees"
    return scores, selection


def _photograph(rng: np.random.Generator) -> NDArray[np.uint8]:
    """(120, 160, 3) noise at several sizes: about as hard to squeeze as a photograph."""
    layers = [
        size * gaussian_filter(rng.normal(size=(120, 160, 3)), (size, size, 0))
        for size in (1.5, 4.0, 12.0)
    ]
    return np.clip(128.0 + 90.0 * np.sum(layers, axis=0), 0, 255).astype(np.uint8)


def _figures(tokens: Tokens, scores: pd.DataFrame, rng: np.random.Generator) -> dict:
    from mtcm_pipeline.figures.training import pose_deltas, recon_deltas

    count = len(tokens)
    snapshot = TrainingSnapshot(
        epoch=300,
        latent=np.zeros((count, 8), np.float32),
        attention=np.zeros((2, 2), np.float32),
        attention_rows=np.array([0, count - 1]),
        squared_error=rng.random((count, 5)),
        centre_error=rng.random(count),
        rotation_error_deg=20.0 * rng.random(count),
        predicted_pose=np.zeros((count, 7)),
    )
    faulty = scores["faulty"].to_numpy(dtype=bool)
    return {
        "Predicted against given poses": pose_deltas(snapshot, tokens.names, faulty),
        "Errors": recon_deltas(snapshot, tokens.names, faulty),
    }


@click.command(cls=BenchmarkCommand)
@click.option("--frames", default=1_000, show_default=True, type=click.IntRange(2))
@click.option(
    "--page",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A report that there is, instead of a made-up one.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Where to write the made-up one."
)
def main(frames: int, page: Path | None, out: Path | None) -> None:
    """Size of a report, and seconds until it is open."""
    if page is None:
        if out is None:
            raise click.UsageError("name a file for the made-up report with --out")
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(made_up_report(frames), encoding="utf-8")
        page = out
    shown = Table("what", "value")
    shown.add_row("size", f"{page.stat().st_size / 1e6:.1f} MB")
    for what, seconds in opening_seconds(page).items():
        shown.add_row(what, f"{seconds:.1f} s")
    Console().print(shown)


if __name__ == "__main__":
    main()
