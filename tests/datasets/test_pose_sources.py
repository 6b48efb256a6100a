import json
from pathlib import Path

import numpy as np
import pytest
from kedro.io import DatasetError
from PIL import Image

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.capture.rotations import rotation_angle_deg
from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.datasets.pose_sources import ExifJsonDataset, PoseSourcesDataset
from mtcm_pipeline.formats.colmap import build_reconstruction
from mtcm_pipeline.formats.nerfstudio import transforms_from_cameras
from mtcm_pipeline.formats.poses_json import poses_json_from_cameras
from synthetic import orbit_cameras

CAPTURES = Path(__file__).parents[2].parent / "shared" / "captures"
POSED_FRAMES = {
    "fox": 50,
    "ethiopian_head": 66,
    "maryrose_tankard": 69,
    "chair_synthetic": 100,
    "skull": 44,
}
ORBIT = orbit_cameras(6)


@pytest.fixture
def identity(tmp_path) -> Path:
    """An identity's metadata folder beside raw images for all frames of the orbit."""
    metadata = tmp_path / "metadata" / "Bronze Head [2]"
    images = tmp_path / "raw_images" / "Bronze Head [2]"
    metadata.mkdir(parents=True)
    images.mkdir(parents=True)
    for name in ORBIT.names:
        Image.new("RGB", (8, 6)).save(images / name)
    return metadata


def dataset(metadata: Path) -> PoseSourcesDataset:
    images = metadata.parents[1] / "raw_images" / metadata.name
    return PoseSourcesDataset(path=str(metadata), images_path=str(images))


def write_json(metadata: Path, name: str, content: dict) -> None:
    (metadata / name).write_text(json.dumps(content))


def write_sparse(folder: Path, cameras: PosedCameras, *, text: bool = False) -> None:
    folder.mkdir(parents=True)
    model = build_reconstruction(cameras, cross_points(cameras.names))
    (model.write_text if text else model.write_binary)(folder)


def cross_points(names: tuple[str, ...]) -> SparsePoints:
    """Two points that every image sees."""
    count = len(names)
    return SparsePoints(
        xyz=np.eye(3)[:2],
        rgb=np.zeros((2, 3), dtype=np.uint8),
        error_px=np.ones(2),
        track_point=np.repeat([0, 1], count),
        track_image=np.tile(np.array(names), 2),
        track_xy=np.full((2 * count, 2), 3.0),
    )


def test_points_know_which_frames_their_model_had(identity):
    """Poses of six frames, a model of four, one of which sees no point."""
    write_json(identity, "poses.json", poses_json_from_cameras(ORBIT))
    posed, seeing = ORBIT.subset(ORBIT.names[:4]), ORBIT.names[:3]
    (identity / "sparse").mkdir()
    model = build_reconstruction(posed, cross_points(seeing))
    model.write_binary(identity / "sparse")
    points = dataset(identity).load().points
    assert set(points.track_image.tolist()) == set(seeing)
    assert points.images() == set(posed.names)


def test_sources_are_used_in_order(identity):
    assert dataset(identity).load() is None and not dataset(identity).exists()
    write_json(identity, "transforms.json", transforms_from_cameras(ORBIT))
    assert dataset(identity).load().cameras.source == "transforms.json"
    write_sparse(identity / "sparse", ORBIT)
    assert dataset(identity).load().cameras.source == "sparse"
    write_json(identity, "poses.json", poses_json_from_cameras(ORBIT))
    reading = dataset(identity).load()
    assert reading.cameras.source == "poses.json" and dataset(identity).exists()
    np.testing.assert_allclose(
        reading.cameras.cam_from_world, ORBIT.cam_from_world, atol=1e-12
    )


def test_llff_poses_are_the_last_resort(identity):
    axes = ORBIT.world_from_cam[:, :3, [1, 0, 2, 3]] * [1.0, 1.0, -1.0, 1.0]
    size = np.broadcast_to(np.array([[6.0], [8.0], [9.0]]), (len(ORBIT), 3, 1))
    rows = np.concatenate([axes, size], axis=2).reshape(len(ORBIT), 15)
    np.save(identity / "poses_bounds.npy", np.pad(rows, ((0, 0), (0, 2))))
    assert dataset(identity).exists()
    cameras = dataset(identity).load().cameras
    assert cameras.source == "poses_bounds.npy" and cameras.names == ORBIT.names
    np.testing.assert_allclose(cameras.cam_from_world, ORBIT.cam_from_world, atol=1e-9)
    write_json(identity, "transforms.json", transforms_from_cameras(ORBIT))
    assert dataset(identity).load().cameras.source == "transforms.json"


