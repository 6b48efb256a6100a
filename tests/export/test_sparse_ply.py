"""nerfstudio's starting points, opened by plyfile and seen by the exported cameras."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from export_captures import capture, export_to, image_loaders, points_on_axes
from plyfile import PlyData
from scipy.spatial.transform import Rotation

from mtcm_pipeline.capture.cameras import Camera
from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.errors import ExportError
from mtcm_pipeline.export.bundle import build_export
from mtcm_pipeline.export.readback import check_export

RNG = np.random.default_rng(7)
PINHOLE = Camera("PINHOLE", 400, 300, (350.0, 360.0, 203.0, 148.0))


def observed_points(cameras, count=40) -> SparsePoints:
    """Points about the origin with the pixels at which OpenCV's cameras have them."""
    xyz = RNG.uniform(-0.3, 0.3, (count, 3))
    fx, fy, cx, cy = cameras.camera_of(cameras.names[0]).params
    seen = [(xyz @ pose[:3, :3].T + pose[:3, 3]) for pose in cameras.cam_from_world]
    pixels = [np.c_[fx * p[:, 0], fy * p[:, 1]] / p[:, 2:] + (cx, cy) for p in seen]
    return SparsePoints(
        xyz=xyz,
        rgb=RNG.integers(0, 256, (count, 3)).astype(np.uint8),
        error_px=np.zeros(count),
        track_point=np.tile(np.arange(count), len(cameras)),
        track_image=np.repeat(np.array(cameras.names), count),
        track_xy=np.concatenate(pixels),
    )


def opened(files) -> tuple[np.ndarray, np.ndarray]:
    vertex = PlyData.read(io.BytesIO(files["sparse_pc.ply"]))["vertex"]
    xyz = np.stack([vertex[axis] for axis in "xyz"], axis=1)
    return xyz, np.stack([vertex[c] for c in ("red", "green", "blue")], axis=1)


def test_exported_cameras_see_the_points_where_the_photographs_have_them():
    cameras = capture(PINHOLE)
    points = observed_points(cameras)
    names = cameras.names[::2]
    files = build_export(
        names, cameras=cameras, images=image_loaders(cameras), points=points
    )
    content = json.loads(files["transforms.json"])
    assert content["ply_file_path"] == "sparse_pc.ply"
    assert "applied_transform" not in content  # the capture's own world, for both
    xyz, rgb = opened(files)
    assert (rgb == points.rgb).all()
    # As nerfstudio's dataparser does it: one similarity for cameras and points.
    turn, shift = Rotation.from_rotvec([0.4, -1.1, 0.7]).as_matrix(), [3.0, -2.0, 0.5]
    moved = 0.37 * (xyz @ turn.T + shift)
    for frame in content["frames"]:
        matrix = np.array(frame["transform_matrix"])
        right, up, backward = (turn @ matrix[:3, :3]).T
        offset = moved - 0.37 * (turn @ matrix[:3, 3] + shift)
        depth = -offset @ backward
        u = content["fl_x"] * (offset @ right) / depth + content["cx"]
        v = -content["fl_y"] * (offset @ up) / depth + content["cy"]
        name = frame["file_path"].removeprefix("images/")
        meant = points.track_xy[points.track_image == name]
        np.testing.assert_allclose(np.c_[u, v], meant, atol=1e-3)


def test_only_points_that_two_of_the_chosen_frames_see_are_written():
    cameras = capture()
    files = build_export(
        cameras.names[:3],
        cameras=cameras,
        images=image_loaders(cameras),
        points=points_on_axes(cameras),  # the third has one observation
    )
    assert opened(files)[0].tolist() == np.float32([[0.1, 0, 0], [0, 0.1, 0]]).tolist()


def test_a_point_far_from_the_origin_keeps_its_digits(tmp_path):
    cameras = capture()
    points = points_on_axes(cameras)
    far = SparsePoints(
        points.xyz + np.array([500_000.0, 5_400_000.0, 0.0]),
        points.rgb,
        points.error_px,
        points.track_point,
        points.track_image,
        points.track_xy,
    )
    files = build_export(
        cameras.names, cameras=cameras, images=image_loaders(cameras), points=far
    )
    rows = files["sparse_pc.ply"].decode().split("end_header\n")[1].split("\n")
    assert rows[0].split()[:3] == ["500000.1", "5400000", "0"]
    assert check_export(export_to(tmp_path, files), cameras, cameras.names)["ok"].all()


def test_black_points_have_no_colours_and_no_points_no_file():
    cameras = capture(n=3)
    given = {"cameras": cameras, "images": image_loaders(cameras)}
    black = points_on_axes(cameras)
    black.rgb[:] = 0
    files = build_export(cameras.names, points=black, **given)
    vertex = PlyData.read(io.BytesIO(files["sparse_pc.ply"]))["vertex"]
    assert [p.name for p in vertex.properties] == ["x", "y", "z"]
    for none in (None, SparsePoints.empty()):
        files = build_export(cameras.names, points=none, **given)
        assert "sparse_pc.ply" not in files
        assert "ply_file_path" not in json.loads(files["transforms.json"])
        assert "sparse_pc.ply" not in files["README.txt"]


@pytest.mark.parametrize("harm", ["moved", "lost", "unnamed"])
def test_reading_back_sees_points_that_are_not_those_of_the_model(tmp_path, harm):
    cameras = capture(n=3)
    files = build_export(
        cameras.names,
        cameras=cameras,
        images=image_loaders(cameras),
        points=points_on_axes(cameras),
    )
    folder = export_to(tmp_path, files)
    table = check_export(folder, cameras, cameras.names)
    row = table.set_index("check").loc["points in sparse_pc.ply"]
    assert isinstance(row, pd.Series) and row["ok"]
    ply, named = folder / "sparse_pc.ply", folder / "transforms.json"
    if harm == "moved":
        ply.write_text(ply.read_text().replace("\n0.1 0 0", "\n0.11 0 0"))
    elif harm == "lost":
        ply.write_text(ply.read_text().replace("\n0.1 0 0 200 200 200", ""))
    else:
        named.write_text(named.read_text().replace("ply_file_path", "other"))
    with pytest.raises(ExportError, match=r"points in sparse_pc\.ply"):
        check_export(folder, cameras, cameras.names)
