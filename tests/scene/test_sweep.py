"""The sweep on scenes whose surfaces are known exactly."""

from __future__ import annotations

import numpy as np
import pytest
from rendered_scenes import FOCAL, RADIUS, look_at, orbit_views, pixel_rays, texture

from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.scene.features import pack_views, pixel_features
from mtcm_pipeline.scene.points import ScenePoints
from mtcm_pipeline.scene.surface_points import scene_points
from mtcm_pipeline.scene.sweep import depth_range, neighbour_views, sweep_points
from mtcm_pipeline.scene.sweep_kernels import cost_at, difference_in, ray_of
from mtcm_pipeline.scene.views import PinholeView, PinholeViews

STAY = Similarity(1.0, np.eye(3), np.zeros(3))


def off_sphere(points: ScenePoints) -> np.ndarray:
    """(P) distance of each point from the sphere's surface."""
    return np.abs(np.linalg.norm(points.xyz, axis=1) - RADIUS)


def plane_views(n: int) -> PinholeViews:
    """The textured plane z = 0 from above, from `n` places side by side."""
    views = []
    for i in range(n):
        centre = np.array([0.3 * (i - (n - 1) / 2), 0.2 * (-1) ** i, 1.0])
        pose = look_at(centre, np.array([0.0, 0.01, 0.0]))
        rays = pixel_rays(60) @ pose[:3, :3]
        hits = centre - rays * (centre[2] / rays[..., 2:])
        rgb = texture(hits, 9.0).astype(np.float32)
        views.append(
            PinholeView(f"{i}.png", rgb, None, pose, (FOCAL, FOCAL), (30.0, 30.0))
        )
    return PinholeViews(tuple(views), STAY)


def test_points_lie_on_the_sphere_and_have_its_colour():
    points = sweep_points(orbit_views(12, masks=True), 500, 0)
    assert np.median(off_sphere(points)) < 0.5 * np.median(points.spacing)
    assert np.mean(off_sphere(points) < 3 * points.spacing) > 0.9
    on = off_sphere(points) < 0.5 * points.spacing
    assert np.abs(points.rgb[on] - texture(points.xyz[on], 9.0)).mean() < 0.03


@pytest.mark.parametrize("n", [2, 3, 6])
def test_few_views_of_a_plane_are_enough(n):
    points = sweep_points(plane_views(n), 300, 1)
    assert np.median(np.abs(points.xyz[:, 2])) < 0.5 * np.median(points.spacing)


def test_an_unbounded_background_is_found_beside_the_subject():
    points = sweep_points(orbit_views(24, wall=True), 2000, 0)
    radius = np.linalg.norm(points.xyz, axis=1)
    near = np.abs(radius - RADIUS) < 0.03
    far = np.abs(1 / radius - 1 / 5.0) < 0.05  # a pixel of parallax is 1.8 here
    assert near.mean() > 0.25
    assert far.mean() > 0.2
    assert (near | far).mean() > 0.8


def test_the_range_holds_the_surface_and_not_much_more():
    packed = pack_views(orbit_views(16, masks=True))
    near, far = depth_range(packed, neighbour_views(packed), np.random.default_rng(0))
    # Seen from distance 1: the nearest point of the sphere is at 0.6, its rim at 0.84.
    assert 0.4 < near <= 0.62
    assert 0.8 <= far < 1.2


def test_masks_keep_rays_and_points_on_the_subject():
    views = orbit_views(16, masks=True, wall=True)
    points = sweep_points(views, 500, 0)
    assert np.quantile(np.linalg.norm(points.xyz, axis=1), 0.98) < RADIUS + 0.05


