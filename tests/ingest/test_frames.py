"""The frame table: every planted fault is one frame's problem, never a crash."""

import numpy as np
import pytest
from ingest_captures import (
    HEIGHT,
    WIDTH,
    encoded,
    loaders,
    picture,
    pictures,
    reading,
    with_exif,
)
from PIL import Image

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.formats.exif import ExifFacts, ExifReading, focal_px
from mtcm_pipeline.ingest.frame_row import FRAME_COLUMNS
from mtcm_pipeline.ingest.frames import build_frame_table


def ingested(images, masks=None, poses=None, exif=None, **options):
    return build_frame_table(
        loaders(images), loaders(masks or {}), poses, exif, **options
    )


def row_of(frames, name):
    return frames.table.set_index("name").loc[name]


def full_mask(width=WIDTH, height=HEIGHT, top=16):
    mask = np.zeros((height, width), dtype=np.uint8)
    mask[:top] = 255
    return encoded(mask)


def test_bare_photographs_are_enough():
    frames = ingested(pictures(12))
    assert tuple(frames.table.columns) == FRAME_COLUMNS
    assert frames.names == tuple(f"f_{i}.png" for i in range(12))
    assert (frames.table["width"] == WIDTH).all()
    assert (frames.table["height"] == HEIGHT).all()
    assert frames.table["has_image"].all()
    for column in ("has_mask", "has_pose", "has_timestamp", "has_focal", "has_embedding"):
        assert not frames.table[column].any()
    for column in ("timestamp_s", "focal_px", "mask_area", "mask_touches_border"):
        assert frames.table[column].isna().all()
    assert (frames.table["problems"] == "").all()
    assert len(frames.cameras) == 0
    assert frames.points is None
    assert frames.notes == ()
    assert set(frames.thumbnails) == set(frames.names) == set(frames.small)


def test_every_photograph_is_loaded_and_visited_once():
    loads, visits = [], []
    contents = pictures(5)
    counting = {n: (lambda n=n: loads.append(n) or contents[n]) for n in contents}
    build_frame_table(
        counting, {}, None, None, visit=lambda name, pixels: visits.append((name, pixels))
    )
    assert loads == [name for name, _ in visits] == list(contents)
    assert all(np.array_equal(pixels, picture(i)) for i, (_, pixels) in enumerate(visits))


def test_no_images_and_two_stems_stop():
    with pytest.raises(CaptureError, match="no images"):
        ingested({})
    with pytest.raises(CaptureError, match="same stem"):
        ingested({"a.png": encoded(picture(0)), "a.jpg": encoded(picture(1), "JPEG")})


