"""Photographs of frames that were taken in before: there, gone, or unreadable."""

from __future__ import annotations

import numpy as np
import pytest
from ingest_captures import HEIGHT, WIDTH, encoded, picture, reading

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.ingest.photos_of_frames import photos_of_frames

NAMES = ["a.png", "b.png", "c.png"]
CAMERAS = reading(NAMES).cameras
IMAGES = {name: (lambda k=k: encoded(picture(k))) for k, name in enumerate(NAMES)}


def photos(names, images=IMAGES):
    return photos_of_frames("a trial", names, CAMERAS, images, {}, longer_side_px=WIDTH)


def test_frames_come_with_their_own_poses_and_pixels():
    found = photos(["a.png", "c.png"])
    assert found.names == ("a.png", "c.png")
    for name in found.names:
        np.testing.assert_array_equal(found.cameras.pose_of(name), CAMERAS.pose_of(name))
    assert found.images["c.png"].shape == (HEIGHT, WIDTH, 3)
    np.testing.assert_array_equal(found.images["c.png"], picture(2))


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (["a.png", "b.png"], r"a trial: 1 of the 3 .* gone .*\(c.png\): put them back"),
        (["a.png"], r"2 of the 3 .*\(b.png, c.png\).* run ingest"),
        ([], r"3 of the 3"),
    ],
)
def test_what_is_gone_is_named_with_the_remedy(left, words):
    with pytest.raises(CaptureError, match=words):
        photos(NAMES, {name: IMAGES[name] for name in left})


def test_what_cannot_be_read_any_more_is_left_out_and_said(caplog):
    found = photos(NAMES, IMAGES | {"b.png": lambda: b"no picture"})
    assert found.names == ("a.png", "c.png")
    assert "a trial" in caplog.text and "b.png" in caplog.text
