import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mtcm_pipeline.benchmarks.captures import (
    load_photos,
    read_reference,
    sample_photos,
)
from mtcm_pipeline.capture_import import find_capture
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.formats.colmap import build_reconstruction
from mtcm_pipeline.formats.nerfstudio import transforms_from_cameras
from mtcm_pipeline.sample.generate import generate_sample
from mtcm_pipeline.sample.options import SampleOptions
from synthetic import CAMERA, orbit_cameras

REAL = Path(__file__).parents[2].parent / "shared" / "captures"
TINY = SampleOptions(frames=12, width=60, height=80, voxel_mm=8.0, supersample=1)
ORBIT = orbit_cameras(12)
DISC = np.hypot(*(np.indices((300, 400)) - np.array([150, 200])[:, None, None])) < 90


def write_masks(folder: Path) -> None:
    """The same disc in five encodings."""
    folder.mkdir()
    grey = np.where(DISC, 255, 0).astype(np.uint8)
    alpha = np.dstack([np.full((300, 400, 3), 90, np.uint8), grey])
    written = {
        "f000.png": Image.fromarray(grey),
        "f001.png": Image.fromarray(DISC.astype(np.uint8)),  # 0 and 1
        "f002.png": Image.fromarray(DISC),  # 1 bit
        "f003.png": Image.fromarray(alpha),
        "f004.jpg.png": Image.fromarray(np.dstack([grey] * 3)),  # COLMAP's name
    }
    for name, mask in written.items():
        mask.save(folder / name)


@pytest.fixture
def capture(tmp_path) -> Path:
    folder = tmp_path / "a capture"
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in (*ORBIT.names[1:], "posed_by_nobody.jpg"):
        blocks = rng.integers(0, 256, (6, 8, 3)).astype(np.uint8)
        picture = Image.fromarray(np.kron(blocks, np.ones((50, 50, 1), np.uint8)))
        picture.save(folder / "images" / name, quality=95)
    (folder / "transforms.json").write_text(json.dumps(transforms_from_cameras(ORBIT)))
    write_masks(folder / "masks")
    return folder


def test_frames_with_pose_and_photograph_are_read_and_the_others_counted(capture, caplog):
    with caplog.at_level("INFO"):
        photos = load_photos(capture)
    assert photos.identity == "a capture"
    assert photos.names == ORBIT.names[1:]  # the first has a pose but no photograph
    assert "1 of 12 frames left out: posed_by_nobody.jpg" in caplog.text
    assert "f000.jpg" in caplog.text
    np.testing.assert_allclose(
        photos.cameras.cam_from_world, ORBIT.cam_from_world[1:], atol=1e-9
    )
    assert sorted(photos.masks) == [f"f00{i}.jpg" for i in (1, 2, 3, 4)]
    for mask in photos.masks.values():
        assert (mask == DISC).all()


@pytest.mark.parametrize("side", [200, 133, 97])
def test_scaled_photographs_show_points_at_scaled_places(capture, side):
    photos = load_photos(capture, side)
    factor = side / 400
    fx, fy, cx, cy = CAMERA.params
    for name in photos.names:
        camera, rgb = photos.cameras.camera_of(name), photos.images[name]
        assert camera.params == pytest.approx([v * factor for v in (fx, fy, cx, cy)])
        assert (camera.width, camera.height) == (side, int(300 * factor + 1e-9))
        assert rgb.shape == (camera.height, side, 3)
    # The middle of a block of 50 px keeps its colour.
    full = load_photos(capture)
    for column in (25, 175, 375):
        small = photos.images["f003.jpg"][int(125 * factor), int(column * factor)]
        large = full.images["f003.jpg"][125, column]
        assert np.abs(small.astype(int) - large).max() < 12
    area = photos.masks["f003.jpg"].mean()
    assert area == pytest.approx(DISC.mean(), rel=0.02)


