"""Cameras in space, coverage and the contact sheet."""

import itertools

import numpy as np
import pandas as pd
import pytest
from figure_cases import file_names, flags, overlapping, stays_on_the_page

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.figures.cameras3d import camera_plot, pyramid_corners
from mtcm_pipeline.figures.contact_sheet import contact_sheet
from mtcm_pipeline.figures.coverage import coverage_panels, coverage_plot, side_words
from mtcm_pipeline.figures.selection_sheet import selection_sheet
from mtcm_pipeline.selection.problem import Selection
from mtcm_pipeline.tokens.build import build_tokens
from mtcm_pipeline.tokens.gauge import canonical_gauge
from mtcm_pipeline.viewpoints.angles import viewpoints_of
from mtcm_pipeline.viewpoints.options import LabelOptions
from synthetic import frame_table, orbit_cameras, smooth_embeddings


def orbit(n: int = 24):
    cameras = orbit_cameras(n)
    gauge = canonical_gauge(cameras)
    return (
        gauge.points(cameras.centres_xyz),
        gauge.directions(cameras.viewing_directions),
    )


def states(n: int) -> list[str]:
    return [("chosen", "usable", "faulty")[i % 3] for i in range(n)]


def markers(figure, state: str):
    return next(t for t in figure.data if t.legendgroup == state and t.mode == "markers")


def test_symbols_stand_where_the_cameras_are():
    centres, directions = orbit()
    figure = camera_plot(file_names(24), centres, directions, states(24), [""] * 24)
    for k, state in enumerate(("chosen", "usable", "faulty")):
        trace = markers(figure, state)
        drawn = np.stack([trace.x, trace.y, trace.z], axis=1)
        assert np.allclose(drawn, centres[k::3])
    symbols = {markers(figure, s).marker.symbol for s in set(states(24))}
    colours = {markers(figure, s).marker.color for s in set(states(24))}
    assert len(symbols) == len(colours) == 3
    assert sum(t.mode == "lines" for t in figure.data) == 3  # one line a state


def test_pyramids_open_in_the_viewing_direction_and_every_edge_is_drawn():
    centres, directions = orbit(5)
    corners = pyramid_corners(centres, directions, 0.1)
    assert np.allclose(corners[:, 0], centres)
    assert np.allclose(corners[:, 1:].mean(axis=1), centres + 0.1 * directions)
    figure = camera_plot(["one"], centres[:1], directions[:1], ["usable"], [""])
    line = next(t for t in figure.data if t.mode == "lines")
    path = np.stack([line.x, line.y, line.z], axis=1)
    drawn = set()
    for a, b in itertools.pairwise(path):
        if np.isfinite([a, b]).all():
            ends = [int(np.linalg.norm(corners[0] - p, axis=1).argmin()) for p in (a, b)]
            drawn.add(frozenset(ends))
    far = {frozenset(edge) for edge in ((1, 2), (2, 3), (3, 4), (4, 1))}
    assert drawn == far | {frozenset((0, k)) for k in range(1, 5)}


def test_axes_have_equal_units_and_hold_every_camera():
    centres, directions = orbit()
    scene = camera_plot(
        file_names(24), centres, directions, states(24), [""] * 24
    ).layout.scene
    assert scene.aspectmode == "data"
    ranges = np.array([scene.xaxis.range, scene.yaxis.range, scene.zaxis.range])
    assert (centres >= ranges[:, 0]).all() and (centres <= ranges[:, 1]).all()


