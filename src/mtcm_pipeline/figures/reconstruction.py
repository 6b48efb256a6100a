"""Held-out frames beside what the fitted field shows from there.

Dimension letters: R rows, H, W pictures in px.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mtcm_pipeline.figures.style import (
    INK,
    LABEL_PT,
    TEXT_PT,
    TITLE_PT,
    axes_at,
    new_figure,
    say,
)

if TYPE_CHECKING:  # the module brings torch with it
    from mtcm_pipeline.field.quality import Comparison, ViewQuality

Pixels = NDArray[np.float32]

_MARGIN, _GAP = 0.35, 0.12
_PICTURE = 3.1  # width of each picture, unless that makes it taller than:
_TALLEST = 2.7
_TOP, _HEAD, _BAR = 0.75, 0.26, 0.16
_BAR_WORDS = 0.85  # beside the bar
_LEAST_WIDTH = 6.5  # captions and the title must fit
_COLUMNS = ("photograph", "rendering", "difference")
# Differences are shown up to this percentile, so that one edge does not darken the rest.
_PERCENTILE = 99.0
_LEAST_RANGE = 0.05


@dataclass(frozen=True)
class ReconstructionRow:
    """One held-out frame.

    Attributes:
        caption: name and numbers.
        truth: (H, W, 3) in 0..1.
        rendering: (H, W, 3) in 0..1.
    """

    caption: str
    truth: Pixels
    rendering: Pixels

    @property
    def difference(self) -> Pixels:
        """(H, W) mean over the channels of the absolute difference, in 0..1."""
        return np.asarray(np.abs(self.truth - self.rendering).mean(axis=2))


def worst_and_best(
    qualities: Sequence[ViewQuality], pairs: Sequence[Comparison], count: int
) -> list[ReconstructionRow]:
    """Rows of the `count` worst views, then of the `count` best; no view twice.

    Args:
        qualities: of V views.
        pairs: (V) their pictures.
        count: of each kind.
    """
    decibels = [
        each.psnr if np.isnan(each.masked_psnr) else each.masked_psnr
        for each in qualities
    ]
    order = np.argsort(decibels, kind="stable").tolist()
    shown = order if len(order) <= 2 * count else order[:count] + order[-count:]
    return [
        ReconstructionRow(_caption(qualities[i]), pairs[i].truth, pairs[i].rendering)
        for i in shown
    ]


def _caption(quality: ViewQuality) -> str:
    masked = f" ({quality.masked_psnr:.1f} dB inside the mask)"
    return (
        f"{quality.name}: PSNR {quality.psnr:.1f} dB"
        f"{'' if np.isnan(quality.masked_psnr) else masked}, SSIM {quality.ssim:.3f}"
    )


def reconstruction_sheet(rows: Sequence[ReconstructionRow], title: str) -> Figure:
    """Photograph, rendering and difference side by side, one frame a row.

    Args:
        rows: R frames, in the order in which they are drawn.
        title: over all.
    """
    shape = max((r.truth.shape[0] / r.truth.shape[1] for r in rows), default=1.0)
    wide = min(_PICTURE, _TALLEST / shape)
    heights = [wide * r.truth.shape[0] / r.truth.shape[1] for r in rows]
    height = _TOP + sum(h + _HEAD + _GAP for h in heights) + _MARGIN
    pictures = 3 * (wide + _GAP) + _BAR + _BAR_WORDS
    width = max(2 * _MARGIN + pictures, _LEAST_WIDTH)
    figure = new_figure(width, max(height, 2.5))
    top = figure.get_size_inches()[1]
    figure.text(_MARGIN / width, 1 - 0.32 / top, title, fontsize=TITLE_PT, color=INK)
    if not rows:
        say(
            axes_at(figure, _MARGIN, _MARGIN, width - 2 * _MARGIN, 1.4),
            "no usable frame was left to hold out, so there is nothing to compare",
        )
        return figure
    norm = Normalize(0.0, _range(rows))
    bottom = top - _TOP
    for number, (row, tall) in enumerate(zip(rows, heights, strict=True)):
        bottom -= tall + _HEAD
        _draw_row(figure, row, (bottom, wide, tall), norm, with_heads=number == 0)
        bottom -= _GAP
    return figure


def _range(rows: Sequence[ReconstructionRow]) -> float:
    """One range for all rows, so that they can be compared."""
    worst = max(float(np.percentile(row.difference, _PERCENTILE)) for row in rows)
    return max(worst, _LEAST_RANGE)


def _draw_row(
    figure: Figure,
    row: ReconstructionRow,
    place: tuple[float, float, float],
    norm: Normalize,
    *,
    with_heads: bool,
) -> None:
    bottom, wide, tall = place
    pictures = (row.truth, row.rendering, row.difference)
    for column, picture in enumerate(pictures):
        left = _MARGIN + column * (wide + _GAP)
        axes = axes_at(figure, left, bottom, wide, tall)
        axes.set_xticks([])
        axes.set_yticks([])
        image = axes.imshow(
            np.clip(picture, 0, 1) if column < 2 else picture,
            cmap="magma",
            norm=norm if column == 2 else None,
            interpolation="nearest",
        )
        if with_heads:
            _head(axes, _COLUMNS[column])
        if column == 0:
            axes.set_title(row.caption, fontsize=LABEL_PT, color=INK, loc="left", pad=3)
    bar = axes_at(figure, _MARGIN + 3 * (wide + _GAP), bottom, _BAR, tall)
    figure.colorbar(image, cax=bar, extend="max")
    bar.tick_params(labelsize=LABEL_PT)
    bar.set_ylabel("mean |difference| of RGB\n(1 = black to white)", fontsize=LABEL_PT)


def _head(axes: Axes, text: str) -> None:
    """A word over the column, above the caption of its first row."""
    axes.annotate(
        text,
        (0, 1),
        xytext=(0, _HEAD * 72),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=TEXT_PT,
        color=INK,
    )
