"""The surrogate against its formula written out, and against what must not matter."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.scene.points import ScenePoints
from mtcm_pipeline.scene.views import PinholeView, PinholeViews
from mtcm_pipeline.scene.visibility import visible
from mtcm_pipeline.surrogate.geometry import ViewGeometry, view_geometry
from mtcm_pipeline.surrogate.quality import expected_quality

STAY = Similarity(1.0, np.eye(3), np.zeros(3))


def random_geometry(n: int = 9, p: int = 30, seed: int = 0) -> ViewGeometry:
    rng = np.random.default_rng(seed)
    return ViewGeometry(
        tuple(f"{i}.jpg" for i in range(n)),
        rng.normal(size=(n, 3)),
        rng.uniform(50, 100, size=n),
        0.3 * rng.normal(size=(p, 3)),
        rng.random((n, p)) < 0.6,
    )


def by_hand(geometry: ViewGeometry, selected, targets) -> list[float]:
    """The formula of the module, one angle at a time."""
    row = {name: i for i, name in enumerate(geometry.names)}
    values = []
    for target in targets:
        total, count = 0.0, 0
        for p, point in enumerate(geometry.points_xyz):
            if not geometry.seen[row[target], p]:
                continue
            a = geometry.centres_xyz[row[target]] - point
            best = 0.0
            for view in selected:
                if geometry.seen[row[view], p]:
                    b = geometry.centres_xyz[row[view]] - point
                    cosine = a @ b / math.sqrt((a @ a) * (b @ b))
                    angle = math.degrees(math.acos(max(-1.0, min(1.0, cosine))))
                    best = max(best, math.exp(-angle / 20.0))
            total, count = total + best, count + 1
        values.append(total / count)
    return values


@pytest.mark.parametrize("seed", range(4))
def test_the_value_is_that_of_the_formula(seed):
    geometry = random_geometry(seed=seed)
    selected, targets = geometry.names[:3], geometry.names[4:8]
    quality = expected_quality(geometry, selected, targets)
    expected = by_hand(geometry, selected, targets)
    np.testing.assert_allclose(quality.by_target, expected, atol=1e-5)
    assert quality.mean == pytest.approx(np.mean(expected), abs=1e-5)
    assert quality.worst == pytest.approx(np.min(expected), abs=1e-5)


def test_more_views_never_lower_it_and_each_new_one_helps_less():
    geometry = random_geometry(12, 60)
    targets = geometry.names[8:]

    def value(names):
        return expected_quality(geometry, names, targets).mean

    for seed in range(20):
        order = np.random.default_rng(seed).permutation(8)
        names = [geometry.names[i] for i in order]
        small, large, new = names[:2], names[:5], names[7]
        assert value(large) >= value(small) - 1e-9
        gain_small = value([*small, new]) - value(small)
        gain_large = value([*large, new]) - value(large)
        assert gain_small >= gain_large - 1e-6


def test_a_similarity_transform_of_the_capture_changes_nothing():
    geometry = random_geometry()
    rotation = Rotation.random(random_state=5).as_matrix()
    move = Similarity(3.7, rotation, np.array([1.0, -2.0, 0.5]))
    moved = dataclasses.replace(
        geometry,
        centres_xyz=move.points(geometry.centres_xyz),
        points_xyz=move.points(geometry.points_xyz),
    )
    names = geometry.names
    np.testing.assert_allclose(
        expected_quality(moved, names[:3], names[3:]).by_target,
        expected_quality(geometry, names[:3], names[3:]).by_target,
        atol=1e-5,
    )


def test_selected_targets_are_perfect_and_nothing_selected_is_worth_nothing():
    geometry = random_geometry()
    quality = expected_quality(geometry, geometry.names[:2], geometry.names[:2])
    np.testing.assert_allclose(quality.by_target, 1.0, atol=1e-3)
    assert expected_quality(geometry, [], geometry.names[:2]).mean == 0.0


def test_a_view_at_the_decay_angle_is_worth_one_in_e():
    point = np.zeros((1, 3))
    turn = np.radians(20.0)
    centres = np.array([[1.0, 0.0, 0.0], [3 * np.cos(turn), 3 * np.sin(turn), 0.0]])
    geometry = ViewGeometry(
        ("a", "b"), centres, np.ones(2), point, np.ones((2, 1), dtype=bool)
    )
    quality = expected_quality(geometry, ["b"], ["a"])
    assert quality.mean == pytest.approx(math.exp(-1), abs=1e-4)
    other = expected_quality(geometry, ["b"], ["a"], decay_angle_deg=40.0)
    assert other.mean == pytest.approx(math.exp(-0.5), abs=1e-4)


def test_a_target_that_sees_nothing_counts_for_nothing():
    geometry = random_geometry()
    seen = geometry.seen.copy()
    seen[4] = False
    blind = dataclasses.replace(geometry, seen=seen)
    quality = expected_quality(blind, blind.names[:2], blind.names[3:6])
    assert np.isnan(quality.by_target[1])
    assert np.isfinite([quality.mean, quality.worst]).all()
    with pytest.raises(CaptureError, match="none of the 1 target views"):
        expected_quality(blind, blind.names[:2], [blind.names[4]])


def test_an_unknown_frame_is_named():
    with pytest.raises(CaptureError, match=r"'x.jpg'"):
        expected_quality(random_geometry(), ["x.jpg"], ["0.jpg"])


def test_aligning_keeps_what_each_frame_sees_and_blinds_the_others():
    geometry = random_geometry()
    aligned = geometry.aligned(["7.jpg", "new.jpg", "2.jpg"])
    np.testing.assert_array_equal(aligned.seen[[0, 2]], geometry.seen[[7, 2]])
    assert not aligned.seen[1].any()
    assert np.isnan(aligned.centres_xyz[1]).all()


def test_the_geometry_of_views_is_that_of_the_z_buffer():
    rng = np.random.default_rng(0)
    wall = np.column_stack([rng.uniform(-1, 1, (4000, 2)), np.full(4000, 2.0)])
    hidden = np.column_stack([rng.uniform(-0.3, 0.3, (400, 2)), np.full(400, 3.0)])
    xyz = np.concatenate([wall, hidden])
    points = ScenePoints(xyz, np.zeros((4400, 3), np.float32), np.full(4400, 0.02))
    views = []
    for i in range(4):
        pose = np.eye(4)
        pose[0, 3] = 0.2 * i
        rgb = np.zeros((40, 40, 3), np.float32)
        views.append(PinholeView(f"{i}", rgb, None, pose, (40.0, 40.0), (20.0, 20.0)))
    scene = PinholeViews(tuple(views), STAY)
    geometry = view_geometry(
        scene, points, samples=200, focal_px=dict.fromkeys("0123", 7)
    )
    assert geometry.seen.shape == (4, 200)
    assert (geometry.points_xyz[:, 2] == 2.0).all()  # what nobody sees is not sampled
    expected = visible(views, geometry.points_xyz, xyz, margin=0.03)
    np.testing.assert_array_equal(geometry.seen, expected)
    np.testing.assert_allclose(geometry.centres_xyz[:, 0], [0, -0.2, -0.4, -0.6])
    assert (geometry.focal_px == 7).all()


@pytest.mark.parametrize(("spacing", "seen_behind"), [(0.0, False), (0.01, True)])
def test_points_of_a_sweep_may_lie_a_tenth_behind_the_front_and_of_a_hull_not(
    spacing, seen_behind
):
    """Only the points of a sweep are of several spacings, and only they scatter."""
    rng = np.random.default_rng(0)
    front = np.column_stack([rng.uniform(-1, 1, (4000, 2)), np.full(4000, 2.0)])
    behind = np.column_stack([rng.uniform(-0.3, 0.3, (400, 2)), np.full(400, 2.2)])
    gaps = 0.02 + spacing * rng.random(4400)
    colours = np.zeros((4400, 3), np.float32)
    points = ScenePoints(np.concatenate([front, behind]), colours, gaps)
    rgb = np.zeros((40, 40, 3), np.float32)
    view = PinholeView("0", rgb, None, np.eye(4), (40.0, 40.0), (20.0, 20.0))
    geometry = view_geometry(PinholeViews((view,), STAY), points, samples=4400)
    assert (geometry.points_xyz[:, 2] == 2.2).any() == seen_behind


def test_parts_of_different_lengths_are_refused():
    geometry = random_geometry()
    with pytest.raises(CaptureError, match=r"seen is \(9, 29\), not \(9, 30\)"):
        dataclasses.replace(geometry, seen=geometry.seen[:, 1:])
