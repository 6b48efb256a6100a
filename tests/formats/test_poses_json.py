import json

import numpy as np
import pytest
from pose_oracles import LENSES, assert_same_cameras, lens, random_cameras

from mtcm_pipeline.errors import CaptureError, FileContentError
from mtcm_pipeline.formats.camera_models import camera_model_params
from mtcm_pipeline.formats.poses_json import poses_json_from_cameras, read_poses_json

CAMERA = {"model": "PINHOLE", "width": 64, "height": 48, "params": [50, 50, 32, 24]}


def content(**images) -> dict:
    return {"images": images, "cameras": {"1": CAMERA}}


def image(**changes) -> dict:
    return {"qvec": [1, 0, 0, 0], "tvec": [0, 0, 0], "camera_id": 1} | changes


def test_lenses_of_the_tests_are_all_models_of_pycolmap():
    assert set(LENSES) == set(camera_model_params())


def test_round_trip_with_every_camera_model():
    posed = random_cameras(20, cameras=tuple(lens(m) for m in LENSES))
    text = json.dumps(poses_json_from_cameras(posed))
    reading = read_poses_json(json.loads(text))
    assert not reading.problems and not reading.notes
    assert reading.cameras.names == posed.names
    assert_same_cameras(reading.cameras, posed)


def test_pose_is_cam_from_world_in_opencv_axes():
    # Half a turn about y: the camera looks along the world's -z; t puts it at z = 5.
    half_turn = image(qvec=[0, 0, 1, 0], tvec=[0, 0, 5])
    cameras = read_poses_json(content(**{"a.jpg": half_turn})).cameras
    np.testing.assert_allclose(cameras.centres_xyz, [[0, 0, 5]], atol=1e-15)
    np.testing.assert_allclose(cameras.viewing_directions, [[0, 0, -1]], atol=1e-15)


def test_lists_and_text_ids_mean_the_same_as_objects():
    listed = {
        "images": [image(name="sub/a.jpg", camera_id="1"), image(name="b.jpg")],
        "cameras": [CAMERA | {"camera_id": 1}],
    }
    objects = content(**{"a.jpg": image(), "b.jpg": image()})
    assert_same_cameras(read_poses_json(listed).cameras, read_poses_json(objects).cameras)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"qvec": [0, 0, 0, 0]}, "length 0"),
        ({"qvec": [1, 0, 0]}, "3 numbers, not 4"),
        ({"qvec": [float("nan"), 0, 0, 1]}, "not finite"),
        ({"qvec": None}, "not finite|numbers"),
        ({"tvec": [0, 0, float("inf")]}, "not finite"),
        ({"tvec": "here"}, "not 3 numbers"),
        ({"camera_id": 9}, "9.*not among: 1"),
        ({"camera_id": "left"}, "left"),
    ],
)
def test_bad_frame_is_left_out_and_named(changes, why):
    import re

    reading = read_poses_json(content(**{"bad.jpg": image(**changes), "ok.jpg": image()}))
    assert reading.cameras.names == ("ok.jpg",)
    assert list(reading.problems) == ["bad.jpg"]
    assert re.search(why, reading.problems["bad.jpg"])


def test_bad_camera_takes_only_its_own_frames():
    broken = {**content(), "cameras": {"1": CAMERA, "2": CAMERA | {"params": [50]}}}
    broken["images"] = {"a.jpg": image(), "b.jpg": image(camera_id=2)}
    reading = read_poses_json(broken)
    assert reading.cameras.names == ("a.jpg",)
    assert "takes 4 parameters" in reading.problems["b.jpg"]


def test_long_quaternion_is_normalised_and_noted():
    reading = read_poses_json(content(**{"a.jpg": image(qvec=[0, 0, 4, 0])}))
    np.testing.assert_allclose(reading.cameras.viewing_directions, [[0, 0, -1]])
    assert "unit length" in reading.notes[0]


@pytest.mark.parametrize(
    "broken", [[], {}, {"images": {}}, {"images": {}, "cameras": 3}, "text", None]
)
def test_file_that_is_broken_as_a_whole_is_refused_with_a_remedy(broken):
    with pytest.raises(FileContentError, match=r"poses\.json.*delete it"):
        read_poses_json(broken)


def test_images_by_stem_absent_images_and_ambiguous_names():
    given = content(**{"a.jpg": image(), "gone.jpg": image(), "sub/b.jpg": image()})
    reading = read_poses_json(given, ["a.HEIC", "b.jpg", "c.jpg"])
    assert reading.cameras.names == ("a.HEIC", "b.jpg")
    assert "1 of 3" in reading.notes[0] and "gone.jpg" in reading.notes[0]
    twice = content(**{"x/a.jpg": image(), "y/a.jpg": image()})
    with pytest.raises(CaptureError, match=r"x/a\.jpg.*y/a\.jpg"):
        read_poses_json(twice)
