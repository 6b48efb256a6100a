"""Pinhole views against arithmetic by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.scene.views import pinhole_views

STAY = Similarity(1.0, np.eye(3), np.zeros(3))


def photos_of(rgb, camera, mask=None) -> PosedPhotos:
    posed = PosedCameras(("a.png",), np.eye(4)[None], (1,), {1: camera})
    return PosedPhotos(
        "X", posed, {"a.png": rgb}, {} if mask is None else {"a.png": mask}
    )


def test_halving_a_picture_halves_focal_length_and_principal_point():
    camera = Camera("PINHOLE", 40, 20, (50.0, 48.0, 21.0, 9.0))
    (view,) = pinhole_views(
        photos_of(np.zeros((20, 40, 3), np.uint8), camera), 20, STAY
    ).views
    assert (view.width, view.height) == (20, 10)
    assert view.focal_px == (25.0, 24.0)
    assert view.principal_px == (10.5, 4.5)


def test_a_small_pixel_is_the_mean_of_the_pixels_it_covers():
    rgb = np.zeros((4, 4, 3), np.uint8)
    rgb[:2, :2, 0] = [[0, 100], [200, 100]]  # mean 100
    mask = np.zeros((4, 4), bool)
    mask[0, 3] = True  # a quarter of its pixel
    camera = Camera("PINHOLE", 4, 4, (4.0, 4.0, 2.0, 2.0))
    (view,) = pinhole_views(photos_of(rgb, camera, mask), 2, STAY).views
    assert view.rgb[0, 0] == pytest.approx([100 / 255, 0, 0], abs=0.003)
    assert view.mask == pytest.approx(np.array([[0, 0.25], [0, 0]]), abs=0.003)


def test_a_small_photograph_keeps_its_size():
    camera = Camera("SIMPLE_RADIAL", 8, 6, (8.0, 4.0, 3.0, 0.0))
    (view,) = pinhole_views(
        photos_of(np.zeros((6, 8, 3), np.uint8), camera), 120, STAY
    ).views
    assert (view.width, view.height, view.focal_px) == (8, 6, (8.0, 8.0))


def test_a_photograph_of_another_size_than_its_camera_is_named():
    camera = Camera("PINHOLE", 8, 6, (8.0, 8.0, 4.0, 3.0))
    with pytest.raises(CaptureError, match=r"'a.png' is 6x8 px but its camera is 8x6"):
        photos_of(np.zeros((8, 6, 3), np.uint8), camera)


def test_a_frame_without_its_photograph_is_named():
    camera = Camera("PINHOLE", 8, 6, (8.0, 8.0, 4.0, 3.0))
    posed = PosedCameras(("a.png",), np.eye(4)[None], (1,), {1: camera})
    with pytest.raises(CaptureError, match=r"'a.png' has a pose but no photograph"):
        PosedPhotos("X", posed, {})
