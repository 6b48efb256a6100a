"""The sketch of the scene: lenses that fit thumbnails, captures that are too small."""

import numpy as np

from mtcm_pipeline.scene.thumbnails import _scaled, thumbnail_points
from mtcm_pipeline.tokens.gauge import canonical_gauge
from synthetic import orbit_cameras


def test_a_small_picture_shows_a_point_at_the_same_share_of_its_sides():
    cameras = orbit_cameras(3)
    small = _scaled(cameras, {n: np.zeros((77, 100, 3), np.uint8) for n in cameras.names})
    fx, fy, cx, cy = small.camera_of("f001.jpg").params
    whole = cameras.camera_of("f001.jpg")
    assert np.allclose(
        [fx / 100, cx / 100], [whole.params[0] / 400, whole.params[2] / 400]
    )
    assert np.allclose([fy / 77, cy / 77], [whole.params[1] / 300, whole.params[3] / 300])
    assert np.array_equal(small.cam_from_world, cameras.cam_from_world)


def test_one_frame_shows_no_depth():
    cameras = orbit_cameras(3)
    one = {cameras.names[0]: np.zeros((75, 100, 3), np.uint8)}
    points = thumbnail_points(cameras, one, cameras.names, canonical_gauge(cameras))
    assert len(points) == 0 and points.xyz.shape == (0, 3)