def test_a_truncated_jpeg_keeps_its_row_and_its_pose():
    images = {f"f_{i}.jpg": encoded(picture(i), "JPEG") for i in range(3)}
    images["f_1.jpg"] = images["f_1.jpg"][: len(images["f_1.jpg"]) // 2]
    frames = ingested(images, poses=reading(images))
    row = row_of(frames, "f_1.jpg")
    assert not row["has_image"]
    assert np.isnan(row["width"])
    assert np.isnan(row["sharpness"])
    assert "f_1.jpg" in row["problems"]
    assert row["has_pose"]
    assert "f_1.jpg" not in frames.thumbnails
    assert frames.table["has_image"].sum() == 2


def test_a_file_that_cannot_be_opened_or_is_no_image_is_a_problem():
    def fail():
        raise OSError("input/output error")

    contents = {**loaders(pictures(2)), "g.png": fail, "h.jpg": lambda: b"hello"}
    frames = build_frame_table(contents, {}, None, None)
    assert "input/output error" in row_of(frames, "g.png")["problems"]
    assert "h.jpg" in row_of(frames, "h.jpg")["problems"]
    assert frames.table["has_image"].tolist() == [True, True, False, False]


def test_masks_good_bad_and_strange():
    masks = {
        "f_0.png": full_mask(),
        "f_1.png": full_mask(50, 50),  # another shape
        "f_2.png": b"no mask",
        "f_3.png": full_mask(2 * WIDTH, 2 * HEIGHT, top=32),  # the same shape, larger
        "f_4.png": full_mask(top=0),  # empty
        "other.png": full_mask(),
    }
    frames = ingested(pictures(6), masks)
    assert frames.table["has_mask"].tolist() == [True, False, False, True, False, False]
    assert np.flatnonzero(frames.table["mask_empty"]).tolist() == [4]
    assert np.isnan(row_of(frames, "f_4.png")["mask_area"])
    assert row_of(frames, "f_0.png")["mask_area"] == pytest.approx(0.25)
    assert row_of(frames, "f_3.png")["mask_area"] == pytest.approx(0.25)
    border = (WIDTH + 2 * 15) / (2 * WIDTH + 2 * HEIGHT - 4)
    assert row_of(frames, "f_0.png")["mask_touches_border"] == pytest.approx(border)
    box = ["mask_left", "mask_top", "mask_right", "mask_bottom"]
    for name in ("f_0.png", "f_3.png"):  # px of the photograph, not of the mask's file
        assert row_of(frames, name)[box].tolist() == [0, 0, WIDTH, 16]
    assert frames.table.loc[~frames.table["has_mask"], box].isna().all(axis=None)
    assert "50x50" in row_of(frames, "f_1.png")["problems"]
    assert "f_2.png" in row_of(frames, "f_2.png")["problems"]
    assert "empty" in row_of(frames, "f_4.png")["problems"]
    assert row_of(frames, "f_5.png")["problems"] == ""
    assert any("other.png" in note for note in frames.notes)
    assert any("scaled" in note for note in frames.notes)


def test_exif_rotation_turns_pixels_and_times_keep_their_fractions():
    upright = picture(0, WIDTH, HEIGHT)
    stored = np.rot90(upright)  # orientation 6: turn clockwise to see it upright
    data = with_exif(
        stored,
        Orientation=6,
        DateTimeOriginal="2020:01:02 03:04:05",
        SubsecTimeOriginal="25",
        FocalLength=4.2,
        FocalLengthIn35mmFilm=28,
    )
    seen = {}
    frames = ingested({"a.jpg": data}, visit=lambda n, p: seen.update({n: p}))
    row = row_of(frames, "a.jpg")
    assert row["turned"]
    assert (row["width"], row["height"]) == (WIDTH, HEIGHT)
    assert np.abs(seen["a.jpg"].astype(int) - upright).mean() < 6
    assert row["timestamp_s"] == 1577934245.25
    assert row["focal_mm"] == pytest.approx(4.2)
    assert row["focal_source"] == "exif"
    diagonal_px, diagonal_mm = np.hypot(WIDTH, HEIGHT), np.hypot(36, 24)
    assert row["focal_px"] == pytest.approx(28 * diagonal_px / diagonal_mm)


def test_poses_on_the_stored_pixels_keep_them_unturned():
    stored = picture(0, HEIGHT, WIDTH)
    data = with_exif(stored, Orientation=6)
    poses = reading(["a.jpg"], width=HEIGHT, height=WIDTH)
    row = row_of(ingested({"a.jpg": data}, poses=poses), "a.jpg")
    assert not row["turned"]
    assert (row["width"], row["height"]) == (HEIGHT, WIDTH)
    assert row["has_pose"]


def test_exif_json_comes_first_and_the_image_fills_its_gaps():
    data = with_exif(picture(0), DateTimeOriginal="2020:01:02 03:04:05", FocalLength=4.2)
    facts = {
        "A.JPG": ExifFacts(focal_px=77.0),
        "ghost.jpg": ExifFacts(timestamp_s=1.0),
    }
    exif = ExifReading(facts, {"A.JPG": "exif.json: FocalLength is 'x'"})
    frames = ingested({"a.jpg": data}, exif=exif)
    row = row_of(frames, "a.jpg")
    assert row["focal_px"] == 77.0
    assert row["timestamp_s"] == 1577934245.0
    assert "exif.json" in row["problems"]
    assert any("ghost.jpg" in note for note in frames.notes)


def test_a_cropped_pictures_exif_focal_is_not_believed():
    facts = ExifFacts(focal_35mm=28.0, exif_width=4000)
    assert focal_px(facts, WIDTH, HEIGHT) is None
    data = with_exif(picture(0), FocalLengthIn35mmFilm=28, ExifImageWidth=4000)
    row = row_of(ingested({"a.jpg": data}), "a.jpg")
    assert not row["has_focal"]
    assert row["focal_source"] == ""


def test_the_sensors_pixels_give_a_focal_length():
    # Inches: 254 px an inch are 10 a mm, so 96 px are 9.6 mm and 5 mm are 50 px.
    tags = {"FocalLength": 5.0, "FocalPlaneXResolution": 254.0}
    data = with_exif(picture(0), **tags, ExifImageWidth=WIDTH)
    exif = ExifReading({"b.jpg": ExifFacts(sensor_px_per_mm=20.0)}, {})
    frames = ingested({"a.jpg": data, "b.jpg": data}, exif=exif)
    assert row_of(frames, "a.jpg")["focal_px"] == pytest.approx(50.0)
    assert row_of(frames, "a.jpg")["focal_source"] == "exif"
    assert row_of(frames, "b.jpg")["focal_px"] == pytest.approx(100.0)


def test_the_poses_focal_length_wins():
    data = with_exif(picture(0), FocalLengthIn35mmFilm=28)
    row = row_of(ingested({"a.jpg": data}, poses=reading(["a.jpg"])), "a.jpg")
    assert row["focal_px"] == pytest.approx(105.0)  # the mean of 100 and 110
    assert row["focal_source"] == "pose"
    assert row["pose_source"] == "test.json"


def test_blur_and_darkness_show_in_the_table():
    sharp = Image.fromarray(picture(0))
    blurred = sharp.resize((WIDTH // 6, HEIGHT // 6)).resize((WIDTH, HEIGHT))
    dark = Image.fromarray((np.asarray(sharp) * 0.5).astype(np.uint8))
    images = {"a": sharp, "b": blurred, "c": dark}
    frames = ingested({f"{n}.png": encoded(np.asarray(i)) for n, i in images.items()})
    a, b, c = (row_of(frames, f"{n}.png") for n in "abc")
    assert b["sharpness"] < 0.5 * a["sharpness"]
    assert c["sharpness"] == pytest.approx(a["sharpness"], rel=0.1)
    assert c["luminance"] < 0.4 * a["luminance"]


def test_inputs_are_not_changed():
    exif = ExifReading({"f_0.png": ExifFacts(timestamp_s=5.0)}, {})
    poses = reading(["f_0.png", "f_1.png"], width=2 * WIDTH, height=2 * HEIGHT)
    before = (dict(exif.facts), dict(poses.cameras.cameras), dict(poses.problems))
    ingested(pictures(2), poses=poses, exif=exif)
    assert before == (dict(exif.facts), dict(poses.cameras.cameras), dict(poses.problems))