@pytest.mark.parametrize("content", [b"", b"not an array", b"\x93NUMPY\x01\x00"])
def test_a_broken_llff_file_stops_the_run_by_name(identity, content):
    (identity / "poses_bounds.npy").write_bytes(content)
    with pytest.raises(DatasetError, match=r"poses_bounds.npy.*delete it"):
        dataset(identity).load()


def test_all_sources_give_the_same_cameras(identity):
    write_json(identity, "transforms.json", transforms_from_cameras(ORBIT))
    nerf = dataset(identity).load().cameras
    write_sparse(identity / "sparse" / "0", ORBIT, text=True)
    colmap = dataset(identity).load().cameras
    assert nerf.names == colmap.names == ORBIT.names
    np.testing.assert_allclose(nerf.cam_from_world, colmap.cam_from_world, atol=1e-12)


def test_points_come_along_only_from_the_same_world(identity):
    write_json(identity, "poses.json", poses_json_from_cameras(ORBIT))
    write_sparse(identity / "sparse" / "0", ORBIT)
    reading = dataset(identity).load()
    assert len(reading.points) == 2 and "taken from sparse/0" in reading.notes[-1]
    shifted = Similarity(2.0, np.eye(3), np.ones(3)).cam_from_world(ORBIT.cam_from_world)
    elsewhere = PosedCameras(ORBIT.names, shifted, ORBIT.camera_ids, ORBIT.cameras)
    write_json(identity, "poses.json", poses_json_from_cameras(elsewhere))
    reading = dataset(identity).load()
    assert reading.points is None and "not used" in reading.notes[-1]


def test_largest_sub_model_is_used(identity):
    write_sparse(identity / "sparse" / "0", ORBIT.subset(ORBIT.names[:2]))
    write_sparse(identity / "sparse" / "1", ORBIT.subset(ORBIT.names[1:]))
    reading = dataset(identity).load()
    assert reading.cameras.source == "sparse/1" and len(reading.cameras) == 5
    assert "sparse/0 (2 images)" in reading.notes[0]


@pytest.mark.parametrize("text", [False, True])
def test_names_with_spaces_in_both_formats(identity, text):
    spaced = tuple(f"IMG {i}.jpg" for i in range(6))
    images = identity.parents[1] / "raw_images" / identity.name
    for old, new in zip(ORBIT.names, spaced, strict=True):
        (images / old).rename(images / new)
    cameras = PosedCameras(spaced, ORBIT.cam_from_world, ORBIT.camera_ids, ORBIT.cameras)
    write_sparse(identity / "sparse", cameras, text=text)
    reading = dataset(identity).load()
    assert reading.cameras.names == spaced
    assert set(reading.points.track_image) == set(spaced)


@pytest.mark.parametrize("name", ["cameras.bin", "images.bin", "points3D.bin"])
def test_truncated_model_stops_the_run_naming_the_file(identity, name):
    write_sparse(identity / "sparse", ORBIT)
    file = identity / "sparse" / name
    file.write_bytes(file.read_bytes()[:-5])
    with pytest.raises(DatasetError, match=rf"Head \[2\].*sparse/{name}.*truncated"):
        dataset(identity).load()


def test_truncated_text_and_partial_models_stop_the_run(identity):
    write_sparse(identity / "sparse", ORBIT, text=True)
    file = identity / "sparse" / "cameras.txt"
    whole = file.read_text()
    file.write_text(whole[: whole.index("PINHOLE") + 12])
    with pytest.raises(DatasetError, match="sparse is not a readable COLMAP model"):
        dataset(identity).load()
    file.unlink()
    with pytest.raises(DatasetError, match="only part of a COLMAP model"):
        dataset(identity).load()


@pytest.mark.parametrize("name", ["poses.json", "transforms.json"])
@pytest.mark.parametrize("broken", ['{"images": {', "[]", "\x00"])
def test_broken_json_stops_the_run_naming_file_and_remedy(identity, name, broken):
    (identity / name).write_text(broken)
    with pytest.raises(DatasetError, match=rf"(?s)Bronze Head.*{name}.*delete it"):
        dataset(identity).load()


