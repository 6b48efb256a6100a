"""A nerfstudio folder through import, reading and export, and back again."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from export_captures import OPENCV, capture, export_to, image_loaders, mask_png
from PIL import Image

from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.capture_import import import_capture
from mtcm_pipeline.datasets.pose_sources import PoseSourcesDataset, TrainerKeysDataset
from mtcm_pipeline.export.bundle import build_export
from mtcm_pipeline.export.readback import check_export
from mtcm_pipeline.formats.camera_models import pycolmap_camera
from mtcm_pipeline.formats.point_ply import point_ply
from mtcm_pipeline.formats.poses_json import poses_json_from_cameras
from mtcm_pipeline.ingest.frame_poses import FramePoses

RNG = np.random.default_rng(5)
POINTS = SparsePoints.untracked(
    RNG.uniform(-0.3, 0.3, (60, 3)), RNG.integers(0, 256, (60, 3)).astype(np.uint8)
)
KEYS = {"aabb_scale": 4, "applied_transform": [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, -1, 0]]}


def imported(folder, data):
    """The reading, and the keys for trainers, of a folder that was imported."""
    import_capture(folder, data, "c")
    poses = PoseSourcesDataset(
        path=str(data / "metadata/c"), images_path=str(data / "raw_images/c")
    )
    keys = TrainerKeysDataset(path=str(data / "metadata/c/transforms.json"))
    return poses.load(), keys.load()


def exported(folder, cameras, **kwargs):
    files = build_export(
        cameras.names,
        cameras=cameras,
        images=image_loaders(cameras),
        points=POINTS,
        trainer_keys=KEYS,
        **kwargs,
    )
    export_to(folder, files)
    assert check_export(
        folder, cameras, cameras.names, undistort=kwargs.get("undistort", False)
    )["ok"].all()
    return folder


def pixels(cameras, xyz):
    """(N, P, 2) where each camera has the points."""
    return np.stack(
        [
            pycolmap_camera(cameras.camera_of(name)).img_from_cam(
                xyz @ pose[:3, :3].T + pose[:3, 3]
            )
            for name, pose in zip(cameras.names, cameras.cam_from_world, strict=True)
        ]
    )


@pytest.mark.parametrize("undistort", [False, True])
def test_export_and_import_give_the_same_points_in_the_same_world(tmp_path, undistort):
    cameras = capture(OPENCV)
    masks = {f"{name.split('.')[0]}.png": mask_png for name in cameras.names}
    folder = exported(tmp_path / "e", cameras, masks=masks, undistort=undistort)
    assert (
        "which frames\n    see them was not said" in (folder / "README.txt").read_text()
    )
    shutil.rmtree(folder / "sparse")  # else its poses would count
    reading, keys = imported(folder, tmp_path / "data")
    points = FramePoses.matched(reading, cameras.names).points()
    np.testing.assert_allclose(points.xyz, POINTS.xyz, atol=1e-6)
    np.testing.assert_array_equal(points.rgb, POINTS.rgb)
    assert not points.has_tracks and (points.error_px == -1).all()
    np.testing.assert_allclose(
        reading.cameras.cam_from_world, cameras.cam_from_world, atol=1e-9
    )
    assert keys == KEYS
    assert len(list((tmp_path / "data/masks/c").iterdir())) == len(cameras)
    assert any("60 points without tracks" in note for note in reading.notes)


def test_a_model_beside_has_all_points_for_trainers_that_read_colmap(tmp_path):
    folder = exported(tmp_path / "e", capture(n=3))
    import pycolmap

    model = pycolmap.Reconstruction(folder / "sparse/0")
    xyz = np.array([model.points3D[i].xyz for i in sorted(model.points3D)])
    np.testing.assert_allclose(xyz, POINTS.xyz)
    assert all(p.track.length() == 0 for p in model.points3D.values())


def test_points_lie_where_ns_process_data_puts_them(tmp_path):
    """As nerfstudio's colmap_utils writes it: cameras and points are both moved by
    `applied_transform`, and its dataparser moves both on by one similarity."""
    cameras = capture(OPENCV, n=4)
    moved = np.vstack([KEYS["applied_transform"], [0, 0, 0, 1]])
    frames = []
    for name, world_from_cam in zip(cameras.names, cameras.world_from_cam, strict=True):
        opengl = world_from_cam @ np.diag([1.0, -1.0, -1.0, 1.0])
        matrix = (moved @ opengl).tolist()
        frames.append({"file_path": f"images/{name}", "transform_matrix": matrix})
    k1, k2, p1, p2 = OPENCV.params[4:]
    fx, fy, cx, cy = OPENCV.params[:4]
    lens = {"fl_x": fx, "fl_y": fy, "cx": cx, "cy": cy, "w": 400, "h": 300}
    lens |= {"k1": k1, "k2": k2, "p1": p1, "p2": p2, "camera_model": "OPENCV"}
    folder = tmp_path / "ns"
    (folder / "images").mkdir(parents=True)
    for name in cameras.names:
        Image.new("RGB", (400, 300)).save(folder / "images" / name)
    content = {**lens, **KEYS, "ply_file_path": "sparse_pc.ply", "frames": frames}
    (folder / "transforms.json").write_text(json.dumps(content))
    xyz = POINTS.xyz @ moved[:3, :3].T + moved[:3, 3]
    (folder / "sparse_pc.ply").write_bytes(point_ply(xyz, POINTS.rgb))
    reading, keys = imported(folder, tmp_path / "data")
    assert keys == KEYS and reading.cameras.names == cameras.names
    np.testing.assert_allclose(
        pixels(reading.cameras, reading.points.xyz),
        pixels(cameras, POINTS.xyz),
        atol=1e-6,
    )


@pytest.mark.parametrize("harm", ["absent", "broken"])
def test_points_that_cannot_be_read_do_not_stop_the_poses(tmp_path, harm):
    folder = exported(tmp_path / "e", capture(n=3))
    shutil.rmtree(folder / "sparse")
    imported(folder, tmp_path / "data")
    ply = tmp_path / "data/metadata/c/sparse_pc.ply"
    if harm == "absent":
        ply.unlink()
    else:
        ply.write_bytes(ply.read_bytes()[:-40])
    reading = PoseSourcesDataset(
        path=str(ply.parent), images_path=str(tmp_path / "data/raw_images/c")
    ).load()
    assert len(reading.cameras) == 3 and reading.points is None
    assert any("its points were not used" in note for note in reading.notes)


def test_keys_that_json_cannot_say_are_not_carried(tmp_path):
    file = tmp_path / "transforms.json"
    assert TrainerKeysDataset(path=str(file)).load() == {}
    file.write_text('{"aabb_scale": NaN, "scale": 0.5, "offset": null, "frames": []}')
    assert TrainerKeysDataset(path=str(file)).load() == {"scale": 0.5}
    file.write_text("{broken")  # beside a poses.json it stops no run
    assert TrainerKeysDataset(path=str(file)).load() == {}


@pytest.mark.parametrize(("moved", "kept"), [(3, True), (8, False)])
def test_refined_poses_beside_keep_the_points_another_world_does_not(
    tmp_path, moved, kept
):
    """poses.json counts before transforms.json; fine-tuning writes such a file."""
    cameras = capture()
    folder = exported(tmp_path / "e", cameras)
    shutil.rmtree(folder / "sparse")
    poses = np.array(cameras.cam_from_world)
    poses[:moved, :3, 3] += 0.5
    refined = replace(cameras, cam_from_world=poses)
    content = json.dumps(poses_json_from_cameras(refined))
    (folder / "poses.json").write_text(content)
    reading, _ = imported(folder, tmp_path / "data")
    assert reading.cameras.source == "poses.json"
    assert (reading.points is not None) == kept
    if kept:
        np.testing.assert_allclose(reading.points.xyz, POINTS.xyz, atol=1e-6)
    assert "60 points taken" in reading.notes[-1] or "were not used" in reading.notes[-1]
