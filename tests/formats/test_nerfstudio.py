import json
import math

import numpy as np
import pytest
from pose_oracles import (
    LENSES,
    NERFSTUDIO_MODELS,
    assert_same_cameras,
    lens,
    random_cameras,
)

from mtcm_pipeline.capture.cameras import Camera
from mtcm_pipeline.errors import CaptureError, ExportError, FileContentError
from mtcm_pipeline.formats.camera_models import pycolmap_camera
from mtcm_pipeline.formats.nerfstudio import read_transforms, transforms_from_cameras

SHARED = {"fl_x": 50.0, "fl_y": 51.0, "cx": 32.0, "cy": 24.0, "w": 64, "h": 48}


def frame(path: str = "images/a.jpg", matrix=None, **keys) -> dict:
    matrix = np.eye(4) if matrix is None else np.asarray(matrix)
    return {"file_path": path, "transform_matrix": matrix.tolist(), **keys}


def only_camera(content, **kwargs) -> Camera:
    reading = read_transforms(content, **kwargs)
    assert not reading.problems
    return reading.cameras.camera_of(reading.cameras.names[0])


def test_opengl_camera_by_hand():
    # OpenGL identity: at the origin, looks along the world's -z, y up, x to the right.
    pose = np.eye(4)
    pose[:3, 3] = [1, 2, 3]
    cameras = read_transforms({**SHARED, "frames": [frame(matrix=pose)]}).cameras
    np.testing.assert_allclose(cameras.centres_xyz, [[1, 2, 3]])
    np.testing.assert_allclose(cameras.viewing_directions, [[0, 0, -1]])
    np.testing.assert_allclose(cameras.up_directions, [[0, 1, 0]])
    # A point one unit right of and two units above the axis, ten ahead of the camera.
    x, y, z, _ = cameras.cam_from_world[0] @ [1 + 1, 2 + 2, 3 - 10, 1]
    assert (x, y, z) == pytest.approx((1, -2, 10))


def test_round_trip_in_opencv_with_shared_and_with_own_intrinsics():
    one = random_cameras(6)
    content = json.loads(json.dumps(transforms_from_cameras(one)))
    assert "fl_x" in content and "fl_x" not in content["frames"][0]
    assert_same_cameras(read_transforms(content).cameras, one)
    wide = Camera("OPENCV", 320, 200, (200, 200, 160, 100, 0.1, 0, 0, 0))
    two = random_cameras(6, cameras=(lens("OPENCV"), wide))
    content = json.loads(json.dumps(transforms_from_cameras(two)))
    assert "fl_x" not in content and "k1" in content["frames"][0]
    assert_same_cameras(read_transforms(content).cameras, two)


@pytest.mark.parametrize("model", NERFSTUDIO_MODELS)
def test_expressible_models_project_the_same_after_a_round_trip(model):
    posed = random_cameras(1, cameras=(lens(model),))
    camera = only_camera(transforms_from_cameras(posed))
    rng = np.random.default_rng(0)
    points = np.column_stack([rng.uniform(-1, 1, (40, 2)), rng.uniform(2, 3, 40)])
    before = pycolmap_camera(lens(model)).img_from_cam(points)
    after = pycolmap_camera(camera).img_from_cam(points)
    np.testing.assert_allclose(after, before, atol=1e-9)


@pytest.mark.parametrize("model", sorted(set(LENSES) - set(NERFSTUDIO_MODELS)))
def test_other_models_are_refused_by_name_with_a_remedy(model):
    posed = random_cameras(1, cameras=(lens(model),))
    with pytest.raises(ExportError, match=rf"IMG 00\.jpg.*{model}.*undistort"):
        transforms_from_cameras(posed)


def test_full_opencv_without_denominator_is_expressible_in_k3():
    full = Camera("FULL_OPENCV", 640, 480, (*LENSES["OPENCV"], 0.01, 0, 0, 0))
    posed = random_cameras(1, cameras=(full,))
    assert only_camera(transforms_from_cameras(posed)) == full


def test_mixed_lenses():
    mixed = random_cameras(2, cameras=(lens("PINHOLE"), lens("SIMPLE_RADIAL")))
    content = transforms_from_cameras(mixed)
    assert content["camera_model"] == "OPENCV"
    assert content["frames"][0]["k1"] == 0 and content["frames"][1]["k1"] == 0.05
    with pytest.raises(ExportError, match="one lens a file"):
        transforms_from_cameras(
            random_cameras(2, cameras=(lens("PINHOLE"), lens("FISHEYE")))
        )


def test_masks_are_named_for_all_frames_or_for_none():
    posed = random_cameras(2)
    some = transforms_from_cameras(posed, {posed.names[0]: "masks/a.png"})
    every = transforms_from_cameras(posed, dict.fromkeys(posed.names, "masks/a.png"))
    assert not any("mask_path" in f for f in some["frames"])
    assert all(f["mask_path"] == "masks/a.png" for f in every["frames"])


