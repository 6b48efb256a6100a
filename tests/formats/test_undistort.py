import numpy as np
import pytest
from pose_oracles import LENSES, lens, opencv_project

from mtcm_pipeline.capture.cameras import Camera
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.formats.undistort import undistort_view, undistorted_camera

DISTORTED = Camera("OPENCV", 640, 480, (500, 510, 321, 239, 0.06, -0.02, 1e-3, -2e-3))
PANORAMAS = ("EQUIRECTANGULAR",)


def coordinates_image(camera: Camera) -> np.ndarray:
    """Pixels that say where they are: red is x / 4, green y / 4, blue 7."""
    x, y = np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5)
    stacked = np.stack([x / 4, y / 4, np.full_like(x, 7)], axis=-1)
    return np.round(stacked).astype(np.uint8)


def test_each_pixel_shows_what_the_projection_by_hand_says():
    pinhole, rgb, mask = undistort_view(DISTORTED, coordinates_image(DISTORTED), None)
    assert pinhole.model == "PINHOLE" and mask is None
    assert rgb.shape == (pinhole.height, pinhole.width, 3)
    fx, fy, cx, cy = pinhole.params
    rng = np.random.default_rng(0)
    columns = rng.integers(0, pinhole.width, 200)
    rows = rng.integers(0, pinhole.height, 200)
    rays = np.stack(
        [(columns + 0.5 - cx) / fx, (rows + 0.5 - cy) / fy, np.ones(200)], axis=1
    )
    expected_xy = opencv_project(DISTORTED.params, rays)
    shown_xy = rgb[rows, columns, :2] * 4.0
    # The image counts in steps of four px, so half a step may be lost.
    assert np.abs(shown_xy - expected_xy).max() <= 2.6
    assert (rgb[..., 2] == 7).all()  # nothing from outside of the old image


def test_a_mask_moves_with_its_image():
    rgb = np.zeros((480, 640, 3), dtype=np.uint8)
    mask = np.zeros((480, 640), dtype=bool)
    mask[100:300, 150:400] = True
    rgb[mask] = 255
    pinhole, new_rgb, new_mask = undistort_view(DISTORTED, rgb, mask)
    assert new_mask is not None and new_mask.shape == new_rgb.shape[:2]
    disagree = (new_rgb[..., 0] >= 128) != new_mask
    assert disagree.mean() < 1e-3 and new_mask.mean() > 0.1
    assert pinhole == undistorted_camera(DISTORTED)


def test_a_pinhole_comes_back_as_it_is():
    rgb = np.arange(480 * 640 * 3, dtype=np.uint8).reshape(480, 640, 3)
    camera, same, _ = undistort_view(lens("SIMPLE_PINHOLE"), rgb, None)
    assert same is rgb and camera == Camera("PINHOLE", 640, 480, (500, 500, 321, 239))
    assert undistort_view(lens("PINHOLE"), rgb, None)[0] == lens("PINHOLE")


@pytest.mark.parametrize("model", [m for m in LENSES if m not in PANORAMAS])
def test_every_model_with_a_lens_has_a_pinhole_version(model):
    camera = lens(model)
    pinhole, rgb, mask = undistort_view(
        camera, np.full((480, 640, 3), 200, dtype=np.uint8), np.ones((480, 640), bool)
    )
    assert pinhole.model == "PINHOLE"
    assert mask is not None and mask.mean() > 0.98 and (rgb[mask] == 200).all()


def test_a_panorama_has_none_and_a_wrong_size_is_named():
    rgb = np.zeros((480, 640, 3), dtype=np.uint8)
    with pytest.raises(CaptureError, match="EQUIRECTANGULAR"):
        undistort_view(lens("EQUIRECTANGULAR"), rgb, None)
    with pytest.raises(CaptureError, match="mask is 10x12 px but its camera is 640x480"):
        undistort_view(DISTORTED, rgb, np.zeros((12, 10), dtype=bool))
