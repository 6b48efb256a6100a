import logging
import sys

import numpy as np
import pytest
from figure_cases import file_names, flags, overlapping, stays_on_the_page
from matplotlib.markers import MarkerStyle
from matplotlib.text import Annotation

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.figures.maps import (
    token_and_pose_maps,
    token_vectors,
    tsne_points,
    umap_points,
)
from mtcm_pipeline.figures.style import STATES
from mtcm_pipeline.tokens.layout import FIELD_SLICES, TOKEN_WIDTH


def two_groups(n: int, width: int = 12) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, width)) + 40 * (np.arange(n) < n // 2)[:, None]


@pytest.mark.parametrize("n", [4, 5, 8, 60])
def test_tsne_is_finite_and_repeats_itself(n):
    points = tsne_points(two_groups(n), seed=3)
    assert points.shape == (n, 2) and np.isfinite(points).all()
    assert np.array_equal(points, tsne_points(two_groups(n), seed=3))


def test_tsne_keeps_groups_apart():
    points = tsne_points(two_groups(60), seed=0)
    first, second = points[:30], points[30:]
    apart = np.linalg.norm(first.mean(axis=0) - second.mean(axis=0))
    assert apart > 2 * max(first.std(), second.std())


@pytest.mark.slow  # umap-learn compiles itself first
@pytest.mark.parametrize("n", [4, 6, 40])
def test_umap_is_finite_and_repeats_itself(n):
    pytest.importorskip("umap", reason="umap-learn is not installed")
    points = umap_points(two_groups(n), seed=3)
    assert points.shape == (n, 2) and np.isfinite(points).all()
    assert np.array_equal(points, umap_points(two_groups(n), seed=3))


def test_without_umap_there_is_no_map_and_the_log_says_so(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "umap", None)
    with caplog.at_level(logging.WARNING):
        assert umap_points(two_groups(10), seed=0) is None
    assert "umap-learn cannot be imported" in caplog.text
    names = file_names(10)
    figure = token_and_pose_maps(
        "UMAP", None, None, np.zeros(10), flags(10), chosen=flags(10), names=names
    )
    figure.canvas.draw()
    assert "no map could be made" in figure.axes[0].texts[0].get_text()


def test_frames_without_numbers_get_no_point():
    vectors = two_groups(20)
    vectors[7] = np.nan
    vectors[9, 3] = np.nan  # one number absent: the frame stays
    points = tsne_points(vectors, seed=0)
    assert np.flatnonzero(np.isnan(points).any(axis=1)).tolist() == [7]


@pytest.mark.parametrize(
    "vectors", [np.empty((0, 5)), two_groups(3), np.full((9, 5), np.nan)]
)
def test_too_few_frames_get_no_map_and_the_log_says_so(vectors, caplog):
    assert np.isnan(tsne_points(vectors, seed=0)).all()
    assert "at least 4 are needed" in caplog.text


def test_equal_frames_share_a_point():
    assert len(np.unique(tsne_points(np.ones((6, 5)), seed=0), axis=0)) == 1


def test_every_field_weighs_the_same_in_token_distances():
    vectors = token_vectors(np.ones((1, TOKEN_WIDTH)))
    squares = [(vectors[:, where] ** 2).sum() for where in FIELD_SLICES.values()]
    assert squares == pytest.approx([1.0] * 5)


def case(n: int = 40):
    rng = np.random.default_rng(1)
    points, times = rng.normal(size=(n, 2)), np.linspace(0, 1, n)
    return points, times, flags(n, 2, 3), flags(n, 0, 3, 9)


def maps_of(points, times, faulty, chosen):
    """The same points on both maps."""
    names = file_names(len(points))
    return token_and_pose_maps(
        "t-SNE", points, points, times, faulty, chosen=chosen, names=names
    )


def test_points_colours_and_shapes_are_those_of_the_frames():
    points, times, faulty, chosen = case()
    points[11] = np.nan
    axes = maps_of(points, times, faulty, chosen).axes[0]
    drawn = {c.get_label(): c for c in axes.collections}
    frames = {
        "faulty": [2, 3],
        "chosen": [0, 9],
        "usable": [i for i in range(40) if i not in (0, 2, 3, 9, 11)],
    }
    for state, rows in frames.items():
        assert np.array_equal(drawn[state].get_offsets(), points[rows])
        assert np.array_equal(drawn[state].get_array(), times[rows])
        marker = MarkerStyle(STATES[state].marker)
        shape = marker.get_path().transformed(marker.get_transform())
        assert np.allclose(drawn[state].get_paths()[0].vertices, shape.vertices)
    assert "not drawn: 1" in axes.get_xlabel()


@pytest.mark.parametrize("n", [40, 400])
def test_names_touch_neither_each_other_nor_the_edge(n):
    points, times, faulty, chosen = case(n)
    chosen[10:60] = True
    figure = maps_of(points, times, faulty, chosen)
    notes = figure.axes[0].findobj(Annotation)
    named = {file_names(n).index(note.get_text()) for note in notes}
    assert {2, 3} <= named <= {0, 2, 3, 9, *range(10, 60)}
    assert not overlapping(figure, notes)
    assert stays_on_the_page(figure)


def test_tokens_and_poses_side_by_side():
    points, times, faulty, chosen = case()
    figure = token_and_pose_maps(
        "t-SNE", points, -points, times, faulty, chosen=chosen, names=file_names(40)
    )
    left, right = figure.axes[:2]
    for a, b in zip(left.collections, right.collections, strict=True):
        assert np.array_equal(a.get_offsets(), -b.get_offsets())
    assert stays_on_the_page(figure)


@pytest.mark.parametrize("n", [0, 1, 4])
def test_few_frames_are_no_error(n):
    empty = np.full((n, 2), np.nan)
    figure = token_and_pose_maps(
        "t-SNE", empty, None, np.zeros(n), flags(n), chosen=flags(n), names=file_names(n)
    )
    figure.canvas.draw()


def test_wrong_lengths_are_named():
    points, times, faulty, chosen = case()
    with pytest.raises(CaptureError, match="times has 39 entries for 40 frames"):
        maps_of(points, times[1:], faulty, chosen)
