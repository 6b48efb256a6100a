import copy

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mtcm_pipeline.capture.axes import (
    invert_rigid,
    opengl_from_world_from_cam,
    world_from_cam_from_opengl,
)
from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.capture.rotations import (
    matrix_from_quat,
    quat_from_matrix,
    rotation_angle_deg,
)
from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.errors import CaptureError
from synthetic import CAMERA, look_at, orbit_cameras, random_similarity


def rigid(rotation=None, centre=(0, 0, 0)):
    matrix = np.eye(4)
    matrix[:3, :3] = np.eye(3) if rotation is None else rotation
    matrix[:3, 3] = centre
    return matrix


def test_opengl_axes_by_hand():
    # In OpenGL the unrotated camera looks along -z with y up; in OpenCV axes its forward
    # column must therefore be -z, its down column -y, its right column x.
    opencv = world_from_cam_from_opengl(rigid(centre=(1, 2, 3)))
    assert opencv[:3, 0].tolist() == [1, 0, 0]
    assert opencv[:3, 1].tolist() == [0, -1, 0]
    assert opencv[:3, 2].tolist() == [0, 0, -1]
    assert opencv[:3, 3].tolist() == [1, 2, 3]
    assert np.array_equal(opengl_from_world_from_cam(opencv), rigid(centre=(1, 2, 3)))


def test_rigid_inverse_is_the_inverse():
    matrices = np.stack(
        [
            rigid(Rotation.random(rng=np.random.default_rng(i)).as_matrix(), [i, 2, -3])
            for i in range(6)
        ]
    )
    assert np.allclose(invert_rigid(matrices), np.linalg.inv(matrices), atol=1e-12)


def test_quaternions_round_trip_have_length_one_and_one_sign():
    rotations = Rotation.random(200, rng=np.random.default_rng(0)).as_matrix()
    quats = quat_from_matrix(rotations)
    assert np.allclose(np.linalg.norm(quats, axis=1), 1) and (quats[:, 0] >= 0).all()
    assert np.allclose(matrix_from_quat(quats), rotations)
    assert np.allclose(matrix_from_quat(-3 * quats), rotations)


def test_a_quarter_turn_about_z_by_hand():
    quarter = np.array([np.sqrt(0.5), 0, 0, np.sqrt(0.5)])  # w, x, y, z
    expected = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
    assert np.allclose(matrix_from_quat(quarter), expected)
    assert rotation_angle_deg(np.eye(3), np.array(expected, float)) == pytest.approx(90)


def test_a_camera_sees_what_it_looks_at():
    camera = look_at(np.array([3.0, 0, 1]), np.array([0.0, 0, 1]), np.array([0.0, 0, 1]))
    posed = PosedCameras(("a.jpg",), invert_rigid(camera[None]), (1,), {1: CAMERA})
    assert np.allclose(posed.centres_xyz, [[3, 0, 1]])
    assert np.allclose(posed.viewing_directions, [[-1, 0, 0]])
    assert np.allclose(posed.up_directions, [[0, 0, 1]])
    point_in_cam = posed.pose_of("a.jpg") @ np.array([0, 0, 1, 1.0])
    assert np.allclose(point_in_cam[:3], [0, 0, 3])


def test_subset_keeps_order_and_drops_unused_cameras():
    cameras = orbit_cameras(5)
    two = PosedCameras(
        cameras.names, cameras.cam_from_world, (1, 2, 1, 1, 2), {1: CAMERA, 2: CAMERA}
    )
    part = two.subset(["f003.jpg", "f000.jpg"])
    assert part.names == ("f003.jpg", "f000.jpg") and set(part.cameras) == {1}
    assert np.array_equal(part.cam_from_world, two.cam_from_world[[3, 0]])
    with pytest.raises(CaptureError, match=r"x\.jpg"):
        two.subset(["x.jpg"])


def test_cameras_can_be_copied_but_not_changed():
    cameras = orbit_cameras(3)
    assert np.array_equal(copy.deepcopy(cameras).cam_from_world, cameras.cam_from_world)
    with pytest.raises(ValueError, match="read-only"):
        cameras.cam_from_world[0, 0, 0] = 5


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda m: np.where(np.eye(4)[None] > 0, np.nan, m), "f000.jpg"),
        (lambda m: m * 2.0, "rigid"),
        (lambda m: m @ np.diag([-1.0, 1, 1, 1]), "rigid"),
    ],
)
def test_what_is_no_pose_is_refused_by_name(spoil, message):
    cameras = orbit_cameras(3)
    with pytest.raises(CaptureError, match=message):
        PosedCameras(cameras.names, spoil(cameras.cam_from_world), (1,) * 3, {1: CAMERA})


def test_unknown_cameras_twins_and_bad_intrinsics_are_refused():
    poses = orbit_cameras(2).cam_from_world
    with pytest.raises(CaptureError, match="camera 9"):
        PosedCameras(("a", "b"), poses, (1, 9), {1: CAMERA})
    with pytest.raises(CaptureError, match="same file name"):
        PosedCameras(("a", "a"), poses, (1, 1), {1: CAMERA})
    with pytest.raises(CaptureError, match="0x5"):
        Camera("PINHOLE", 0, 5, (1.0,))
    with pytest.raises(CaptureError, match="non-finite"):
        Camera("PINHOLE", 5, 5, (np.nan,))


@pytest.mark.parametrize("seed", range(4))
def test_a_similarity_moves_points_and_cameras_together(seed):
    transform = random_similarity(seed)
    cameras = orbit_cameras(4, seed=seed)
    point = np.array([0.3, -0.2, 0.5])
    before = cameras.cam_from_world @ np.append(point, 1)
    moved = transform.cam_from_world(cameras.cam_from_world)
    after = moved @ np.append(transform.points(point), 1)
    assert np.allclose(after[:, :3], transform.scale * before[:, :3])  # the same pixels
    assert np.allclose(transform.inverse().points(transform.points(point)), point)
    again = Similarity.from_dict(transform.to_dict())
    assert np.allclose(again.points(point), transform.points(point))


def test_a_mirror_or_a_shrinking_to_nothing_is_no_similarity():
    with pytest.raises(CaptureError):
        Similarity(1.0, np.diag([1.0, 1, -1]), np.zeros(3))
    with pytest.raises(CaptureError):
        Similarity(0.0, np.eye(3), np.zeros(3))


def test_points_kept_are_those_that_two_kept_images_see():
    points = SparsePoints(
        xyz=np.arange(9.0).reshape(3, 3),
        rgb=np.zeros((3, 3), np.uint8),
        error_px=np.ones(3),
        track_point=np.array([0, 0, 1, 1, 2, 2, 2]),
        track_image=np.array(["a", "b", "a", "c", "a", "b", "c"]),
        track_xy=np.arange(14.0).reshape(7, 2),
    )
    kept = points.seen_by({"a", "b"})
    assert kept.xyz.tolist() == [[0, 1, 2], [6, 7, 8]]
    assert kept.track_point.tolist() == [0, 0, 1, 1]
    assert kept.track_image.tolist() == ["a", "b", "a", "b"]
    assert kept.track_xy[2].tolist() == [8, 9]
    assert len(SparsePoints.empty().seen_by({"a"})) == 0


def test_tracks_to_absent_points_are_refused():
    with pytest.raises(CaptureError, match="track"):
        SparsePoints(
            np.zeros((1, 3)),
            np.zeros((1, 3), np.uint8),
            np.zeros(1),
            np.array([1]),
            np.array(["a"]),
            np.zeros((1, 2)),
        )
