"""Whether probabilities mean what they say: predicted against observed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mtcm_pipeline.figures.style import (
    FAINT,
    INK,
    LABEL_PT,
    TEXT_PT,
    TITLE_PT,
    axes_at,
    new_figure,
    quiet,
    say,
)

# (mean probability, share of faulty frames, frames) of a bin.
Bin = tuple[float, float, int]

# Okabe and Ito (2008), safe for the colour-blind; markers differ too.
_LOOKS = (("#0072b2", "o"), ("#d55e00", "s"), ("#009e73", "D"), ("#cc79a7", "^"))
_SIDE, _COUNTS = 3.6, 0.9  # inches


def reliability_figure(bins: Mapping[str, Sequence[Bin]], title: str) -> Figure:
    """Observed share of faulty frames over the predicted probability, with counts.

    Args:
        bins: by method, see `judge.calibration.reliability`; four methods at most.
        title: over the picture.
    """
    figure = new_figure(_SIDE + 1.3, _SIDE + _COUNTS + 1.5)
    upper = axes_at(figure, 1.0, _COUNTS + 0.9, _SIDE, _SIDE)
    upper.set_title(title, fontsize=TITLE_PT, color=INK, loc="left")
    if not any(bins.values()):
        say(upper, "no frame has a probability yet")
        return figure
    lower = axes_at(figure, 1.0, 0.6, _SIDE, _COUNTS)
    upper.plot([0, 1], [0, 1], color=FAINT, linewidth=1.0, linestyle="--")
    for (name, rows), (colour, marker) in zip(bins.items(), _LOOKS, strict=False):
        _draw(upper, rows, name, colour, marker)
        said, _, counts = zip(*rows, strict=True)
        lower.plot(said, counts, color=colour, marker=marker, markersize=3, linewidth=1)
    upper.legend(fontsize=LABEL_PT, frameon=False, loc="lower right")
    upper.set_ylabel("share of faulty frames, observed", fontsize=TEXT_PT)
    lower.set_xlabel("probability of a fault, predicted", fontsize=TEXT_PT)
    lower.set_ylabel("frames", fontsize=TEXT_PT)
    lower.set_yscale("log")
    lower.set_ylim(bottom=0.7)
    for axes in (upper, lower):
        axes.set_xlim(-0.03, 1.03)
        quiet(axes)
    upper.set_ylim(-0.03, 1.03)
    return figure


def _draw(axes: Axes, rows: Sequence[Bin], name: str, colour: str, marker: str) -> None:
    """A line with the standard error of each share, as of a binomial."""
    said = [row[0] for row in rows]
    seen = [row[1] for row in rows]
    errors = [(p * (1 - p) / n) ** 0.5 for _, p, n in rows]
    axes.errorbar(
        said, seen, errors, color=colour, marker=marker, markersize=5, linewidth=1.2,
        capsize=2, label=f"{name}, {sum(row[2] for row in rows)} frames",
    )  # fmt: skip
