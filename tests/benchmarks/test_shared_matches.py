import json

import numpy as np
from PIL import Image

from mtcm_pipeline.benchmarks.shared_matches import photographs_of
from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture_import import find_capture
from mtcm_pipeline.formats.nerfstudio import transforms_from_cameras
from mtcm_pipeline.twoview.options import TwoViewOptions
from synthetic import CAMERA, orbit_cameras

LEVELS = {"r_2.png": 20, "r_10.png": 120, "r_1.png": 220}


class MeanLevel:
    """Stands in for the network: a photograph's vector is its mean level."""

    name = "mean"
    side_px = 32

    def encode(self, images):
        assert all(image.shape == (32, 32, 3) for image in images)
        return np.array([[image.mean()] for image in images], dtype=np.float32)


def test_photographs_are_read_in_the_order_of_their_names(tmp_path):
    poses = orbit_cameras(3).cam_from_world
    cameras = PosedCameras(tuple(LEVELS), poses, (1,) * 3, {1: CAMERA})
    (tmp_path / "transforms.json").write_text(
        json.dumps(transforms_from_cameras(cameras))
    )
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    rng = np.random.default_rng(0)
    for name, level in LEVELS.items():
        pixels = rng.integers(level - 20, level + 20, (300, 400, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "images" / name)
    half = np.zeros((300, 400), np.uint8)
    half[:, :200] = 255
    Image.fromarray(half).save(tmp_path / "masks" / "r_2.png")
    options = TwoViewOptions(workers=0, mask_margin_px=0)
    known = photographs_of(find_capture(tmp_path), MeanLevel(), options)
    assert known.cameras.names == ("r_1.png", "r_2.png", "r_10.png")
    np.testing.assert_allclose(known.embeddings[:, 0], [220, 20, 120], atol=2)
    np.testing.assert_allclose(
        known.cameras.pose_of("r_10.png"), cameras.pose_of("r_10.png"), atol=1e-9
    )
    assert known.features["r_2.png"].xy[:, 0].max() < 201  # of its mask alone
    assert known.features["r_10.png"].xy[:, 0].max() > 300
