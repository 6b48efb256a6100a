"""Scaled cameras project to scaled pixels, whatever the model."""

import numpy as np
import pytest

from mtcm_pipeline.capture.cameras import Camera
from mtcm_pipeline.formats.camera_models import camera_model_params, pycolmap_camera
from mtcm_pipeline.ingest.intrinsics import mean_focal_px, same_aspect, scaled_camera

_SMALL = {"omega": 0.5, "alpha": 0.5, "beta": 1.0, "w": 800.0, "h": 600.0}


def camera_of(model: str) -> Camera:
    values = {"f": 500.0, "fx": 500.0, "fy": 520.0, "cx": 390.0, "cy": 310.0}
    known = values | _SMALL
    params = tuple(known.get(n, 0.01) for n in camera_model_params()[model])
    return Camera(model, 800, 600, params)


@pytest.mark.parametrize("model", sorted(camera_model_params()))
def test_projections_scale_with_the_image(model):
    camera = camera_of(model)
    points = np.random.default_rng(0).uniform([-0.4, -0.3, 1], [0.4, 0.3, 2], (20, 3))
    before = pycolmap_camera(camera).img_from_cam(points)
    after = pycolmap_camera(scaled_camera(camera, 400, 300)).img_from_cam(points)
    assert np.allclose(after, np.asarray(before) / 2, atol=1e-6)


def test_sides_scale_apart_when_rounding_made_them_differ():
    scaled = scaled_camera(
        Camera("PINHOLE", 4272, 2848, (9800, 9800, 2136, 1424)), 400, 267
    )
    assert scaled.params == pytest.approx(
        (9800 * 400 / 4272, 9800 * 267 / 2848, 200.0, 133.5)
    )


def test_mean_focal():
    assert mean_focal_px(camera_of("OPENCV")) == 510.0
    assert mean_focal_px(camera_of("SIMPLE_RADIAL")) == 500.0
    assert np.isnan(mean_focal_px(camera_of("EQUIRECTANGULAR")))


def test_same_aspect_allows_rounding_and_no_crop():
    camera = Camera("PINHOLE", 4272, 2848, (9800, 9800, 2136, 1424))
    assert same_aspect(camera, 400, 267)
    assert same_aspect(camera, 8544, 5696)
    assert not same_aspect(camera, 267, 400)
    assert not same_aspect(camera, 400, 300)
