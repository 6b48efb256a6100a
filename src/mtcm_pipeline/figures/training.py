"""The training's course: losses by epoch, and what a snapshot knows of each frame.

Dimension letters: N frames, F = 5 fields, T epochs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from mtcm_pipeline.figures.frame_axis import (
    mark_faulty_columns,
    name_faulty_above,
    name_ticks,
)
from mtcm_pipeline.figures.style import (
    ABSENT,
    FAINT,
    INK,
    LABEL_PT,
    STATES,
    TEXT_PT,
    TITLE_PT,
    axes_at,
    check_lengths,
    new_figure,
    points_per_pixel,
    quiet,
    say,
)
from mtcm_pipeline.tokens.layout import FIELDS

if TYPE_CHECKING:  # the module brings torch with it
    from mtcm_pipeline.mtcm.snapshots import TrainingSnapshot

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

_PANELS = {
    "loss": "All losses, weighted",
    "reconstruction": "Hidden entries (squared error)",
    "next_pose": "Next pose (L1)",
    "swap": "Swapped fields (cross entropy)",
    "variance": "Predicted variance (likelihood)",
    "learning_rate": "Learning rate",
}
_ROLLING_EPOCHS = 15
_LOG_RANGE = 10.0
_FIELD_WORDS = {"mask_area": "mask area", "focal": "focal length"}
# Six decades are told apart by eye; what lies under them is as good as exact.
_SHOWN_DECADES = 1e6


def training_curves(history: pd.DataFrame) -> Figure:
    """Every loss by epoch, a panel each.

    A loss is drawn on a logarithmic axis where it is positive throughout and spans more
    than a factor of ten. Masks are drawn anew in each step, so single epochs are noisy:
    a rolling median over 15 epochs is drawn over them.

    Args:
        history: (T) rows with `epoch` and one numeric column a loss.
    """
    known = [name for name in _PANELS if name in history]
    more = [str(c) for c in history.columns if c not in _PANELS and c != "epoch"]
    names = [n for n in known + more if pd.api.types.is_numeric_dtype(history[n])]
    down = max(1, -(-len(names) // 3))
    figure = new_figure(11.0, 0.6 + 2.7 * down)
    figure.suptitle("Training, by epoch", fontsize=TITLE_PT, color=INK, y=0.99)
    if not len(history) or not names:
        say(axes_at(figure, 0.5, 0.4, 10.0, 2.0), "no epoch was trained")
        return figure
    top = 0.6 + 2.7 * down
    for place, name in enumerate(names):
        row, column = divmod(place, 3)
        left, bottom = 0.65 + 3.6 * column, top - 2.55 - 2.7 * row
        axes = axes_at(figure, left, bottom, 2.95, 1.85)
        smooth = name != "learning_rate" and len(history) > 2 * _ROLLING_EPOCHS
        values = history[name].to_numpy(float)
        _draw_curve(axes, history["epoch"].to_numpy(), values, smooth)
        axes.set_title(_PANELS.get(name, name), fontsize=TEXT_PT, color=INK, loc="left")
    return figure


def _draw_curve(axes: Axes, epochs: NDArray, values: Float, smooth: bool) -> None:
    finite = values[np.isfinite(values)]
    if not finite.size:
        say(axes, "no values")
        return
    quiet(axes)
    axes.plot(
        epochs,
        values,
        color=FAINT if smooth else STATES["chosen"].colour,
        linewidth=0.7 if smooth else 1.6,
        marker="o" if len(values) <= _ROLLING_EPOCHS else None,
        markersize=3,
        label="each epoch",
    )
    if smooth:
        middle = pd.Series(values).rolling(_ROLLING_EPOCHS, center=True, min_periods=1)
        axes.plot(
            epochs,
            middle.median(),
            color=STATES["chosen"].colour,
            linewidth=1.8,
            label=f"median of {_ROLLING_EPOCHS}",
        )
        axes.legend(fontsize=LABEL_PT, frameon=False, loc="best")
    axes.set_xlabel("epoch", fontsize=LABEL_PT, labelpad=1)
    if finite.min() > 0 and finite.max() > _LOG_RANGE * finite.min():
        _log_axis(axes, float(finite.max() / finite.min()))


def _log_axis(axes: Axes, span: float) -> None:
    """Logarithmic, with 1, 2 and 5 labelled where few decades are seen."""
    axes.set_yscale("log")
    few = span < 10.0 * _LOG_RANGE
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if few else (1.0,)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def pose_deltas(snapshot: TrainingSnapshot, names: Sequence[str], faulty: Bool) -> Figure:
    """How far the predicted pose lies from the given one, frame by frame.

    Args:
        snapshot: of a training; N frames.
        names: (N) file names.
        faulty: (N) bool; these frames are marked and named.

    Raises:
        CaptureError: the lengths disagree.
    """
    check_lengths(len(names), faulty=faulty, centre_error=snapshot.centre_error)
    figure = new_figure(12.0, 7.0)
    figure.text(
        0.95 / 12.0,
        6.72 / 7.0,
        f"Predicted against given pose at epoch {snapshot.epoch}, each frame's pose "
        "hidden while it is predicted",
        fontsize=TITLE_PT,
        color=INK,
    )
    upper = axes_at(figure, 0.95, 3.55, 10.85, 1.85)
    lower = axes_at(figure, 0.95, 1.25, 10.85, 1.85)
    _draw_errors(upper, snapshot.centre_error, faulty, "centre error\n(camera distances)")
    _draw_errors(lower, snapshot.rotation_error_deg, faulty, "rotation error (°)")
    upper.tick_params(labelbottom=False)
    _name_frames(upper, lower, names, faulty, snapshot.centre_error)
    handles, words = upper.get_legend_handles_labels()
    figure.legend(
        handles,
        words,
        loc="upper right",
        bbox_to_anchor=(0.99, 0.995),
        ncols=len(handles) or 1,
        fontsize=TEXT_PT,
        frameon=False,
    )
    return figure


def _draw_errors(axes: Axes, errors: Float, faulty: Bool, label: str) -> None:
    """A stem a frame; a tick at the bottom for frames without a pose."""
    frames = np.arange(len(errors))
    known = np.isfinite(errors)
    quiet(axes)
    axes.grid(axis="x", visible=False)
    axes.vlines(frames[known], 0.0, errors[known], color=FAINT, linewidth=0.8)
    for state, where in (("usable", known & ~faulty), ("faulty", known & faulty)):
        style = STATES[state]
        if where.any():
            axes.scatter(
                frames[where],
                errors[where],
                marker=style.marker,
                color=style.colour,
                s=16 if state == "usable" else 46,
                linewidths=0,
                zorder=3,
                label="not faulty" if state == "usable" else state,
            )
    if not known.all():
        axes.scatter(
            frames[~known],
            np.zeros((~known).sum()),
            marker="|",
            color=STATES["proposed"].colour,
            s=60,
            clip_on=False,
            zorder=4,
            label="no pose",
        )
    axes.set_xlim(-0.5, max(len(errors), 1) - 0.5)
    axes.set_ylim(0.0, 1.06 * float(errors[known].max(initial=0.0)) or 1.0)
    axes.set_ylabel(label, fontsize=TEXT_PT)


def recon_deltas(
    snapshot: TrainingSnapshot, names: Sequence[str], faulty: Bool
) -> Figure:
    """The error of every field of every frame while it was hidden: fields on the rows.

    Args:
        snapshot: of a training; N frames.
        names: (N) file names.
        faulty: (N) bool; these frames are marked and named.

    Raises:
        CaptureError: the lengths disagree.
    """
    check_lengths(len(names), faulty=faulty, squared_error=snapshot.squared_error)
    figure = new_figure(12.0, 5.4)
    figure.text(
        1.1 / 12.0,
        5.12 / 5.4,
        f"Error of hidden fields at epoch {snapshot.epoch}",
        fontsize=TITLE_PT,
        color=INK,
    )
    axes = axes_at(figure, 1.1, 1.35, 9.6, 2.3)
    errors = snapshot.squared_error.T  # (F, N)
    if not np.isfinite(errors).any():
        say(axes, "no field of any frame could be predicted")
        return figure
    image = axes.imshow(
        errors,
        aspect="auto",
        interpolation="nearest",
        cmap="viridis",
        norm=_error_norm(errors),
    )
    axes.set_facecolor(ABSENT)
    axes.set_yticks(range(len(FIELDS)), [_FIELD_WORDS.get(f, f) for f in FIELDS])
    axes.tick_params(axis="y", labelsize=TEXT_PT, length=0)
    colourbar = figure.colorbar(
        image, cax=axes_at(figure, 10.9, 1.35, 0.16, 2.3), extend="min"
    )
    colourbar.set_label(
        "squared error\n(1 is the field's usual spread)", fontsize=TEXT_PT
    )
    colourbar.ax.tick_params(labelsize=LABEL_PT)
    worst = np.nanmax(np.where(np.isfinite(errors), errors, -np.inf), axis=0)
    mark_faulty_columns(axes, faulty)
    _name_frames(axes, axes, names, faulty, worst)
    if np.isnan(errors).any():
        figure.text(
            10.9 / 12.0, 0.95 / 5.4, "light grey: absent", fontsize=LABEL_PT, color=INK
        )
    return figure


def _error_norm(errors: Float) -> LogNorm:
    positive = errors[np.isfinite(errors) & (errors > 0)]
    high = float(positive.max()) if positive.size else 1.0
    low = max(float(positive.min()), high / _SHOWN_DECADES) if positive.size else 0.1
    return LogNorm(low if low < high else high / 10.0, high, clip=True)


def _name_frames(
    upper: Axes, lower: Axes, names: Sequence[str], faulty: Bool, severity: Float
) -> None:
    """Regular names under the lower axes, the faulty frames' names over the upper."""
    box = upper.get_window_extent()
    scale = points_per_pixel(upper)
    name_ticks(
        lower,
        "x",
        names,
        np.zeros(len(names), dtype=bool),
        axis_pt=box.width * scale,
        room_pt=80.0,
    )
    named = name_faulty_above(
        upper,
        names,
        faulty,
        severity,
        axis_pt=box.width * scale,
        axes_pt=box.height * scale,
        room_pt=88.0,
    )
    left_out = int(faulty.sum()) - named
    if left_out:
        upper.figure.text(
            0.985,
            0.015,
            f"{left_out} more faulty frames are marked, not named",
            ha="right",
            fontsize=LABEL_PT,
            color=INK,
        )
