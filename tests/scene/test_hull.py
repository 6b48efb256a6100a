"""The visual hull of a sphere, and the z-buffer, against exact geometry."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from rendered_scenes import FOCAL, RADIUS, orbit_views

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.scene.hull import hull_points
from mtcm_pipeline.scene.points import ScenePoints
from mtcm_pipeline.scene.views import PinholeViews
from mtcm_pipeline.scene.visibility import in_picture, project, visible


def sphere_points(n: int, seed: int = 0) -> np.ndarray:
    normals = np.random.default_rng(seed).normal(size=(n, 3))
    return RADIUS * normals / np.linalg.norm(normals, axis=1, keepdims=True)


def test_the_hull_of_a_sphere_is_the_sphere_within_a_few_voxels():
    points = hull_points(orbit_views(40, masks=True), 20_000, 0)
    radius = np.linalg.norm(points.xyz, axis=1)
    voxel = points.spacing[0]
    equator = np.abs(points.xyz[:, 2]) < 0.2  # the orbit sees the poles at a slant only
    assert len(points) > 3000
    assert np.abs(radius[equator] - RADIUS).max() < 3 * voxel + 0.02
    assert radius.min() > RADIUS - 2 * voxel - 0.02


def test_one_wrong_mask_among_many_carves_nothing_away():
    views = orbit_views(24, masks=True)
    broken = dataclasses.replace(views.views[3], mask=np.zeros_like(views.views[3].mask))
    mended = (*views.views[:3], broken, *views.views[4:])
    points = hull_points(PinholeViews(mended, views.gauge), 5000, 0)
    whole = hull_points(views, 5000, 0)
    assert len(points) > 0.9 * len(whole)


def test_masks_that_contradict_each_other_leave_no_points():
    views = orbit_views(6, masks=True)
    empty = [dataclasses.replace(v, mask=np.zeros_like(v.mask)) for v in views.views]
    points = hull_points(PinholeViews(tuple(empty), views.gauge), 5000, 0)
    assert isinstance(points, ScenePoints)
    assert len(points) == 0


def test_a_hull_without_masks_is_refused():
    with pytest.raises(CaptureError, match="no view has one"):
        hull_points(orbit_views(4), 100, 0)


def test_the_budget_of_points_is_kept_and_the_seed_decides_which():
    views = orbit_views(16, masks=True)
    first, again, other = (hull_points(views, 500, seed).xyz for seed in (0, 0, 1))
    assert len(first) == 500
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_sphere_hides_its_own_far_side():
    views = orbit_views(6).views
    xyz = sphere_points(6000)
    seen = visible(views, xyz, xyz)
    for view, of_view in zip(views, seen, strict=True):
        towards = view.centre_xyz - xyz
        # Facing the camera by more than 20 degrees, or turned away by more than that.
        cosine = (towards * xyz).sum(axis=1)
        cosine /= np.linalg.norm(towards, axis=1) * RADIUS
        pixels, _ = project(view, xyz)
        inside = in_picture(view, pixels)
        assert of_view[inside & (cosine > 0.35)].mean() > 0.97
        assert of_view[inside & (cosine < -0.35)].mean() < 0.06
        assert not of_view[~inside].any()


def test_a_few_points_in_the_air_hide_nothing():
    (view,) = orbit_views(1).views
    xyz = sphere_points(6000)
    towards = view.centre_xyz - xyz
    clean = visible([view], xyz, xyz)
    front = np.flatnonzero(clean[0])[::15]
    air = xyz[front] + 0.3 * towards[front]
    noisy = visible([view], xyz, np.concatenate([xyz, air]))
    assert noisy[clean].mean() > 0.85


def test_nothing_behind_the_camera_is_seen():
    (view,) = orbit_views(1).views
    behind = view.centre_xyz * np.array([[1.5], [3.0]])
    assert not visible([view], behind, sphere_points(500)).any()
    pixels, depth = project(view, behind)
    assert np.isnan(pixels).all()
    assert (depth < 0).all()


def test_projection_is_that_of_the_pinhole():
    (view,) = orbit_views(1).views
    centre = view.centre_xyz
    right = view.cam_from_world[0, :3]
    pixels, depth = project(view, np.stack([np.zeros(3), 0.1 * right]))
    np.testing.assert_allclose(depth, np.linalg.norm(centre))
    np.testing.assert_allclose(pixels, [[36, 36], [36 + FOCAL * 0.1, 36]], atol=1e-9)
