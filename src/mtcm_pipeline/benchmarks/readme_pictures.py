"""The README's pictures, from the newest finished run of a capture, small.

    python -m mtcm_pipeline.benchmarks.readme_pictures 'data/outputs/Sample Head' IMAGES

`make picture` runs the sample first. The cameras in space are drawn by a browser; where
there is none, that picture stays as it is.
"""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import click
from PIL import Image

from mtcm_pipeline.benchmarks.command import BenchmarkCommand

# What is shown, where a run leaves it, and how wide it becomes.
PICTURES = {
    "sample_choice.png": ("report/figures", "contact_sheet.png", 760),
    "sample_coverage.png": ("report/figures", "coverage.png", 1100),
    "sample_missing_views.png": ("missing/missing_views_map.png", "", 1000),
}
CAMERAS = "sample_cameras.png"
LARGEST_BYTES = 200_000
_COLOURS = (256, 192, 128, 96, 64, 48, 32)
_FLAGS = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
_PATIENCE_MS = 120_000


def small_png(picture: Image.Image, width: int) -> bytes:
    """A PNG at most so wide, of as many colours as 200 kB allow."""
    rgb = picture.convert("RGB")
    if rgb.width > width:
        size = width, round(rgb.height * width / rgb.width)
        rgb = rgb.resize(size, Image.Resampling.LANCZOS)
    content = b""
    for colours in _COLOURS:
        buffer = io.BytesIO()
        few = rgb.quantize(colours, dither=Image.Dither.NONE)
        few.save(buffer, format="PNG", optimize=True)
        content = buffer.getvalue()
        if len(content) <= LARGEST_BYTES:
            break
    return content


def newest(folder: Path, file: str) -> Path:
    """A file of the newest version under a dataset's folder.

    Raises:
        click.ClickException: there is none.
    """
    name = file or folder.name
    found = sorted(folder.glob(f"*/{name}")) or sorted(folder.glob(f"*/*/{name}"))
    if not found:
        raise click.ClickException(f"there is no {name} under {folder}: run kedro run")
    return found[-1]


def cameras_picture(page_file: Path) -> Image.Image | None:
    """The report's cameras as a browser draws them; None where there is no browser."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    if browser is None:
        return None
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=browser, args=_FLAGS)
        page = running.new_context(viewport={"width": 1280, "height": 800}).new_page()
        page.goto(page_file.resolve().as_uri())
        place = page.locator("#cameras-3d")
        place.scroll_into_view_if_needed()
        page.wait_for_selector("#cameras-3d[data-ready=yes]", timeout=_PATIENCE_MS)
        page.wait_for_timeout(1_000)  # the last picture of the scene
        content = place.screenshot()
        running.close()
    return Image.open(io.BytesIO(content))


@click.command(cls=BenchmarkCommand)
@click.argument("outputs", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("images", type=click.Path(file_okay=False, path_type=Path))
def main(outputs: Path, images: Path) -> None:
    """Write the pictures of OUTPUTS, a capture's output folder, into IMAGES."""
    images.mkdir(parents=True, exist_ok=True)
    for name, (folder, file, width) in PICTURES.items():
        picture = Image.open(newest(outputs / folder, file))
        (images / name).write_bytes(small_png(picture, width))
    cameras = cameras_picture(newest(outputs / "report/report.html", ""))
    if cameras is None:
        click.echo(f"{CAMERAS} stays as it is: playwright or a Chromium is missing")
        return
    (images / CAMERAS).write_bytes(small_png(cameras, 900))


if __name__ == "__main__":
    main()
