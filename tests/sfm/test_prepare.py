import io

import numpy as np
import pytest
from PIL import Image

from mtcm_pipeline.errors import CaptureError, FileContentError
from mtcm_pipeline.sfm.prepare import camera_groups, prepare_images


def picture(width=40, height=30, *, kind="JPEG", orientation=None, grey=120) -> bytes:
    image = Image.new("RGB", (width, height), (grey, grey, grey))
    image.paste((255, 0, 0), (0, 0, width // 4, height // 4))  # red, upper left
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    exif[0x010F] = "Maker"
    buffer = io.BytesIO()
    image.save(buffer, kind, exif=exif)
    return buffer.getvalue()


def mask(width=40, height=30, value=255) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((height, width), value, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def loaders(files: dict[str, bytes]) -> dict:
    return {name: (lambda data=data: data) for name, data in files.items()}


def test_images_are_upright_without_metadata_and_masks_are_named_as_colmap_wants(
    tmp_path,
):
    images = loaders(
        {
            "a b.jpg": picture(),
            "c.jpg": picture(orientation=6),
            "d.png": picture(kind="PNG"),
        }
    )
    masks = loaders({"a b.png": mask(), "c.jpg.png": mask(30, 40)})
    found = prepare_images(images, masks, tmp_path)
    assert [i.name for i in found.images] == ["a b.jpg", "c.jpg", "d.png"]
    assert [i.file for i in found.images] == ["000001.jpg", "000002.jpg", "000003.png"]
    assert [(i.width, i.height) for i in found.images] == [(40, 30), (30, 40), (40, 30)]
    assert [i.masked for i in found.images] == [True, True, False]
    with Image.open(found.folder / "images" / "000002.jpg") as turned:
        assert turned.size == (30, 40) and not dict(turned.getexif())
        # Orientation 6 is turned clockwise: the upper left corner comes to the right.
        red, green, _ = turned.convert("RGB").getpixel((27, 2))
        assert red > 200 and green < 80
    assert sorted(p.name for p in (found.folder / "masks").iterdir()) == [
        "000001.jpg.png",
        "000002.jpg.png",
    ]


def test_what_cannot_be_used_is_named_and_left_out(tmp_path):
    images = loaders({"a.jpg": picture(), "b.jpg": picture()[:200], "c.jpg": picture()})
    masks = loaders({"a.png": mask(value=0), "c.png": b"no image"})
    found = prepare_images(images, masks, tmp_path)
    assert [i.name for i in found.images] == ["a.jpg", "c.jpg"]
    assert not any(i.masked for i in found.images)
    assert set(found.problems) == {"b.jpg", "a.png", "c.png"}
    assert "empty" in found.problems["a.png"]


def test_what_may_not_be_read_is_left_out_and_taken_once_it_may(tmp_path):
    def closed():
        raise FileContentError("b.jpg cannot be read (Permission denied)")

    images = loaders({"a.jpg": picture(), "b.jpg": picture()})
    masks = loaders({"a.png": mask(), "b.png": mask()})
    found = prepare_images(
        {**images, "b.jpg": closed}, {**masks, "a.png": closed}, tmp_path
    )
    assert [i.name for i in found.images] == ["a.jpg"]
    assert set(found.problems) == {"a.png", "b.jpg"}
    assert "Permission denied" in found.problems["b.jpg"]
    again = prepare_images(images, masks, tmp_path)
    assert [(i.name, i.masked) for i in again.images] == [
        ("a.jpg", True),
        ("b.jpg", True),
    ]


def test_the_same_contents_are_written_once_and_others_apart(tmp_path):
    first = prepare_images(loaders({"a.jpg": picture()}), {}, tmp_path)
    written = (first.folder / "images" / "000001.jpg").stat().st_mtime_ns
    again = prepare_images(loaders({"a.jpg": picture()}), {}, tmp_path)
    assert again == first
    assert (again.folder / "images" / "000001.jpg").stat().st_mtime_ns == written
    other = prepare_images(loaders({"a.jpg": picture(grey=10)}), {}, tmp_path)
    masked = prepare_images(
        loaders({"a.jpg": picture()}), loaders({"a.png": mask()}), tmp_path
    )
    assert len({first.key, other.key, masked.key}) == 3


def test_no_image_and_two_of_one_stem_are_errors(tmp_path):
    with pytest.raises(CaptureError, match="no images"):
        prepare_images({}, {}, tmp_path)
    with pytest.raises(CaptureError, match="same stem"):
        prepare_images(loaders({"a.jpg": picture(), "a.png": picture()}), {}, tmp_path)


def test_cameras_are_shared_by_size_and_focal_length(tmp_path):
    files = {f"{i}.jpg": picture() for i in range(4)} | {"tall.jpg": picture(30, 40)}
    found = prepare_images(loaders(files), {}, tmp_path)
    unknown = camera_groups(found, None)
    assert [(len(g.files), g.focal_px) for g in unknown] == [(4, None), (1, None)]
    # One focal length, to EXIF's rounding: who has none joins.
    one = camera_groups(found, {"0.jpg": 500.0, "1.jpg": 501.0, "tall.jpg": 500.0})
    assert [(len(g.files), g.focal_px) for g in one] == [(4, 500.0), (1, 500.0)]
    # Two: who has none cannot be told.
    two = camera_groups(found, {"0.jpg": 500.0, "1.jpg": 700.0})
    assert sorted(len(g.files) for g in two) == [1, 1, 1, 2]