def test_broken_model_beside_good_poses_is_only_noted(identity):
    write_json(identity, "poses.json", poses_json_from_cameras(ORBIT))
    write_sparse(identity / "sparse", ORBIT)
    (identity / "sparse" / "images.bin").write_bytes(b"")
    reading = dataset(identity).load()
    assert len(reading.cameras) == 6 and "truncated" in reading.notes[-1]


def test_angle_of_view_takes_the_size_of_the_image_itself(identity):
    content = transforms_from_cameras(ORBIT)
    frames = [
        {**f, "file_path": f["file_path"].removesuffix(".jpg")} for f in content["frames"]
    ]
    write_json(identity, "transforms.json", {"camera_angle_x": 1.0, "frames": frames})
    cameras = dataset(identity).load().cameras
    assert cameras.names == ORBIT.names
    assert (cameras.cameras[1].width, cameras.cameras[1].height) == (8, 6)


def test_relative_images_path_is_found_from_another_working_directory(
    identity, tmp_path, monkeypatch
):
    write_json(identity, "poses.json", poses_json_from_cameras(ORBIT))
    images = tmp_path / "raw_images" / identity.name
    (images / ORBIT.names[0]).unlink()
    elsewhere = tmp_path / "notebooks"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    relative = str(images.relative_to(tmp_path))
    reading = PoseSourcesDataset(path=str(identity), images_path=relative).load()
    assert len(reading.cameras) == 5 and "1 of 6" in reading.notes[0]


def test_exif_json_present_absent_and_broken(identity):
    data = ExifJsonDataset(path=str(identity / "exif.json"))
    assert data.load() == {} and not data.exists()
    (identity / "exif.json").write_text('{"a.jpg": {"timestamp": NaN}}')
    assert list(data.load()) == ["a.jpg"]
    (identity / "exif.json").write_text("{")
    with pytest.raises(DatasetError, match=r"exif\.json is not valid JSON"):
        data.load()


@pytest.mark.parametrize("make", [PoseSourcesDataset, ExifJsonDataset])
def test_inputs_are_never_written(make, tmp_path):
    extra = {"images_path": "images"} if make is PoseSourcesDataset else {}
    with pytest.raises(DatasetError):
        make(path=str(tmp_path), **extra).save({})


@pytest.mark.parametrize("capture", POSED_FRAMES)
def test_real_captures_read(capture):
    folder = CAPTURES / capture
    if not folder.is_dir():
        pytest.skip(f"no real captures at {CAPTURES}")
    reading = PoseSourcesDataset(
        path=str(folder), images_path=str(folder / "images")
    ).load()
    assert len(reading.cameras) == POSED_FRAMES[capture]
    assert not reading.problems
    # All five were shot around a subject: the optical axes must nearly meet in a point.
    centres, axes = reading.cameras.centres_xyz, reading.cameras.viewing_directions
    across = np.eye(3) - axes[:, :, None] * axes[:, None, :]
    meeting = np.linalg.solve(across.sum(0), (across @ centres[:, :, None]).sum(0))[:, 0]
    to_subject = meeting - centres
    ahead = (to_subject * axes).sum(1) / np.linalg.norm(to_subject, axis=1)
    assert np.median(ahead) > 0.95


def test_skull_model_and_transforms_agree(tmp_path):
    folder = CAPTURES / "skull"
    if not folder.is_dir():
        pytest.skip(f"no real captures at {CAPTURES}")
    images = str(folder / "images")
    model = PoseSourcesDataset(path=str(folder), images_path=images).load()
    assert model.cameras.source == "sparse/0" and len(model.points) == 3865
    (tmp_path / "transforms.json").write_bytes((folder / "transforms.json").read_bytes())
    nerf = PoseSourcesDataset(path=str(tmp_path), images_path=images).load().cameras
    ours = model.cameras.subset(nerf.names)
    spread = np.linalg.norm(np.ptp(ours.centres_xyz, axis=0))
    assert np.abs(ours.centres_xyz - nerf.centres_xyz).max() < 1e-6 * spread
    angles = rotation_angle_deg(
        ours.cam_from_world[:, :3, :3], nerf.cam_from_world[:, :3, :3]
    )
    assert angles.max() < 1e-4
