"""Pages in a real headless browser, where one is installed."""

from __future__ import annotations

import shutil
from contextlib import contextmanager

import pytest

# Drawn by the processor: the tests need no graphics card.
_FLAGS = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"]


@contextmanager
def browser():
    """A running Chromium; skips the test where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is missing")
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium is installed, so no page can be opened")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=_FLAGS)
        try:
            yield running
        finally:
            running.close()


@contextmanager
def opened(running, path, *, width=1280, height=900, dark=False):
    """A page and the list of what it complains about, which grows while it is open."""
    context = running.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        offline=True,
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: (
            complaints.append(message.text) if message.type == "error" else None
        ),
    )
    page.goto(path.as_uri())
    try:
        yield page, complaints
    finally:
        context.close()
