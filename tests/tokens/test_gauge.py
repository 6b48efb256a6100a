import numpy as np
import pytest

from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.tokens.gauge import (
    axes_intersection,
    canonical_gauge,
    geometric_median,
    robust_up,
)
from synthetic import look_at, moved, orbit_cameras, random_similarity


def canonical(cameras):
    return canonical_gauge(cameras).cam_from_world(cameras.cam_from_world)


@pytest.mark.parametrize("seed", range(5))
def test_a_similarity_transform_of_the_world_changes_nothing(seed):
    cameras = orbit_cameras(seed=seed, share=[0.2, 0.5, 0.8, 1.0, 1.0][seed])
    transformed = moved(cameras, random_similarity(seed))
    assert np.allclose(canonical(transformed), canonical(cameras), atol=1e-7)


def test_origin_is_the_subject_scale_the_median_distance_and_z_is_up():
    cameras = orbit_cameras()
    gauge = canonical_gauge(cameras)
    centres = gauge.points(cameras.centres_xyz)
    assert np.median(np.linalg.norm(centres, axis=1)) == pytest.approx(1.0)
    assert np.linalg.norm(gauge.origin_xyz) < 0.05  # the cameras face the world's origin
    assert gauge.directions(np.array([0.0, 0.0, 1.0]))[2] > 0.99


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_x_points_to_where_the_sequence_begins(share):
    """Bearings of a level orbit, weighted by how early they are: 1, 1 - 1/n, ..."""
    n = 24
    azimuth = np.linspace(0, 2 * np.pi * share, n, endpoint=False) + 0.7
    centres = 3 * np.stack([np.cos(azimuth), np.sin(azimuth), np.zeros(n)], axis=1)
    world_from_cam = np.stack(
        [look_at(centre, np.zeros(3), np.array([0.0, 0.0, 1.0])) for centre in centres]
    )
    cameras = PosedCameras(
        tuple(f"{i:02d}" for i in range(n)),
        invert_rigid(world_from_cam),
        (1,) * n,
        dict(orbit_cameras(4).cameras),
    )
    early = np.array([1 - i / n for i in range(n)])
    begins = np.arctan2(early @ np.sin(azimuth), early @ np.cos(azimuth))
    found = canonical_gauge(cameras).rotation[0]
    expected = [np.cos(begins), np.sin(begins), 0.0]
    np.testing.assert_allclose(found, expected, atol=5e-3)


def test_axes_that_meet_in_a_point_meet_there():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(12, 3)) * 4
    target = np.array([1.0, -2.0, 0.5])
    directions = target - centres
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    assert np.allclose(axes_intersection(centres, directions), target, atol=0.02)


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75, 1.0])
def test_axes_of_an_even_arc_meet_in_its_middle(share):
    """The middle camera looks exactly along the mean of all axes."""
    azimuth = np.pi * share * np.linspace(-1, 1, 25)
    centres = 3 * np.stack([np.cos(azimuth), np.sin(azimuth), 0 * azimuth], axis=1)
    origin = axes_intersection(centres, -centres / 3)
    assert np.linalg.norm(origin) < 0.02 * 3


def test_one_absurd_frame_hardly_moves_the_gauge():
    cameras = orbit_cameras(40)
    spoilt = np.array(cameras.world_from_cam)
    spoilt[7, :3, 3] = [1e6, -1e6, 1e6]
    spoilt[7, :3, :3] = spoilt[7, :3, :3] @ np.diag([1.0, -1.0, -1.0])
    broken = PosedCameras(
        cameras.names, invert_rigid(spoilt), cameras.camera_ids, cameras.cameras
    )
    others = np.arange(40) != 7
    before, after = canonical(cameras)[others], canonical(broken)[others]
    shift = np.linalg.norm(
        invert_rigid(before)[:, :3, 3] - invert_rigid(after)[:, :3, 3], axis=1
    )
    assert shift.max() < 0.15  # in median camera distances


def test_parallel_axes_and_a_single_camera_have_a_gauge():
    one = orbit_cameras(40).subset(["f003.jpg"])
    assert np.isfinite(canonical(one)).all()
    row = np.stack([np.eye(4)] * 5)
    row[:, 0, 3] = np.arange(5.0)
    parallel = PosedCameras(tuple("abcde"), row, (1,) * 5, dict(orbit_cameras(4).cameras))
    assert np.isfinite(canonical(parallel)).all()


def test_a_panorama_is_not_blown_up():
    rotations = orbit_cameras(12).world_from_cam.copy()
    rotations[:, :3, 3] = [3.3, -7.1, 0.2]
    panorama = PosedCameras(
        orbit_cameras(12).names,
        invert_rigid(rotations),
        (1,) * 12,
        dict(orbit_cameras(4).cameras),
    )
    centres = invert_rigid(canonical(panorama))[:, :3, 3]
    assert np.abs(centres).max() < 1e-9


def test_no_pose_is_an_error():
    with pytest.raises(CaptureError, match="pose"):
        canonical_gauge(PosedCameras((), np.zeros((0, 4, 4)), (), {}))


def test_geometric_median_of_a_line_is_the_median():
    points = np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [3, 0, 0], [1e5, 0, 0]])
    assert np.allclose(geometric_median(points), [2, 0, 0], atol=1e-3)


def test_up_of_an_object_turned_over_is_the_normal_of_the_camera_plane():
    angles = np.append(np.linspace(0, 2 * np.pi, 12, endpoint=False), 0.3)
    offsets = np.stack([np.cos(angles), np.sin(angles), np.zeros(13)], axis=1)
    normal = np.array([0.0, -np.sin(1.2), np.cos(1.2)])  # tilted by 1.2 about x
    offsets[:, 1:] = offsets[:, 1:2] * [np.cos(1.2), np.sin(1.2)]
    # Every other camera holds it the other way up; one more says which side is which.
    ups = np.where(np.arange(13) % 2, -1, 1)[:, None] * normal + 0.5 * offsets
    ups /= np.linalg.norm(ups, axis=1, keepdims=True)
    np.testing.assert_allclose(robust_up(ups, offsets), normal, atol=1e-9)
    np.testing.assert_allclose(robust_up(-ups, offsets), -normal, atol=1e-9)