def test_the_same_seed_gives_the_same_points_and_another_seed_others():
    views = orbit_views(6)
    first, again, other = (sweep_points(views, 200, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.xyz, again.xyz)
    assert not np.array_equal(first.xyz, other.xyz)


def test_views_of_different_sizes_work_together():
    views = orbit_views(8, masks=True).views
    views += orbit_views(8, masks=True, px=50).views[1::2]
    renamed = tuple(
        PinholeView(
            f"{i}.png", v.rgb, v.mask, v.cam_from_world, v.focal_px, v.principal_px
        )
        for i, v in enumerate(views)
    )
    points = sweep_points(PinholeViews(renamed, STAY), 300, 0)
    assert np.median(off_sphere(points)) < 0.01


def test_a_small_foreground_gives_fewer_points_not_the_same_twice():
    views = orbit_views(3, masks=True, px=16)
    points = sweep_points(views, 5000, 0)
    foreground = sum(int((v.mask >= 0.5).sum()) for v in views.views)
    assert len(points) == foreground
    assert len(np.unique(points.xyz.round(12), axis=0)) == foreground


def test_a_difference_is_that_of_the_bilinear_features():
    packed = pack_views(orbit_views(4))
    ray = ray_of(packed.arrays, 0, 30, 40)
    truth = np.linalg.inv(orbit_views(4).views[0].cam_from_world)
    in_cam = np.array([(30.5 - 36) / FOCAL, (40.5 - 36) / FOCAL, 1.0])
    np.testing.assert_allclose(ray[3:6], truth[:3, :3] @ in_cam, atol=1e-12)
    # At any depth, the ray seen from its own camera is its own pixel.
    assert difference_in(packed.arrays, 0, ray, 0.7) == pytest.approx(0.0, abs=1e-6)
    assert difference_in(packed.arrays, 2, ray, 3.0) == -1.0  # behind the other camera


def test_a_hidden_neighbour_does_not_count_against_a_depth():
    packed = pack_views(orbit_views(8))
    ray = ray_of(packed.arrays, 0, 36, 36)
    neighbours = np.array([1, 2, 3, 4, 5, 6, 7])  # 4 sees the other side
    smallest = np.empty(2)
    on_surface = cost_at(packed.arrays, neighbours, ray, 1 - RADIUS, smallest)
    in_front = cost_at(packed.arrays, neighbours, ray, 0.45, smallest)
    assert on_surface < 0.05 < in_front


def test_neighbours_without_a_baseline_come_last():
    views = orbit_views(8).views
    twin = PinholeView(
        "twin.png",
        views[0].rgb,
        None,
        views[0].cam_from_world,
        views[0].focal_px,
        views[0].principal_px,
    )
    table = neighbour_views(pack_views(PinholeViews((*views, twin), STAY)))
    assert table.shape == (9, 8)
    assert table[0, -1] == 8
    assert set(table[0, :2]) == {1, 7}


def test_features_are_colours_and_weighted_steps():
    ramp = np.repeat(np.linspace(0, 1, 11, dtype=np.float32)[None, :, None], 7, axis=0)
    view = PinholeView("a", ramp.repeat(3, axis=2), None, np.eye(4), (9, 9), (5, 3))
    features = pixel_features(view)
    np.testing.assert_allclose(features[3, 5], [0.5, 0.5, 0.5, 0.2, 0.0], atol=1e-6)


def test_one_view_is_refused():
    views = orbit_views(3)
    with pytest.raises(CaptureError, match="at least 2"):
        sweep_points(views.subset(views.names[:1]), 10, 0)


def test_scene_points_choose_the_hull_where_masks_carve():
    masked = orbit_views(16, masks=True)
    hull = scene_points(masked, 3000, 0)
    assert len(np.unique(hull.spacing)) == 1  # voxels
    few = scene_points(masked.subset(masked.names[::4]), 300, 0)
    assert len(np.unique(few.spacing)) > 1  # pixels at their depths


def test_parts_that_do_not_belong_together_are_refused():
    with pytest.raises(CaptureError, match=r"spacing is \(2,\), not \(3,\)"):
        ScenePoints(np.zeros((3, 3)), np.zeros((3, 3), np.float32), np.zeros(2))
