"""Rays against solids whose answers are known by arithmetic."""

from dataclasses import dataclass

import numpy as np
import pytest
from surface_samples import surface_points

from mtcm_pipeline.sample.path import look_at
from mtcm_pipeline.sample.render import Lens, _safe_lengths, ray_directions
from mtcm_pipeline.sample.surface import box_span, build_surface, trace

RADIUS = 0.1


@dataclass(frozen=True)
class Ball:
    lower: tuple = (-0.15, -0.15, -0.15)
    upper: tuple = (0.15, 0.15, 0.15)

    def distance(self, points):
        return np.linalg.norm(points, axis=0) - RADIUS

    def base_colour(self, points):
        return np.ones_like(points)

    def detail(self, points):
        return np.ones_like(points)


@pytest.fixture(scope="module")
def ball():
    return build_surface(Ball(), 0.004)


def test_rays_meet_a_ball_where_the_quadratic_formula_says(ball):
    rng = np.random.default_rng(1)
    origin = np.array([[0.3], [0.5], [-0.6]])
    directions = rng.uniform(-0.14, 0.14, (3, 2000)) - origin
    directions /= np.linalg.norm(directions, axis=0)
    found = trace(ball, origin, directions, np.zeros(2000))
    along = -(origin * directions).sum(axis=0)
    root = along**2 - (origin**2).sum() + RADIUS**2
    clear = np.abs(root) > 2e-3  # grazing rays may go either way
    assert np.array_equal(np.isfinite(found)[clear], (root > 0)[clear])
    hit = clear & (root > 0)
    expected = along[hit] - np.sqrt(root[hit])
    np.testing.assert_allclose(found[hit], expected, atol=2.5e-3)


def test_bundled_rays_hit_what_single_rays_hit(ball):
    lens = Lens(60, 44, 70.0, (31.0, 21.0))
    pose = look_at(np.array([0.3, 0.1, 0.5]), np.array([0.03, 0.02, 0.0]), 5.0)
    origin = (-pose[:3, :3].T @ pose[:3, 3]).reshape(3, 1)
    y, x = np.mgrid[:44, :60] + 0.5
    rays = ray_directions(lens, pose[:3, :3], x, y)
    start = _safe_lengths(ball, lens, origin, rays).ravel()
    plain = trace(ball, origin, rays.reshape(3, -1), np.zeros(start.shape))
    assert np.isfinite(plain).any()
    assert np.array_equal(
        np.isfinite(plain) & np.isinf(start), np.zeros_like(start, bool)
    )
    hit = np.isfinite(plain)
    assert (start[hit] <= plain[hit]).all()


def test_surface_points_lie_on_the_ball(ball):
    points = surface_points(ball, 500, np.random.default_rng(2))
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), RADIUS, atol=1e-3)
    assert (np.abs(points.mean(axis=0)) < 0.02).all()


def test_a_lit_ball_is_brighter_towards_the_lamp(ball):
    side = np.array([[0.5], [0.66], [0.56]])
    toward = side / np.linalg.norm(side) * RADIUS
    assert ball.colour(toward).mean() > 3 * ball.colour(-toward).mean()


def test_box_span_by_hand():
    origin = np.array([[0.0], [0.0], [-2.0]])
    directions = np.array([[1e-9, 0.8], [1e-9, 1e-9], [1.0, 0.6]])
    lower, upper = -np.ones((3, 1)), np.ones((3, 1))
    enter, leave = box_span(origin, directions, lower, upper)
    assert (enter[0], leave[0]) == pytest.approx((1.0, 3.0))
    assert enter[1] > leave[1]  # meets x = 1 at z = -1.25, before the box begins
