"""What all pictures share: page, colours, marks of a frame's state, inches.

States differ by symbol as well as by colour (the colour-blind safe set of Okabe and Ito,
2008). Lengths are in inches where a figure is laid out, in points (1/72 inch) for text.
"""

from __future__ import annotations

import io
from collections.abc import Sized
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mtcm_pipeline.errors import CaptureError

INK = "#24292f"
FAINT = "#8b949e"
GRID = "#d8dee4"
ABSENT = "#e3e6ea"
LABEL_PT = 7.5
TEXT_PT = 9.0
TITLE_PT = 12.0


@dataclass(frozen=True)
class StateStyle:
    """How a frame's state looks.

    Attributes:
        colour: of marks and lines.
        marker: matplotlib's marker.
        symbol: plotly's marker in three dimensions; not its "x", which is drawn with an
            emoji that many machines lack.
        sign: a character that stands for it in text.
    """

    colour: str
    marker: str
    symbol: str
    sign: str


STATES: dict[str, StateStyle] = {
    "chosen": StateStyle("#0072b2", "D", "diamond", "◆"),
    "usable": StateStyle("#7a828c", "o", "circle", "●"),
    "faulty": StateStyle("#d55e00", "X", "cross", "✕"),
    "proposed": StateStyle("#009e73", "P", "diamond-open", "✚"),
}
_OTHER_STATE = StateStyle("#aa4499", "s", "square-open", "■")


def state_style(state: str) -> StateStyle:
    """The look of a state; states that are not in `STATES` share one."""
    return STATES.get(state, _OTHER_STATE)


def states_in_order(states: list[str]) -> list[str]:
    """Each state once: the known ones in their order, then the others by name."""
    known = [state for state in STATES if state in states]
    return known + sorted(set(states) - set(known))


def new_figure(width: float, height: float) -> Figure:
    """An empty white figure of so many inches, drawn by Agg."""
    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def axes_at(
    figure: Figure, left: float, bottom: float, width: float, height: float, **axes: Any
) -> Axes:
    """Axes at a place in inches from the figure's lower left corner."""
    across, up = figure.get_size_inches()
    place = (left / across, bottom / up, width / across, height / up)
    return figure.add_axes(place, **axes)


def points_per_pixel(axes: Axes) -> float:
    """Size of a pixel of the axes' figure in points."""
    figure = axes.get_figure(root=True)
    return 72.0 / (figure.dpi if figure is not None else 72.0)


def quiet(axes: Axes) -> None:
    """Only the left and lower edge, a faint grid behind the data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=LABEL_PT, color=FAINT, labelcolor=INK)


def say(axes: Axes, message: str) -> None:
    """Empty axes that say why there is nothing to see."""
    axes.set_axis_off()
    axes.text(
        0.5,
        0.5,
        message,
        transform=axes.transAxes,
        ha="center",
        va="center",
        color=FAINT,
        fontsize=TEXT_PT,
        wrap=True,
    )


def png_bytes(figure: Figure, dpi: int = 110) -> bytes:
    """The figure as a PNG file's content."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()


def check_lengths(frames: int, **columns: Sized) -> None:
    """Raise `CaptureError` unless every column has one entry a frame."""
    for name, column in columns.items():
        if len(column) != frames:
            raise CaptureError(
                f"figure: {name} has {len(column)} entries for {frames} frames; "
                "hand over one a frame, in capture order"
            )
