"""Drawn captures: poses that fit the pictures, variety, repetition."""

from __future__ import annotations

import numpy as np
import pytest

from mtcm_pipeline.benchmarks.fault_captures import drawn_capture
from mtcm_pipeline.benchmarks.fault_subjects import GlossySurface, Part, random_subject
from mtcm_pipeline.formats.camera_models import pycolmap_camera


def small(seed: int):
    """A fan or a dome of few frames (an orbit needs twelve)."""
    return drawn_capture(seed, frames=4, longer_side_px=64, voxel_m=0.01)


@pytest.fixture(scope="module")
def drawn():
    return {seed: small(seed) for seed in (404, 407)}


def test_equal_seeds_give_equal_captures_and_others_differ(drawn):
    again = small(407).photos
    one = drawn[407].photos
    assert all((again.images[name] == one.images[name]).all() for name in one.names)
    shapes = {capture.photos.images["IMG_0001.jpg"].shape for capture in drawn.values()}
    assert len(shapes) > 1


def test_the_subject_is_seen_where_the_poses_put_it(drawn):
    """Rays to the middle of the masks meet near the point that everybody aims at."""
    masked = [d.photos for d in drawn.values() if d.photos.masks]
    assert masked
    for photos in masked:
        for name in photos.names:
            mask, camera = photos.masks[name], photos.cameras.camera_of(name)
            assert mask.any()
            pose = photos.cameras.pose_of(name)
            aim = pose[:3, :3] @ np.array([0.0, -0.12, 0.0]) + pose[:3, 3]
            place = np.asarray(pycolmap_camera(camera).img_from_cam(aim[None]))[0]
            rows, columns = np.nonzero(mask)
            middle = np.array([columns.mean(), rows.mean()])
            assert np.linalg.norm(middle - place) < 0.25 * max(mask.shape)


def test_a_highlight_lies_where_the_surface_mirrors_the_lamp():
    """On a ball, under a lamp at the camera, it faces the camera."""
    surface = random_subject(np.random.default_rng(0), 0.012)
    glossy = GlossySurface(
        surface.solid, surface.origin, surface.voxel_m, surface.distances, surface.lit,
        gloss=1.0, hardness=200.0,
    )  # fmt: skip
    centre = np.array([0.0, 0.3, 1.0])
    seen = glossy.seen_from(centre, lamp_at_camera=True)
    points = np.random.default_rng(1).uniform(-0.2, 0.2, (3, 500))
    added = (seen.colour(points) - glossy.colour(points)).mean(axis=0)
    to_camera = centre[:, None] - points
    to_camera /= np.linalg.norm(to_camera, axis=0)
    lamp = centre[:, None] / np.linalg.norm(centre)
    half = (to_camera + lamp) / np.linalg.norm(to_camera + lamp, axis=0)
    facing = (surface.normals(points) * half).sum(axis=0)
    assert added.min() >= 0
    assert added[facing < 0.8].max() < 1e-6 < added[facing > 0.99].min()


def test_a_part_is_a_ball_or_a_bar():
    ball = Part((0, 0, 0), (0, 0, 0), 0.1, (1, 1, 1))
    bar = Part((0, 0, 0), (1, 0, 0), 0.1, (1, 1, 1))
    points = np.array([[0.5, 2.0], [0.0, 0.0], [0.3, 0.0]])
    assert ball.distance(points) == pytest.approx([np.hypot(0.5, 0.3) - 0.1, 1.9])
    assert bar.distance(points) == pytest.approx([0.2, 0.9])