def test_one_camera_far_away_does_not_shrink_the_others():
    centres, directions = orbit()
    centres[5] *= 50
    figure = camera_plot(file_names(24), centres, directions, states(24), [""] * 24)
    widest = np.ptp(figure.layout.scene.xaxis.range)
    assert widest < 6
    trace = markers(figure, states(24)[5])
    place = np.stack([trace.x, trace.y, trace.z], axis=1)[5 // 3]
    unit = centres[5] / np.linalg.norm(centres[5])
    assert np.allclose(place / np.linalg.norm(place), unit)
    distance = np.linalg.norm(centres[5])
    assert f"{distance:.1f} median camera distances away" in trace.hovertext[5 // 3]


def test_hover_tells_name_and_reason_as_text():
    centres, directions = orbit(4)
    names = ["<script>.jpg", "b", "c", "d"]
    reasons = ["a < b & c", "", "", ""]
    trace = markers(
        camera_plot(names, centres, directions, ["faulty"] * 4, reasons), "faulty"
    )
    assert (
        trace.hovertext[0] == "<b>&lt;script&gt;.jpg</b><br>dropped<br>a &lt; b &amp; c"
    )


@pytest.mark.parametrize(("given", "most"), [(300, 300), (40_000, 5000)])
def test_sparse_points_are_thinned_with_their_colours(given, most):
    centres, directions = orbit()
    rng = np.random.default_rng(0)
    points = 0.2 * rng.normal(size=(given, 3))
    rgb = rng.integers(0, 256, (given, 3), dtype=np.uint8)
    figure = camera_plot(
        file_names(24),
        centres,
        directions,
        states(24),
        [""] * 24,
        points_xyz=points,
        points_rgb=rgb,
    )
    trace = next(t for t in figure.data if "points of the scene" in t.name)
    drawn = np.stack([trace.x, trace.y, trace.z], axis=1)
    assert 0.5 * most <= len(drawn) <= most
    first = int(np.linalg.norm(points - drawn[7], axis=1).argmin())
    assert trace.marker.color[7] == "rgb({},{},{})".format(*rgb[first])


def test_each_mark_knows_the_name_of_its_frame():
    centres, directions = orbit(6)
    names = list(file_names(6))
    figure = camera_plot(names, centres, directions, states(6), [""] * 6)
    assert list(markers(figure, "usable").customdata) == names[1::3]


def test_stray_points_far_out_do_not_shrink_the_cameras():
    centres, directions = orbit()
    rng = np.random.default_rng(0)
    points = np.vstack([0.2 * rng.normal(size=(90, 3)), [[1.5, 0, 0]], [[0, 40, 0]]])
    figure = camera_plot(
        file_names(24), centres, directions, states(24), [""] * 24, points_xyz=points
    )
    trace = next(t for t in figure.data if "points of the scene" in t.name)
    assert trace.name == "points of the scene (90 of 92)"


def test_cameras_without_a_pose_are_counted_not_drawn():
    centres, directions = orbit(6)
    centres[1] = directions[1] = np.nan
    figure = camera_plot(file_names(6), centres, directions, ["usable"] * 6, [""] * 6)
    assert len(markers(figure, "usable").x) == 5
    assert any(t.name == "without a pose, not drawn (1)" for t in figure.data)
    nothing = np.full((6, 3), np.nan)
    camera_plot(file_names(6), nothing, nothing, ["usable"] * 6, [""] * 6).to_json()
    camera_plot([], np.empty((0, 3)), np.empty((0, 3)), [], []).to_json()


def test_cameras_of_wrong_lengths_are_named():
    centres, directions = orbit(4)
    with pytest.raises(CaptureError, match="state has 3 entries for 4 frames"):
        camera_plot(file_names(4), centres, directions, ["usable"] * 3, [""] * 4)


def viewpoints_on(n: int = 24, **options):
    cameras = orbit_cameras(n)
    tokens, _ = build_tokens(frame_table(cameras), smooth_embeddings(cameras), cameras)
    return viewpoints_of(tokens, LabelOptions(**options))


def test_views_stand_at_their_azimuth_and_elevation():
    views, chosen, kept = viewpoints_on(), flags(24, 1, 8), ~flags(24, 5)
    panels = coverage_panels(views, kept, chosen)
    drawn = {
        title: [c.get_offsets() for c in figure.axes[0].collections[1:]]
        for title, figure in panels.items()
    }
    for title, place, where in (
        ("captured", 0, kept),
        ("captured", 1, ~kept),
        ("kept", 0, kept),
        ("chosen", 0, chosen),
    ):
        marks = drawn[title][place]
        turned = np.degrees(marks[:, 0]) - views.azimuth_deg[where]
        assert np.allclose((turned + 180) % 360, 180, atol=1e-5)
        assert np.allclose(90 - marks[:, 1], views.elevation_deg[where], atol=1e-5)
        rim = panels[title].axes[0].get_rmax()
        assert rim >= (90 - views.elevation_deg[where]).max()
    titles = [figure.texts[0].get_text() for figure in panels.values()]
    assert titles == ["captured: 24 views", "kept: 23 views", "chosen: 2 views"]
    assert all(stays_on_the_page(figure) for figure in panels.values())
    assert stays_on_the_page(coverage_plot(views, kept, chosen))


def test_sides_are_named_only_where_a_front_is_known():
    neutral = side_words(viewpoints_on(), {})
    assert neutral == ["0°", "45°", "90°", "135°", "−180°", "−135°", "−90°", "−45°"]
    named = side_words(viewpoints_on(front_frame="f003.jpg"), {"back": "rear façade"})
    assert named[0] == "front" and named[2] == "left profile"
    assert named[4] == "rear façade" and named[6] == "right profile"


def test_words_around_the_circle_do_not_touch():
    names = {"left profile": "the long north-western side", "front": "the main entrance"}
    views = viewpoints_on(front_frame="f003.jpg")
    figure = coverage_plot(views, ~flags(24, 5), flags(24, 1), names=names)
    words = [t for axes in figure.axes[::2] for t in axes.get_xticklabels()]
    assert len(words) == 24 and not overlapping(figure, [*words, *figure.texts])
    assert stays_on_the_page(figure)


def test_coverage_without_poses_or_choice_is_no_error():
    views = viewpoints_on(6)
    for kept, chosen in (
        (~flags(6), flags(6)),
        (flags(6), flags(6, 1)),
        (flags(6), flags(6)),
    ):
        coverage_plot(views, kept, chosen).canvas.draw()
    cameras = orbit_cameras(4)
    nothing, _ = build_tokens(
        frame_table(cameras), smooth_embeddings(cameras), cameras.subset([])
    )
    figure = coverage_plot(viewpoints_of(nothing), ~flags(4), flags(4))
    said = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert said[0] == "no captured frame has a pose"


def pictures(names):
    return {n: np.full((30, 40, 3), i, np.uint8) for i, n in enumerate(names)}


def test_tiles_follow_the_given_order_with_their_pictures_and_words():
    names = [f"{i}.jpg" for i in (4, 2, 9, 0, 7)]
    marks = ["chosen", "chosen", "faulty", "no pose", "chosen"]
    captions = ["rank 1", "rank 2", "blurred", "no pose", "rank 3"]
    figure = contact_sheet(pictures(names), names, captions, marks, columns=3)
    assert len(figure.axes) == 5
    for i, axes in enumerate(figure.axes):
        assert (np.asarray(axes.get_images()[0].get_array()) == i).all()
        assert [t.get_text() for t in axes.texts] == [names[i], captions[i]]
    corners = [axes.get_position().bounds[:2] for axes in figure.axes]
    reading = sorted(range(5), key=lambda i: (-round(corners[i][1], 3), corners[i][0]))
    assert reading == list(range(5))
    edges = [axes.spines["left"].get_edgecolor() for axes in figure.axes]
    assert edges[0] == edges[1] == edges[4] and len({*edges}) == 3


def test_long_names_and_reasons_stay_within_their_tile():
    names = [f"Bronze Head statue 2023-05-{i:05d} (copy).jpeg" for i in range(14)]
    captions = ["pose disagrees with its neighbours in time and with all else " * 2] * 14
    figure = contact_sheet(pictures(names), names, captions, ["faulty"] * 14)
    texts = [text for axes in figure.axes for text in axes.texts]
    assert not overlapping(figure, texts)
    assert stays_on_the_page(figure)


@pytest.mark.parametrize("n", [0, 1, 4])
def test_sheets_of_few_frames_and_without_pictures_are_no_error(n):
    names = list(file_names(n))
    figure = contact_sheet({}, names, [""] * n, ["usable"] * n)
    figure.canvas.draw()
    said = [t.get_text() for axes in figure.axes for t in axes.texts]
    assert said.count("no image") == n


def test_tiles_that_are_left_out_are_counted():
    names = list(file_names(20))
    figure = contact_sheet(pictures(names), names, [""] * 20, ["usable"] * 20, most=12)
    assert len(figure.axes) == 12
    words = [t.get_text() for t in figure.legends[0].get_texts()]
    assert words == ["usable (12 of 20)", "… 8 more frames"]


@pytest.mark.parametrize(
    ("chosen", "refused", "tiles"),
    [(20, 30, (20, 30)), (300, 40, (80, 40)), (30, 500, (30, 90)), (300, 90, (60, 60))],
)
def test_a_large_choice_leaves_room_for_what_was_refused(chosen, refused, tiles):
    names = list(file_names(chosen + refused))
    scores = pd.DataFrame({"name": names, "usable": [True] * chosen + [False] * refused})
    scores["faulty"] = ~scores["usable"]
    # The later, the worse: of the refused the last ones have to be seen.
    scores["fault_score"] = np.linspace(0.0, 1.0, len(names))
    scores["reason"] = np.where(scores["usable"], "", names)
    ranking = tuple(names[:chosen])
    selection = Selection("fvs", ranking, (0.0,) * chosen, ("",) * chosen)
    figure = selection_sheet({}, selection, scores)
    captions = [axes.texts[-1].get_text() for axes in figure.axes]
    ranks = [f"#{rank + 1}" for rank in range(tiles[0])]
    assert captions[: tiles[0]] == ranks
    assert captions[tiles[0] :] == names[len(names) - tiles[1] :]
    legend = [t.get_text() for t in figure.legends[0].get_texts()]
    whole = (str(chosen), str(refused))
    words = [
        every if str(n) == every else f"{n} of {every}"
        for n, every in zip(tiles, whole, strict=True)
    ]
    assert legend[:2] == [f"chosen ({words[0]})", f"faulty ({words[1]})"]