def test_nerf_synthetic_dialect_takes_the_image_size():
    angle = 2 * math.atan(0.5)  # half the width over the focal length is 1/2
    content = {"camera_angle_x": angle, "frames": [frame("./train/r_0")]}
    sizes = {"r_0.png": (800, 600)}
    camera = only_camera(content, image_names=sizes, image_size=sizes.get)
    assert (camera.model, camera.width, camera.height) == ("PINHOLE", 800, 600)
    assert camera.params == pytest.approx((800, 800, 400, 300))
    reading = read_transforms(content)
    assert "image size is unknown" in reading.problems["r_0"]


def test_fisheye_dialects():
    k = {"k1": 0.1, "k2": 0.02, "k3": 0.003, "k4": 0.0004}
    ngp = {**SHARED, **k, "is_fisheye": True, "frames": [frame()]}
    nerfstudio = {**SHARED, **k, "camera_model": "OPENCV_FISHEYE", "frames": [frame()]}
    meant = Camera("OPENCV_FISHEYE", 64, 48, (50, 51, 32, 24, 0.1, 0.02, 0.003, 0.0004))
    assert only_camera(ngp) == only_camera(nerfstudio) == meant


def test_k3_needs_full_opencv_and_k4_is_refused():
    camera = only_camera({**SHARED, "k1": 0.1, "k3": 0.01, "frames": [frame()]})
    assert camera.model == "FULL_OPENCV"
    assert camera.params[4:] == (0.1, 0, 0, 0, 0.01, 0, 0, 0)
    reading = read_transforms({**SHARED, "k4": 0.1, "frames": [frame()]})
    assert "k4" in reading.problems["a.jpg"]


def test_scaled_rotation_is_normalised_and_the_centre_kept():
    pose = np.diag([2.0, 2.0, 2.0, 1.0])
    pose[:3, 3] = [1, 2, 3]
    reading = read_transforms({**SHARED, "frames": [frame(matrix=pose)]})
    np.testing.assert_allclose(reading.cameras.centres_xyz, [[1, 2, 3]])
    np.testing.assert_allclose(reading.cameras.viewing_directions, [[0, 0, -1]])
    assert "1 rotations were scaled" in reading.notes[0]


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (frame(matrix=np.diag([1.0, 1, -1, 1])), "mirrors"),
        (frame(matrix=np.zeros((4, 4))), "no rotation"),
        (frame(matrix=np.diag([1.0, 1.2, 1, 1])), "not rigid"),
        (frame(matrix=np.full((4, 4), np.nan)), "not finite"),
        ({"file_path": "images/a.jpg"}, "transform_matrix is missing"),
        (frame(fl_x="wide"), "fl_x"),
        (frame(fl_x=0), "focal length of 0"),
        (frame(w=0), "not positive"),
        (frame(camera_model="EQUIRECTANGULAR"), "EQUIRECTANGULAR"),
    ],
)
def test_bad_frame_is_left_out_and_named(bad, why):
    reading = read_transforms({**SHARED, "frames": [bad, frame("images/b.jpg")]})
    assert reading.cameras.names == ("b.jpg",)
    assert why in reading.problems["a.jpg"]


@pytest.mark.parametrize("factor", [0.4, 2.0])
def test_intrinsics_of_another_size_that_is_not_said_are_refused(factor):
    keys = {k: factor * SHARED[k] for k in ("fl_x", "fl_y", "cx", "cy")}
    size = {"a.jpg": (64, 48)}
    untold = read_transforms({**keys, "frames": [frame()]}, image_size=size.get)
    assert len(untold.cameras) == 0
    assert f"({32 * factor:g}, {24 * factor:g}) px" in untold.problems["a.jpg"]
    assert "64x48 px" in untold.problems["a.jpg"] and "'w'" in untold.problems["a.jpg"]
    told = {**keys, "w": round(64 * factor), "h": round(48 * factor)}
    assert len(read_transforms({**told, "frames": [frame()]}).cameras) == 1
    own = {k: SHARED[k] for k in keys}
    camera = only_camera({**own, "frames": [frame()]}, image_size=size.get)
    assert (camera.width, camera.height, camera.params) == (64, 48, (50, 51, 32, 24))


def test_absent_images_repeated_and_nameless_entries_are_noted():
    frames = [frame(), frame(), {"transform_matrix": []}, frame("images/gone.jpg")]
    reading = read_transforms({**SHARED, "frames": frames}, ["a.jpg"])
    assert reading.cameras.names == ("a.jpg",)
    notes = " ".join(reading.notes)
    assert "listed twice" in notes and "no file_path" in notes and "gone.jpg" in notes


def test_same_base_name_in_two_folders_is_an_error_that_names_both():
    frames = [frame("train/r_0.png"), frame("test/r_0.png")]
    with pytest.raises(CaptureError, match=r"train/r_0\.png.*test/r_0\.png"):
        read_transforms({**SHARED, "frames": frames})


@pytest.mark.parametrize("broken", [[], {}, {"frames": {}}, {"frames": []}, None])
def test_file_that_is_broken_as_a_whole_is_refused(broken):
    with pytest.raises(FileContentError, match=r"transforms\.json.*delete it"):
        read_transforms(broken)
