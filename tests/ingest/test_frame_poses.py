"""Poses tied to images: names, sizes, tracks; projections are the oracle."""

import numpy as np
import pytest
from ingest_captures import HEIGHT, WIDTH, reading

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.formats.camera_models import pycolmap_camera
from mtcm_pipeline.formats.reading import PoseReading
from mtcm_pipeline.ingest.frame_poses import FramePoses

NAMES = ("a.jpg", "b.jpg", "c.jpg")


def test_without_poses_there_is_nothing():
    poses = FramePoses.matched(None, NAMES)
    assert len(poses.cameras()) == 0
    assert poses.camera_of("a.jpg") is None
    assert poses.size_of("a.jpg") is None
    assert poses.fit("a.jpg", 10, 10) == ()
    assert poses.notes() == ()
    assert poses.points() is None


def test_names_are_matched_and_strangers_named():
    given = reading(["C.JPG", "a.heic", "zz.jpg"], problems={"b.png": "length zero"})
    poses = FramePoses.matched(given, NAMES)
    cameras = poses.cameras()
    assert cameras.names == ("a.jpg", "c.jpg")  # the images' order and names
    assert np.array_equal(cameras.pose_of("c.jpg"), given.cameras.pose_of("C.JPG"))
    assert np.array_equal(cameras.pose_of("a.jpg"), given.cameras.pose_of("a.heic"))
    assert poses.problems == {"b.jpg": "length zero"}
    assert any("zz.jpg" in note for note in poses.notes())


def test_a_camera_of_another_size_is_scaled_with_its_projections():
    given = reading(NAMES, width=2 * WIDTH, height=2 * HEIGHT)
    poses = FramePoses.matched(given, NAMES)
    for name in NAMES:
        assert poses.fit(name, WIDTH, HEIGHT) == ()
    cameras = poses.cameras()
    assert len(cameras.cameras) == 1
    camera = cameras.camera_of("b.jpg")
    assert (camera.width, camera.height) == (WIDTH, HEIGHT)
    points = np.random.default_rng(0).uniform([-0.3, -0.3, 1], [0.3, 0.3, 2], (9, 3))
    before = pycolmap_camera(given.cameras.camera_of("b.jpg")).img_from_cam(points)
    assert np.allclose(pycolmap_camera(camera).img_from_cam(points), np.array(before) / 2)
    assert np.array_equal(cameras.cam_from_world, given.cameras.cam_from_world)
    assert any("3 cameras" in note for note in poses.notes())


def test_images_of_two_sizes_share_no_camera():
    poses = FramePoses.matched(reading(NAMES), NAMES)
    poses.fit("a.jpg", WIDTH, HEIGHT)
    poses.fit("b.jpg", 2 * WIDTH, 2 * HEIGHT)
    poses.fit("c.jpg", 2 * WIDTH, 2 * HEIGHT)
    cameras = poses.cameras()
    assert cameras.camera_ids[1] == cameras.camera_ids[2] != cameras.camera_ids[0]
    assert cameras.camera_of("b.jpg").params[0] == 200.0
    assert cameras.camera_of("a.jpg").params[0] == 100.0


def test_a_camera_of_another_shape_loses_its_pose_and_says_both_sizes():
    poses = FramePoses.matched(reading(NAMES), NAMES)
    (problem,) = poses.fit("b.jpg", HEIGHT, WIDTH)
    assert f"{WIDTH}x{HEIGHT}" in problem
    assert f"{HEIGHT}x{WIDTH}" in problem
    assert poses.cameras().names == ("a.jpg", "c.jpg")


def test_tracks_follow_names_and_sizes():
    points = SparsePoints(
        xyz=np.arange(9.0).reshape(3, 3),
        rgb=np.zeros((3, 3), np.uint8),
        error_px=np.ones(3),
        track_point=np.array([0, 0, 1, 2]),
        track_image=np.array(["A.JPG", "ghost.jpg", "c.png", "ghost.jpg"]),
        track_xy=np.array([[10.0, 20.0], [1, 1], [30, 40], [2, 2]]),
        model_images=np.array(["A.JPG", "b.jpg", "c.png", "ghost.jpg"]),
    )
    given = reading(["A.JPG", "b.jpg", "c.png", "ghost.jpg"], points=points)
    poses = FramePoses.matched(given, NAMES)
    poses.fit("a.jpg", 2 * WIDTH, 2 * HEIGHT)
    poses.fit("c.jpg", WIDTH, HEIGHT)
    kept = poses.points()
    assert kept is not None
    assert kept.track_image.tolist() == ["a.jpg", "c.jpg"]
    assert kept.track_xy.tolist() == [[20, 40], [30, 40]]
    assert kept.xyz.tolist() == [[0, 1, 2], [3, 4, 5]]  # nobody here sees the third
    assert kept.images() == {"a.jpg", "b.jpg", "c.jpg"}  # b.jpg sees nothing


def test_a_reading_whose_frames_all_failed():
    empty = PosedCameras((), np.empty((0, 4, 4)), (), {}, "poses.json")
    poses = FramePoses.matched(PoseReading(empty, None, {"a.jpg": "bad"}, ("x",)), NAMES)
    assert len(poses.cameras()) == 0
    assert poses.problems == {"a.jpg": "bad"}
    assert poses.notes() == ("x",)


def test_unposed_names_raise_nothing():
    poses = FramePoses.matched(reading(["a.jpg"]), NAMES)
    assert poses.size_of("a.jpg") == (WIDTH, HEIGHT)
    assert poses.size_of("b.jpg") is None
    with pytest.raises(KeyError):
        poses.cameras().pose_of("b.jpg")
