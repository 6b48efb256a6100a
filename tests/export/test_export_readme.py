"""What an export's README says of its arrays."""

import numpy as np
import pytest
from export_captures import OPENCV, capture, image_loaders

from mtcm_pipeline.export.bundle import build_export


@pytest.mark.parametrize("width", [256, 48])
def test_the_width_of_the_embeddings_is_that_of_the_file(width):
    cameras = capture(OPENCV)
    files = build_export(
        cameras.names[:2],
        cameras=cameras,
        images=image_loaders(cameras),
        pose_embeddings=np.ones((2, width), np.float32),
    )
    assert f"K x {width} float32: a learned vector" in files["README.txt"]


def test_without_embeddings_none_are_spoken_of():
    cameras = capture(OPENCV)
    files = build_export(
        cameras.names[:2], cameras=cameras, images=image_loaders(cameras)
    )
    assert "learned vector" not in files["README.txt"]
    assert "{" not in files["README.txt"]
