import numpy as np
import pandas as pd
import pytest
from figure_cases import (
    cut_off,
    file_names,
    flags,
    overlapping,
    snapshot,
    stays_on_the_page,
)
from matplotlib.text import Annotation, Text

from light_imports import assert_light
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.figures.training import pose_deltas, recon_deltas, training_curves

COLUMNS = ("loss", "reconstruction", "variance", "swap", "next_pose", "learning_rate")


def history(epochs: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = {name: 1e-2 + np.exp(-np.arange(epochs) / 20) for name in COLUMNS}
    rows["variance"] = rng.normal(size=epochs)
    return pd.DataFrame({"epoch": np.arange(1, epochs + 1), **rows})


@pytest.mark.parametrize("epochs", [1, 7, 200])
def test_each_loss_is_drawn_as_it_is(epochs):
    table = history(epochs)
    figure = training_curves(table)
    drawn = [axes.get_lines()[0] for axes in figure.axes]
    assert len(drawn) == len(COLUMNS)
    for name in COLUMNS:
        assert any(np.array_equal(line.get_ydata(), table[name]) for line in drawn), name
    assert all(np.array_equal(line.get_xdata(), table["epoch"]) for line in drawn)


def test_only_positive_losses_of_a_wide_range_are_logarithmic():
    scales = {
        a.get_title(loc="left"): a.get_yscale()
        for a in training_curves(history(200)).axes
    }
    assert scales["Hidden entries (squared error)"] == "log"
    assert (
        scales["Predicted variance (likelihood)"] == "linear"
    )  # it is negative at times


def test_curves_stay_on_the_page():
    assert stays_on_the_page(training_curves(history(200)))


@pytest.mark.parametrize(
    "table", [pd.DataFrame(), history(0), history(5).assign(loss=np.nan)]
)
def test_no_epochs_and_absent_losses_are_no_error(table):
    training_curves(table).canvas.draw()


def heights(axes) -> dict[float, float]:
    points = np.concatenate(
        [c.get_offsets() for c in axes.collections if len(c.get_offsets())]
    )
    return {float(x): float(y) for x, y in points}


def test_heights_are_the_errors():
    shot, names = snapshot(30), file_names(30)
    shot.centre_error[4] = shot.rotation_error_deg[4] = np.nan
    figure = pose_deltas(shot, names, flags(30, 3, 17))
    for axes, errors in zip(
        figure.axes, (shot.centre_error, shot.rotation_error_deg), strict=True
    ):
        drawn = heights(axes)
        for frame, error in enumerate(errors):
            if frame != 4:
                assert drawn[frame] == pytest.approx(error)
        stems = axes.collections[0].get_segments()
        assert sorted(float(s[1, 1]) for s in stems) == pytest.approx(
            sorted(errors[np.isfinite(errors)])
        )


def test_faulty_frames_are_named_at_their_place():
    names = file_names(30)
    figure = pose_deltas(snapshot(30), names, flags(30, 3, 17))
    notes = {n.get_text(): n for n in figure.axes[0].findobj(Annotation) if n.get_text()}
    assert set(notes) == {names[3], names[17]}
    figure.canvas.draw()
    for frame in (3, 17):
        box = Text.get_window_extent(notes[names[frame]])
        x, _ = figure.axes[0].transData.transform((frame, 0))
        assert (box.x0 + box.x1) / 2 == pytest.approx(x, abs=3.0)


@pytest.mark.parametrize("draw", [pose_deltas, recon_deltas])
@pytest.mark.parametrize(
    ("n", "faulty"),
    [(30, range(10, 20)), (400, range(100, 260)), (2000, range(0, 2000, 9)), (4, [])],
)
def test_names_never_overlap_nor_leave_the_page(draw, n, faulty):
    figure = draw(snapshot(n), file_names(n), flags(n, *faulty))
    ticks = [t for axes in figure.axes for t in axes.get_xticklabels()]
    notes = figure.findobj(Annotation)
    assert not overlapping(figure, ticks)
    assert not overlapping(figure, notes)
    assert not cut_off(figure, [*ticks, *notes])


def test_every_faulty_frame_is_marked_even_where_not_all_can_be_named():
    n, faulty = 400, range(100, 260)
    figure = recon_deltas(snapshot(n), file_names(n), flags(n, *faulty))
    marks = figure.axes[0].collections[0].get_offsets()
    assert np.array_equal(marks[:, 0], np.array(faulty))
    named = sum(bool(note.get_text()) for note in figure.findobj(Annotation))
    said = [t.get_text() for t in figure.texts if "not named" in t.get_text()]
    assert said == [f"{160 - named} more faulty frames are marked, not named"]


def test_fields_on_the_rows_frames_on_the_columns():
    shot = snapshot(30)
    shot.squared_error[4, 1] = np.nan
    axes = recon_deltas(shot, file_names(30), flags(30)).axes[0]
    drawn = axes.get_images()[0].get_array()
    assert np.array_equal(drawn.filled(np.nan), shot.squared_error.T, equal_nan=True)
    assert drawn.mask[1, 4]  # absent is not a colour of the scale
    rows = [label.get_text() for label in axes.get_yticklabels()]
    assert rows == ["embedding", "pose", "timestamp", "mask area", "focal length"]


@pytest.mark.parametrize("n", [0, 1, 4])
@pytest.mark.parametrize("draw", [pose_deltas, recon_deltas])
def test_few_frames_and_no_poses_are_no_error(draw, n):
    shot = snapshot(n)
    draw(shot, file_names(n), flags(n)).canvas.draw()
    shot.centre_error[:] = shot.rotation_error_deg[:] = np.nan
    shot.squared_error[:] = np.nan
    draw(shot, file_names(n), ~flags(n)).canvas.draw()


def test_dollars_in_names_are_not_mathematics():
    names = tuple(f"a$x_{i}$^.jpg" for i in range(4))
    figure = pose_deltas(snapshot(4), names, flags(4, 1))
    figure.canvas.draw()
    assert [t.get_text() for t in figure.axes[1].get_xticklabels()] == list(names)


def test_wrong_lengths_are_named():
    with pytest.raises(CaptureError, match="faulty has 3 entries for 4 frames"):
        pose_deltas(snapshot(4), file_names(4), flags(3))


def test_figures_need_no_torch_and_no_pyplot():
    figures = ("training", "maps", "attention")
    modules = [f"mtcm_pipeline.figures.{name}" for name in figures]
    heavy = {"torch", "kedro", "umap", "sklearn", "matplotlib.pyplot"}
    assert_light(", ".join([*modules, "mtcm_pipeline.report.page"]), heavy)
