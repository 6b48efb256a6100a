import numpy as np
import pytest
from ingest_captures import encoded, picture

from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.errors import CaptureError, FileContentError
from mtcm_pipeline.formats.reading import PoseReading
from mtcm_pipeline.ingest.posed_photos import posed_photos, scaled_box

CAMERA = Camera("SIMPLE_RADIAL", 96, 64, (80.0, 48.0, 32.0, 0.01))


def reading(names) -> PoseReading:
    poses = np.tile(np.eye(4), (len(names), 1, 1))
    cameras = PosedCameras(tuple(names), poses, (1,) * len(names), {1: CAMERA})
    return PoseReading(cameras, None, {}, ())


def files(names) -> dict:
    return {name: (lambda n=i: encoded(picture(n))) for i, name in enumerate(names)}


@pytest.mark.parametrize("width", [400, 1333, 4272])
@pytest.mark.parametrize("height", [267, 400, 2848])
@pytest.mark.parametrize("side", [100, 123, 400])
def test_both_sides_are_scaled_by_one_factor_and_less_than_a_pixel_is_cut(
    width, height, side
):
    (left, top, right, bottom), (new_width, new_height) = scaled_box(width, height, side)
    assert (left, top) == (0, 0) and max(new_width, new_height) == min(
        side, max(width, height)
    )
    factor = max(new_width, new_height) / max(width, height)
    assert new_width / right == pytest.approx(factor)
    assert new_height / bottom == pytest.approx(factor)
    assert 0 <= (width - right) * factor < 1 and 0 <= (height - bottom) * factor < 1


def test_one_factor_keeps_a_single_focal_length_exact():
    photos = posed_photos("it", files(["a.png"]), reading(["a.png"]), longer_side_px=50)
    camera = photos.cameras.camera_of("a.png")
    assert (camera.width, camera.height) == (50, 33)
    assert camera.params == pytest.approx((80 * 50 / 96, 25.0, 32 * 50 / 96, 0.01))
    assert photos.images["a.png"].shape == (33, 50, 3)


def test_what_cannot_be_read_is_left_out_and_counted(caplog):
    images = files(["a.png", "b.png", "c.png"]) | {"b.png": lambda: b"no picture"}
    with caplog.at_level("INFO"):
        photos = posed_photos("it", images, reading(["a.png", "b.png"]))
    assert photos.names == ("a.png",)
    assert "2 of 3 frames left out: b.png, c.png" in caplog.text


def test_a_broken_mask_costs_the_mask_alone(caplog):
    good = encoded(np.full((64, 96), 255, np.uint8))
    masks = {"a.png": lambda: b"no mask", "b.png": lambda: good}
    names = ["a.png", "b.png"]
    photos = posed_photos("it", files(names), reading(names), masks=masks)
    assert photos.names == ("a.png", "b.png") and set(photos.masks) == {"b.png"}
    assert "'a.png' is not readable" in caplog.text


def test_what_may_not_be_read_is_left_out_like_what_is_broken(caplog):
    def closed():
        raise FileContentError("closed.png cannot be read (Permission denied)")

    names = ["a.png", "b.png"]
    given = {"images": files(names) | {"b.png": closed}, "masks": {"a.png": closed}}
    with caplog.at_level("INFO"):
        photos = posed_photos("it", poses=reading(names), **given)
    assert photos.names == ("a.png",) and not photos.masks
    assert "1 of 2 frames left out: b.png" in caplog.text


def test_without_any_usable_frame_it_says_so():
    with pytest.raises(CaptureError, match="no photograph has a pose"):
        posed_photos("it", files(["a.png"]), reading(["b.png"]))
