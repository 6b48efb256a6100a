"""Importing captures: made-up folders of every shape, and the real ones."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mtcm_pipeline.capture_import import find_capture, import_capture
from mtcm_pipeline.errors import CaptureError, IdentityError

CAPTURES = Path(__file__).parents[1].parent / "shared" / "captures"


def put(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


def tree(root):
    return {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}


def test_everything_finds_its_place(tmp_path):
    source = put(
        tmp_path / "Bronze Head",
        "images/a.JPG", "images/b.png", "images/notes.md", "masks/a.JPG.png",
        "masks/b.png", "embeddings/a.npy", "poses.json", "transforms.json", "exif.json",
        "poses_bounds.npy", "sparse/0/cameras.bin", "original/transforms.json",
    )  # fmt: skip
    data = tmp_path / "data"
    found = import_capture(source, data)
    name = "Bronze Head"
    assert tree(data) == {
        f"raw_images/{name}/a.JPG", f"raw_images/{name}/b.png", f"masks/{name}/a.png",
        f"masks/{name}/b.png", f"embeddings/{name}/a.npy", f"metadata/{name}/poses.json",
        f"metadata/{name}/transforms.json", f"metadata/{name}/exif.json",
        f"metadata/{name}/poses_bounds.npy", f"metadata/{name}/sparse/0/cameras.bin",
    }  # fmt: skip
    assert (data / "masks" / name / "a.png").read_text() == "masks/a.JPG.png"
    assert found.pose_source == "poses.json"
    assert "masks: 2 of 2 frames" in found.lines()


def test_a_killed_import_leaves_nothing_once_it_is_done_again(tmp_path):
    source = put(tmp_path / "Head", "images/a.jpg", "masks/a.png")
    data = tmp_path / "data"
    half = put(data / "raw_images" / ".Head.tmp-4194999-0123abcd", "a.jpg")
    other = put(data / "raw_images" / ".Bust.tmp-4194999-0123abcd", "a.jpg")
    import_capture(source, data)  # Linux numbers its processes up to 4,194,303
    assert not half.exists() and other.exists()
    assert (data / "raw_images" / "Head" / "a.jpg").is_file()


def test_pictures_may_lie_in_the_folder_itself(tmp_path):
    source = put(tmp_path / "plain", "1.webp", "2.heic", "sparse/cameras.txt")
    found = find_capture(source)
    assert set(found.images) == {"1.webp", "2.heic"}
    assert found.pose_source == "sparse"


def test_what_may_not_be_read_is_left_behind_and_said(tmp_path, monkeypatch):
    source = put(tmp_path / "c", "1.jpg", "2.jpg", "masks/1.png", "masks/2.png")
    closed = {source / "2.jpg", source / "masks/1.png"}
    monkeypatch.setattr("os.access", lambda path, _: path not in closed)  # root may all
    found = find_capture(source)
    assert set(found.images) == {"1.jpg"} and set(found.masks) == {"2.png"}
    notes = " ".join(found.notes)
    assert str(source / "2.jpg") in notes and str(source / "masks/1.png") in notes
    closed.add(source / "1.jpg")
    with pytest.raises(CaptureError, match=r"can be read.*2 that you may not"):
        find_capture(source)


def test_what_is_left_behind_is_said(tmp_path):
    source = put(tmp_path / "c", "photos/1.jpg", "photos/old/2.jpg", "masks/1.tif")
    notes = " ".join(find_capture(source).notes)
    assert "old" in notes and "1 masks" in notes
    assert "structure from motion" in find_capture(source).pose_source


def test_pictures_that_cannot_be_read_and_those_deeper_down_are_said(tmp_path):
    source = put(tmp_path / "c", "1.jpg", "2.TIF", "3.cr2", "day 2/4.jpg", "text/5.md")
    put(source, "masks/1.png", ".cache/6.jpg")
    kinds, deeper = find_capture(source).notes
    assert kinds.startswith("left behind: 2 .cr2, .tif, which cannot be read")
    assert "day 2;" in deeper and "text" not in deeper and "masks" not in deeper
    assert find_capture(put(tmp_path / "d", "1.jpg", "masks/1.png")).notes == ()


def test_a_folder_without_pictures_says_where_there_are_some(tmp_path):
    source = put(tmp_path / "c", "day 1/1.jpg", "day 2/2.jpg", "3.dng")
    with pytest.raises(CaptureError, match=r"in day 1, day 2: give one.*1 \.dng"):
        find_capture(source)


def test_twins_are_refused_where_they_can_still_be_renamed(tmp_path):
    source = put(tmp_path / "c", "IMG_1.HEIC", "IMG_1.jpg")
    with pytest.raises(CaptureError, match=r"IMG_1.HEIC' and 'IMG_1.jpg"):
        import_capture(source, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_an_existing_identity_is_kept_unless_forced(tmp_path):
    data = tmp_path / "data"
    import_capture(put(tmp_path / "a", "1.jpg", "masks/1.png"), data, "X")
    other = put(tmp_path / "b", "2.jpg")
    before = tree(data)
    with pytest.raises(CaptureError, match="--force"):
        import_capture(other, data, "X")
    assert tree(data) == before
    import_capture(other, data, "X", replace=True)
    assert tree(data) == {"raw_images/X/2.jpg"}  # no mask of the old capture remains


def test_a_failing_copy_changes_nothing(tmp_path, monkeypatch):
    data = tmp_path / "data"
    import_capture(put(tmp_path / "a", "1.jpg", "masks/1.png"), data, "X")
    before = tree(data)

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr("mtcm_pipeline.identity_folders.shutil.copyfile", fail)
    with pytest.raises(OSError, match="disk full"):
        import_capture(put(tmp_path / "b", "2.jpg"), data, "X", replace=True)
    assert tree(data) == before


@pytest.mark.parametrize("name", ["../up", "a/b", "", " x"])
def test_names_that_are_no_folder_are_refused(tmp_path, name):
    with pytest.raises(IdentityError):
        import_capture(put(tmp_path / "a", "1.jpg"), tmp_path / "data", name)
    assert not (tmp_path / "data").exists()


def test_an_identity_is_not_replaced_by_itself(tmp_path):
    data = tmp_path / "data"
    import_capture(put(tmp_path / "a", "1.jpg"), data, "X")
    with pytest.raises(CaptureError, match="itself"):
        import_capture(data / "raw_images" / "X", data, "X", replace=True)
    assert tree(data) == {"raw_images/X/1.jpg"}


@pytest.mark.parametrize("files", [(), ("images/readme.txt",)])
def test_a_folder_without_pictures_is_refused(tmp_path, files):
    (tmp_path / "a").mkdir()
    with pytest.raises(CaptureError, match="no pictures"):
        find_capture(put(tmp_path / "a", *files))


def test_a_source_that_is_absent_is_refused(tmp_path):
    with pytest.raises(CaptureError, match="not a folder"):
        find_capture(tmp_path / "nothing")


@pytest.mark.skipif(not CAPTURES.is_dir(), reason=f"no real captures in {CAPTURES.name}/")
@pytest.mark.parametrize(
    ("name", "frames", "masks", "poses"),
    [
        ("fox", 50, 0, "transforms.json"),
        ("ethiopian_head", 66, 66, "transforms.json"),
        ("maryrose_tankard", 69, 69, "transforms.json"),
        ("chair_synthetic", 100, 100, "transforms.json"),
        ("skull", 66, 0, "sparse"),
    ],
)
def test_real_captures_come_in_without_hand_work(tmp_path, name, frames, masks, poses):
    found = import_capture(CAPTURES / name, tmp_path)
    assert (len(found.images), len(found.masks)) == (frames, masks)
    assert found.pose_source == poses
    copied = tmp_path / "raw_images" / name
    for file in found.images.values():
        assert (copied / file.name).read_bytes() == file.read_bytes()


def test_pictures_of_two_cameras_in_sub_folders_come_along_with_their_masks(tmp_path):
    source = put(
        tmp_path / "rig", "images/left/1.jpg", "images/right/1.jpg", "images/.x/9.jpg",
        "masks/left/1.jpg.png", "masks/right/1.png", "embeddings/left/1.npy",
    )  # fmt: skip
    import_capture(source, tmp_path / "data")
    assert tree(tmp_path / "data") == {
        "raw_images/rig/left_1.jpg", "raw_images/rig/right_1.jpg",
        "masks/rig/left_1.png", "masks/rig/right_1.png", "embeddings/rig/left_1.npy",
    }  # fmt: skip
    found = find_capture(source)
    assert found.images["left_1.jpg"].read_text() == "images/left/1.jpg"
    assert found.masks["right_1.png"].read_text() == "masks/right/1.png"
    assert any("<folder>_<file>" in line for line in found.lines())


def test_sub_folders_whose_files_would_share_a_name_are_refused(tmp_path):
    source = put(tmp_path / "c", "images/a/b_1.jpg", "images/a_b/1.jpg")
    with pytest.raises(CaptureError, match=r"a_b_1\.jpg"):
        find_capture(source)


def test_sub_folders_of_a_folder_that_is_not_for_pictures_are_not_searched(tmp_path):
    source = put(tmp_path / "c", "dense/0/1.jpg")
    with pytest.raises(CaptureError, match=r"no pictures.*in dense/0: give"):
        find_capture(source)


def listing(root, name, *paths):
    frames = [{"file_path": path} for path in paths]
    root.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(json.dumps({"frames": frames}))
    return root


def test_the_folder_that_transforms_json_names_is_taken_and_others_are_said(tmp_path):
    source = put(tmp_path / "c", "rgb/1.png", "rgb/2.png", "depth/1.png", "cover.png")
    listing(source, "transforms.json", "./rgb/1.png", "rgb\\gone.png")
    found = find_capture(source)
    assert found.images == {n: source / "rgb" / n for n in ("1.png", "2.png")}
    assert found.pose_source == "transforms.json"
    taken, left = found.notes
    assert taken == "pictures from rgb/" and "depth;" in left


def test_nerf_synthetic_brings_its_training_views_with_their_poses(tmp_path):
    source = put(tmp_path / "lego", "train/r_0.png", "test/r_0.png", "val/r_0.png")
    put(source, "test/r_0_depth_0001.png")
    for split in ("train", "test", "val"):
        listing(source, f"transforms_{split}.json", f"./{split}/r_0")
    import_capture(source, tmp_path / "data")
    assert tree(tmp_path / "data") == {
        "raw_images/lego/r_0.png", "metadata/lego/transforms.json",
    }  # fmt: skip
    copied = tmp_path / "data/metadata/lego/transforms.json"
    assert copied.read_text() == (source / "transforms_train.json").read_text()
    assert "test, val;" in find_capture(source).notes[1]
    assert f"give {source} to have them" in find_capture(source / "train").notes[0]


def test_several_folders_that_transforms_json_names_keep_apart(tmp_path):
    source = put(tmp_path / "c", "left/1.jpg", "right/1.jpg", "old/1.jpg")
    listing(source, "transforms.json", "left/1.jpg", "right/1.jpg", "../x/1.jpg")
    found = find_capture(source)
    assert set(found.images) == {"left_1.jpg", "right_1.jpg"}
    assert "within c/: old;" in found.notes[1]


@pytest.mark.parametrize("content", ["", "[1]", '{"frames": [{"file_path": 3}, 4]}'])
def test_broken_transforms_do_not_keep_pictures_from_being_found(tmp_path, content):
    source = put(tmp_path / "c", "rgb/1.png")
    (source / "transforms.json").write_text(content)
    assert set(find_capture(source).images) == {"1.png"}


def test_the_only_folder_of_pictures_is_taken_whatever_its_name(tmp_path):
    source = put(tmp_path / "c", "input/1.jpg", "masks/1.png", "images/readme.md")
    found = find_capture(source)
    assert set(found.images) == {"1.jpg"} and set(found.masks) == {"1.png"}
    assert found.notes == ("pictures from input/",)


def test_models_that_lie_elsewhere_count_where_there_are_no_other_poses(tmp_path):
    for number, folder in enumerate(("colmap/sparse/0/", "colmap_text/", "")):
        source = put(tmp_path / str(number), "images/1.jpg", "notes.txt")
        put(source, *(f"{folder}{part}.txt" for part in ("cameras", "images")))
        inner = "0/" if number == 0 else ""
        assert set(find_capture(source).metadata) == {
            f"sparse/{inner}cameras.txt", f"sparse/{inner}images.txt",
        }  # fmt: skip
        listing(source, "transforms.json", "images/1.jpg")
        assert set(find_capture(source).metadata) == {"transforms.json"}


def test_poses_that_nobody_reads_and_those_one_folder_up_are_said(tmp_path):
    source = put(tmp_path / "c", "images/1.jpg", "cameras.xml")
    assert "Metashape" in find_capture(source).notes[0]
    scan = put(tmp_path / "keyframes", "images/1.jpg", "corrected_cameras/1.json")
    assert "corrected_cameras/, poses of Polycam" in find_capture(scan).notes[0]
    assert find_capture(source / "images").notes == ()
    put(source, "sparse/0/images.bin")
    (note,) = find_capture(source / "images").notes
    assert f"give {source} to have them" in note


def test_captures_deeper_down_and_videos_are_named_where_nothing_can_be_taken(tmp_path):
    source = put(tmp_path / "c", "a/images/1.jpg", "b/0/images/2.jpg", "clip.MOV")
    put(source, "b/0/raw/3.jpg", ".git/images/4.jpg")
    with pytest.raises(CaptureError, match=r"in a, b/0, b/0/raw: .*clip.MOV is a video"):
        find_capture(source)


def test_masks_of_jpeg_become_png_but_beside_png_they_are_previews(tmp_path):
    source = put(tmp_path / "c", "images/1.JPG", "images/2.JPG", "images/3.JPG")
    truth = np.zeros((16, 24), dtype=np.uint8)
    truth[:8, 8:] = 255  # edges on JPEG's blocks, so that none is smeared
    (source / "masks").mkdir()
    Image.fromarray(truth).convert("RGB").save(source / "masks/1.JPG", quality=95)
    Image.fromarray(truth).save(source / "masks/2.JPG.jpeg", quality=95)
    put(source, "masks/3.jpg")  # no picture at all: ingest says so, with the frame
    found = import_capture(source, tmp_path / "data")
    assert "masks: 3 of 3 frames" in found.lines() and found.notes == ()
    for stem in ("1", "2"):
        content = (tmp_path / "data/masks/c" / f"{stem}.png").read_bytes()
        mask = Image.open(io.BytesIO(content))
        assert mask.format == "PNG"
        np.testing.assert_array_equal(np.array(mask), truth)
    assert (tmp_path / "data/masks/c/3.png").read_text() == "masks/3.jpg"
    put(source, "masks/1.png")
    found = find_capture(source)
    assert set(found.masks) == {"1.png"} and "3 masks" in found.notes[0]
