"""A capture of synthetic numbers that the figures are tested on."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from matplotlib.text import Text


def snapshot(n: int = 30, *, seed: int = 0, shown: int | None = None) -> SimpleNamespace:
    """What a training snapshot holds, without the module that brings torch."""
    rng = np.random.default_rng(seed)
    rows = np.linspace(0, max(n - 1, 0), min(n, shown or n)).round().astype(np.int64)
    attention = rng.random((len(rows), len(rows)))
    return SimpleNamespace(
        epoch=40,
        latent=rng.normal(size=(n, 16)).astype(np.float32),
        attention=(attention / attention.sum(axis=1, keepdims=True)).astype(np.float32),
        attention_rows=rows,
        squared_error=rng.random((n, 5)) + 1e-3,
        centre_error=rng.random(n),
        rotation_error_deg=90 * rng.random(n),
        predicted_pose=rng.normal(size=(n, 7)),
    )


def file_names(n: int) -> tuple[str, ...]:
    return tuple(f"DSC_{i:04d}.jpg" for i in range(n))


def flags(n: int, *true: int) -> np.ndarray:
    marked = np.zeros(n, dtype=bool)
    marked[list(true)] = True
    return marked


def overlapping(figure, texts) -> list[tuple[str, str]]:
    """Pairs of visible, written texts whose boxes on the page share an area."""
    renderer = _drawn(figure)
    written = [t for t in texts if t.get_visible() and t.get_text()]
    boxes = [Text.get_window_extent(t, renderer) for t in written]  # without arrows
    return [
        (written[i].get_text(), written[j].get_text())
        for i in range(len(boxes))
        for j in range(i)
        if min(boxes[i].x1, boxes[j].x1) - max(boxes[i].x0, boxes[j].x0) > 0
        and min(boxes[i].y1, boxes[j].y1) - max(boxes[i].y0, boxes[j].y0) > 0
    ]


def cut_off(figure, texts) -> list[str]:
    """Visible, written texts that do not lie wholly on the page."""
    renderer = _drawn(figure)
    page = figure.bbox
    outside = []
    for text in texts:
        if text.get_visible() and text.get_text():
            box = Text.get_window_extent(text, renderer)
            if (
                box.x0 < page.x0
                or box.y0 < page.y0
                or box.x1 > page.x1
                or box.y1 > page.y1
            ):
                outside.append(text.get_text())
    return outside


def _drawn(figure):
    """The figure's renderer, once it has been drawn (ticks are placed only then)."""
    if figure.stale:
        figure.canvas.draw()
    return figure.canvas.get_renderer()


def stays_on_the_page(figure) -> bool:
    """Whether all that is drawn lies within the figure."""
    box = figure.get_tightbbox(_drawn(figure))
    width, height = figure.get_size_inches()
    return box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
