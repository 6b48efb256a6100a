import numpy as np
import pytest
from figure_cases import cut_off, file_names, flags, overlapping, snapshot

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.figures.attention import attention_heatmap
from mtcm_pipeline.figures.similarity import similarity_image


def thumbnails(names):
    return {
        name: np.full((40, 60 if i % 2 else 30, 3), i % 256, np.uint8)
        for i, name in enumerate(names)
    }


def test_pixels_are_the_attention_in_percent():
    shot, names = snapshot(30), file_names(30)
    axes = attention_heatmap(shot, names, flags(30, 2), {}).axes[0]
    drawn = np.asarray(axes.get_images()[0].get_array())
    assert np.allclose(drawn, 100 * shot.attention)
    assert drawn.sum(axis=1) == pytest.approx(100.0, rel=1e-4)


def test_frames_of_different_windows_are_grey_and_that_is_said():
    names = file_names(30)
    met = np.zeros((30, 30), dtype=bool)
    met[:12, :12] = met[12:, 12:] = True
    whole, shot = snapshot(30), snapshot(30)
    shot.attention = np.where(met, whole.attention, 0.0)
    figure = attention_heatmap(shot, names, flags(30, 2), {})
    drawn = figure.axes[0].get_images()[0].get_array()
    assert (np.ma.getmaskarray(np.ma.masked_invalid(drawn)) == ~met).all()
    assert figure.texts[0].get_text().endswith("; grey: never seen together")
    untorn = attention_heatmap(whole, names, flags(30, 2), {})
    assert "grey" not in untorn.texts[0].get_text()


@pytest.mark.parametrize(("n", "shown"), [(4, 4), (60, 60), (500, 128)])
def test_names_never_overlap(n, shown):
    names = file_names(n)
    faulty = flags(n, *range(0, n, 3))
    figure = attention_heatmap(snapshot(n, shown=shown), names, faulty, thumbnails(names))
    axes = figure.axes[0]
    labels = axes.get_xticklabels(), axes.get_yticklabels()
    for side in labels:
        assert len(side) >= min(n, 15)
        assert not overlapping(figure, side)
        assert not cut_off(figure, side)


def test_faulty_frames_are_marked_by_a_symbol_and_named_first():
    shot, names = snapshot(200, shown=100), file_names(200)
    faulty = flags(200, *shot.attention_rows[[10, 11, 50]].tolist(), 1)
    axes = attention_heatmap(shot, names, faulty, {}).axes[0]
    columns, rows = (marks.get_offsets() for marks in axes.collections)
    assert columns[:, 0].tolist() == rows[:, 1].tolist() == [10, 11, 50]
    texts = [label.get_text() for label in axes.get_yticklabels()]
    assert [t for t in texts if t.startswith("✕")] == [
        f"✕ {names[shot.attention_rows[row]]}"
        for row in (10, 50)  # 11 would touch 10
    ]


def test_thumbnails_show_the_frames_that_their_lines_lead_to():
    names = file_names(40)
    figure = attention_heatmap(snapshot(40), names, flags(40), thumbnails(names))
    pictures = [a.get_images()[0].get_array() for a in figure.axes[1:] if a.get_images()]
    pictures = [p for p in pictures if p.ndim == 3]
    assert len(pictures) == 14  # seven over the columns, the same seven beside the rows
    frames = [int(p[0, 0, 0]) for p in pictures]
    assert frames[0] == 0 and frames[-1] == 39 and frames == sorted(frames)
    left, _, width, _ = figure.axes[0].get_position().bounds
    starts = [line.get_xdata()[0] for line in figure.artists][::2]
    wanted = [left + width * (frame + 0.5) / 40 for frame in frames[::2]]
    assert starts == pytest.approx(wanted)


def test_similarity_is_drawn_as_it_is_and_large_ones_evenly_thinned():
    rng = np.random.default_rng(0)
    small = rng.uniform(-1, 1, (20, 20))
    small[3, 4] = np.nan
    drawn = similarity_image(small, file_names(20), flags(20)).axes[0].get_images()[0]
    assert np.array_equal(drawn.get_array().filled(np.nan), small, equal_nan=True)
    assert (drawn.norm.vmin, drawn.norm.vmax) == (-1, 1)
    n = 1000
    large = np.add.outer(np.arange(n), np.arange(n)) / (2.0 * n)
    figure = similarity_image(large, file_names(n), flags(n, 999))
    drawn = np.asarray(figure.axes[0].get_images()[0].get_array())
    assert len(drawn) == 800
    assert drawn[0, 0] == large[0, 0] and drawn[-1, -1] == large[-1, -1]
    assert "800 of 1000 frames" in figure.texts[0].get_text()


@pytest.mark.parametrize("n", [0, 1, 4])
def test_few_frames_and_nothing_known_are_no_error(n):
    names = file_names(n)
    attention_heatmap(snapshot(n), names, flags(n), {}).canvas.draw()
    similarity_image(np.full((n, n), np.nan), names, ~flags(n)).canvas.draw()


def test_wrong_lengths_are_named():
    with pytest.raises(CaptureError, match="similarity has 3 entries for 4 frames"):
        similarity_image(np.eye(3), file_names(4), flags(4))
