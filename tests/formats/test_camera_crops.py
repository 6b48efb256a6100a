import numpy as np
import pytest

from mtcm_pipeline.capture.cameras import Camera
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.formats.camera_crops import cropped_camera
from mtcm_pipeline.formats.camera_models import camera_model_params, pycolmap_camera

PANORAMAS = {n for n, names in camera_model_params().items() if "w" in names}
_SMALL = {"omega": 0.5, "alpha": 0.5, "beta": 1.0, "w": 800.0, "h": 600.0}


def camera_of(model: str) -> Camera:
    known = {"f": 500.0, "fx": 500.0, "fy": 520.0, "cx": 390.0, "cy": 310.0} | _SMALL
    params = tuple(known.get(n, 0.01) for n in camera_model_params()[model])
    return Camera(model, 800, 600, params)


@pytest.mark.parametrize("model", sorted(set(camera_model_params()) - PANORAMAS))
def test_points_are_where_the_enlarged_box_has_them(model):
    camera = camera_of(model)
    points = np.random.default_rng(0).uniform([-0.4, -0.3, 1], [0.4, 0.3, 2], (20, 3))
    before = np.asarray(pycolmap_camera(camera).img_from_cam(points))
    part = cropped_camera(camera, (100.5, 50.25, 500.5, 350.25), 800, 600)
    after = np.asarray(pycolmap_camera(part).img_from_cam(points))
    np.testing.assert_allclose(after, (before - [100.5, 50.25]) * 2, atol=1e-6)


def test_boxes_without_a_camera_are_refused():
    with pytest.raises(CaptureError, match="empty"):
        cropped_camera(camera_of("PINHOLE"), (10, 10, 10, 20), 5, 5)
    for model in PANORAMAS:
        with pytest.raises(CaptureError, match="leave panoramas whole"):
            cropped_camera(camera_of(model), (10, 10, 20, 20), 5, 5)
