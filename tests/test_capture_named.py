"""What a transforms.json names beside pictures comes along, or is said to be left."""

import json

import numpy as np
import pytest
from PIL import Image

from mtcm_pipeline.capture_import import find_capture, import_capture
from mtcm_pipeline.formats.masks import decode_mask
from mtcm_pipeline.formats.point_ply import point_ply

SIZE = (12, 8)
HALF = np.zeros(SIZE[::-1], dtype=np.uint8)
HALF[:, :5] = 1


def picture(path, array=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(HALF if array is None else array).save(path)


def folder(root, masks, top=None, **of_frames):
    """Pictures 0.png, 1.png, ... in rgb/, with the `mask_path`s given (None: no key)."""
    frames = []
    for number, mask in enumerate(masks):
        picture(root / f"rgb/{number}.png")
        key = {} if mask is None else {"mask_path": mask}
        frames.append({"file_path": f"rgb/{number}.png", **key, **of_frames})
    content = {"fl_x": 9.0, **(top or {}), "frames": frames}
    (root / "transforms.json").write_text(json.dumps(content))
    return root


def mask_of(data, number):
    content = (data / f"masks/c/{number}.png").read_bytes()
    return decode_mask(content, str(number), size=SIZE)[0]


def test_masks_come_from_where_the_file_names_them(tmp_path):
    source = folder(tmp_path / "c", ["seg/a.png", "seg\\b.png", "seg/a.png"])
    picture(source / "seg/a.png", HALF * 255)
    picture(source / "seg/b.png", (1 - HALF) * 255)
    picture(source / "seg/unnamed.png")
    found = import_capture(source, tmp_path / "data")
    assert "masks: 3 of 3 frames" in found.lines()
    assert found.notes == ("pictures from rgb/",)  # seg/ is not left behind
    for number, truth in enumerate((HALF, 1 - HALF, HALF)):
        np.testing.assert_array_equal(mask_of(tmp_path / "data", number), truth == 1)


@pytest.mark.parametrize("value", [1, 2, 100, 255])
def test_every_value_but_0_is_foreground_as_nerfstudio_reads_it(tmp_path, value):
    """A mask of segment numbers, say; of folders that no file names it is grey levels."""
    source = folder(tmp_path / "c", ["seg/a.png"])
    picture(source / "seg/a.png", HALF * np.uint8(value))
    import_capture(source, tmp_path / "data")
    np.testing.assert_array_equal(mask_of(tmp_path / "data", 0), HALF == 1)


def test_a_mask_that_is_named_counts_before_that_of_the_folder(tmp_path):
    source = folder(tmp_path / "c", ["seg/0.png", None, "seg/gone.png", "seg/lost.png"])
    picture(source / "seg/0.png", HALF * 255)
    for number in range(3):
        picture(source / f"masks/{number}.png", (1 - HALF) * 255)
    found = import_capture(source, tmp_path / "data")
    assert "masks: 3 of 4 frames" in found.lines()
    meant = "masks that transforms.json names are not there: 1 (seg/lost.png)"
    assert meant in found.notes  # for seg/gone.png there is one in masks/
    assert (mask_of(tmp_path / "data", 0) == (HALF == 1)).all()
    for number in (1, 2):
        assert (mask_of(tmp_path / "data", number) == (HALF == 0)).all()


def test_a_broken_mask_is_brought_along_for_ingest_to_name(tmp_path):
    source = folder(tmp_path / "c", ["seg/0.png"])
    picture(source / "seg/0.png")
    (source / "seg/0.png").write_bytes(b"no picture")
    import_capture(source, tmp_path / "data")
    assert (tmp_path / "data/masks/c/0.png").read_bytes() == b"no picture"


def test_pictures_of_two_cameras_find_their_masks(tmp_path):
    source = tmp_path / "c"
    frames = []
    for side in ("left", "right"):
        picture(source / side / "1.png")
        truth = HALF if side == "left" else 1 - HALF
        picture(source / "m" / side / "1.png", truth * 255)
        frames.append({"file_path": f"{side}/1", "mask_path": f"m/{side}/1.png"})
    (source / "transforms.json").write_text(json.dumps({"frames": frames}))
    import_capture(source, tmp_path / "data")
    assert (mask_of(tmp_path / "data", "left_1") == (HALF == 1)).all()
    assert (mask_of(tmp_path / "data", "right_1") == (HALF == 0)).all()


def test_points_come_along_and_keys_that_nobody_reads_are_named(tmp_path):
    top = {"ply_file_path": "sfm/cloud.ply", "aabb_scale": 4, "k1": 0.0}
    top |= {"train_filenames": [], "integer_depth_scale": 1}
    source = folder(tmp_path / "c", [None], top, depth_file_path="d", sharpness=1.0)
    (source / "sfm").mkdir()
    content = point_ply(np.eye(3), np.zeros((3, 3), np.uint8))
    (source / "sfm/cloud.ply").write_bytes(content)
    found = import_capture(source, tmp_path / "data")
    assert (tmp_path / "data/metadata/c/cloud.ply").read_bytes() == content
    assert found.notes[-1] == (
        "left behind of transforms.json: integer_depth_scale, train_filenames, "
        "depth_file_path of frames, sharpness of frames"
    )


def test_points_that_are_not_there_or_of_another_kind_are_said(tmp_path):
    source = folder(tmp_path / "c", [None], {"ply_file_path": "sparse_pc.ply"})
    assert find_capture(source).notes[-1] == (
        "the points that transforms.json names are not there: sparse_pc.ply"
    )
    (source / "transforms.txt").write_text("")
    folder(source, [None], {"ply_file_path": "transforms.txt"})
    found = find_capture(source)
    assert "transforms.txt, which is no .ply" in found.notes[-1]
    assert set(found.metadata) == {"transforms.json"}


@pytest.mark.parametrize(
    ("pose_file", "source", "lost"),
    [("poses.json", "poses.json", ""), ("sparse/0/cameras.bin", "sparse", "cloud.ply, ")],
)
def test_what_goes_with_its_poses_is_left_behind_with_them(
    tmp_path, pose_file, source, lost
):
    top = {"ply_file_path": "cloud.ply", "aabb_scale": 4}
    where = folder(tmp_path / "c", ["seg/0.png"], top)
    picture(where / "seg/0.png", HALF * 255)
    (where / "cloud.ply").write_text("ply")
    (where / pose_file).parent.mkdir(parents=True, exist_ok=True)
    (where / pose_file).write_text("{}")
    found = find_capture(where)
    assert ("cloud.ply" in found.metadata) == (not lost)  # ingest compares the worlds
    assert set(found.masks) == {"0.png"}  # of the picture, whatever the poses
    assert found.notes[-1] == (
        f"left behind of transforms.json, since the poses come from {source}: "
        f"{lost}aabb_scale"
    )


def test_a_model_whose_poses_do_not_count_is_left_behind_and_said(tmp_path):
    source = folder(tmp_path / "c", [None])
    for part in ("cameras", "images", "points3D"):
        (source / "colmap/sparse/0").mkdir(parents=True, exist_ok=True)
        (source / f"colmap/sparse/0/{part}.bin").write_bytes(b"")
    assert any("colmap/sparse/" in note for note in find_capture(source).notes)
    (source / "transforms.json").unlink()
    assert not any("colmap/sparse/" in note for note in find_capture(source).notes)


@pytest.mark.parametrize("content", ["[1]", '{"frames": 3}', '{"ply_file_path": 3}', "{"])
def test_broken_content_is_left_to_ingest(tmp_path, content):
    source = folder(tmp_path / "c", [None])
    (source / "transforms.json").write_text(content)
    assert "transforms.json" in find_capture(source).metadata