def test_names_are_in_natural_order_without_times(capture):
    names = ["r_1.jpg", "r_2.jpg", "r_10.jpg"]
    content = json.loads((capture / "transforms.json").read_text())
    content["frames"] = content["frames"][1:4]
    for frame, old, new in zip(
        content["frames"], ORBIT.names[1:4], reversed(names), strict=True
    ):
        (capture / "images" / old).rename(capture / "images" / new)
        frame["file_path"] = f"images/{new}"
    (capture / "transforms.json").write_text(json.dumps(content))
    photos = load_photos(capture)
    assert photos.names == tuple(names) and not photos.seconds
    # With times, these decide.
    times = {name: {"timestamp": 100.0 - i} for i, name in enumerate(names)}
    (capture / "exif.json").write_text(json.dumps(times))
    photos = load_photos(capture)
    assert photos.names == tuple(reversed(names))
    assert photos.seconds == {"r_10.jpg": 0.0, "r_2.jpg": 1.0, "r_1.jpg": 2.0}


def test_without_poses_it_says_what_to_put_there(capture):
    (capture / "transforms.json").unlink()
    with pytest.raises(CaptureError, match=r"put poses\.json"):
        load_photos(capture)


@pytest.fixture(scope="module")
def generated():
    return generate_sample(TINY)


@pytest.mark.parametrize("layout", ["one folder", "project"])
def test_a_generated_capture_is_read_with_its_given_or_its_true_poses(
    generated, tmp_path, layout
):
    for part, files in generated.parts.items():
        folder = tmp_path / part / ("it" if layout == "project" else "")
        folder.mkdir(parents=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)
    folder = tmp_path / "raw_images" / "it" if layout == "project" else tmp_path
    given, true = load_photos(folder), load_photos(folder, clean_poses=True)
    truth = generated.truth
    assert given.names == true.names == truth.cameras.names
    assert len(true.masks) == 11  # one is missing on purpose
    assert list(true.seconds.values()) == sorted(true.seconds.values())
    np.testing.assert_allclose(
        given.cameras.cam_from_world, truth.given.cam_from_world, atol=1e-9
    )
    # A point is where the true camera sees it, whatever the world.
    point = np.array([0.05, -0.1, 0.02, 1.0])
    in_world = truth.world_from_subject @ point
    seen = [
        (pose @ at)[:2] / (pose @ at)[2]
        for poses, at in (
            (true.cameras.cam_from_world, in_world),
            (truth.cameras.cam_from_world, point),
        )
        for pose in poses
    ]
    np.testing.assert_allclose(seen[:12], seen[12:], atol=1e-9)
    wrong = [name for name, kind in truth.faults.items() if kind == "wrong_pose"]
    moved = np.abs(given.cameras.cam_from_world - true.cameras.cam_from_world)
    off = moved.max(axis=(1, 2)) > 0.1
    assert [n for n, bad in zip(given.names, off, strict=True) if bad] == wrong


def test_only_generated_captures_have_true_poses(capture):
    with pytest.raises(CaptureError, match="only a generated capture knows"):
        load_photos(capture, clean_poses=True)


def test_a_sample_in_memory_has_no_faults(generated):
    photos = sample_photos(TINY)
    assert len(photos) == len(photos.masks) == len(photos.seconds) == 12
    assert photos.images[photos.names[0]].shape == (80, 60, 3)
    assert list(photos.seconds.values()) == sorted(photos.seconds.values())
    # All cameras look at the subject: the mask's middle is where the axes meet.
    for name in photos.names:
        rows, columns = np.nonzero(photos.masks[name])
        assert abs(columns.mean() - 30) < 12 and abs(rows.mean() - 40) < 20


@pytest.mark.skipif(not REAL.is_dir(), reason="../shared/captures is not there")
def test_every_real_capture_is_read():
    expected = {
        "chair_synthetic": (100, 100),
        "ethiopian_head": (66, 66),
        "fox": (50, 0),
        "maryrose_tankard": (69, 69),
        "skull": (44, 0),
    }
    for name, (frames, masks) in expected.items():
        photos = load_photos(REAL / name, 100)
        assert (len(photos), len(photos.masks)) == (frames, masks)
        assert all(max(rgb.shape) == 100 for rgb in photos.images.values())


def test_a_colmap_model_serves_as_the_reference(capture):
    (capture / "transforms.json").unlink()
    with pytest.raises(CaptureError, match="no poses to compare with"):
        read_reference(find_capture(capture))
    folder = capture / "sparse" / "0"
    folder.mkdir(parents=True)
    build_reconstruction(ORBIT).write_binary(folder)
    given = read_reference(find_capture(capture))
    assert given.names == ORBIT.names[1:]
    np.testing.assert_allclose(given.cam_from_world, ORBIT.cam_from_world[1:], atol=1e-9)
