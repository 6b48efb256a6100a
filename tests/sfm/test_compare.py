import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.sfm.compare import align_and_compare, fit_similarity
from synthetic import moved, orbit_cameras, random_similarity

ORBIT = orbit_cameras(30)


def changed(cameras: PosedCameras, row: int, change: np.ndarray) -> PosedCameras:
    """The same cameras, one of them moved by (4, 4) `change` in its own frame."""
    poses = np.array(cameras.cam_from_world)
    poses[row] = change @ poses[row]
    return PosedCameras(cameras.names, poses, cameras.camera_ids, cameras.cameras)


def turn(degrees: float) -> np.ndarray:
    """A turn about the camera's own centre."""
    change = np.eye(4)
    change[:3, :3] = Rotation.from_euler("y", degrees, degrees=True).as_matrix()
    return change


def shift(units: float) -> np.ndarray:
    change = np.eye(4)
    change[0, 3] = units
    return change


@pytest.mark.parametrize("seed", range(4))
def test_another_world_of_the_same_cameras_is_no_error(seed):
    transform = random_similarity(seed)
    found = align_and_compare(moved(ORBIT, transform), ORBIT)
    assert found.rotation_deg.max() < 1e-4 and found.centre_error.max() < 1e-9
    assert found.alignment.scale == pytest.approx(1 / transform.scale)
    assert found.inliers.all() and found.share_within(1e-3, 1e-6) == 1.0


def test_one_turned_camera_has_its_angle_and_the_others_none():
    estimate = moved(changed(ORBIT, 7, turn(12.0)), random_similarity(1))
    found = align_and_compare(estimate, ORBIT)
    assert found.rotation_deg[7] == pytest.approx(12.0, abs=1e-6)
    assert np.delete(found.rotation_deg, 7).max() < 1e-4
    assert found.centre_error.max() < 1e-9 and found.median_rotation_deg < 1e-4


def test_a_third_of_wrong_centres_does_not_move_the_alignment():
    estimate = ORBIT
    for row in range(0, 30, 3):
        estimate = changed(estimate, row, shift(2.0))
    found = align_and_compare(moved(estimate, random_similarity(2)), ORBIT)
    wrong = np.arange(30) % 3 == 0
    assert (found.inliers == ~wrong).all() and found.centre_error[~wrong].max() < 1e-9
    # Cameras of the orbit stand about 3 units from what they look at.
    np.testing.assert_allclose(found.centre_error[wrong], 2.0 / 3.0, rtol=0.1)
    assert found.share_within(1.0, 0.01) == pytest.approx(2 / 3)


def test_only_common_frames_count_and_too_few_are_an_error():
    found = align_and_compare(ORBIT.subset(ORBIT.names[5:20]), ORBIT)
    assert found.names == ORBIT.names[5:20]
    with pytest.raises(CaptureError, match="share 2 frames"):
        align_and_compare(ORBIT.subset(ORBIT.names[:2]), ORBIT)


def test_cameras_on_a_line_are_aligned_by_their_orientations():
    poses = np.tile(np.eye(4), (6, 1, 1))
    poses[:, 0, 3] = -np.arange(6.0)
    line = PosedCameras(ORBIT.names[:6], poses, (1,) * 6, ORBIT.cameras)
    found = align_and_compare(moved(line, random_similarity(3)), line)
    assert found.rotation_deg.max() < 1e-4 and found.centre_error.max() < 1e-6


def test_the_fit_beats_every_nearby_similarity():
    rng = np.random.default_rng(0)
    source = rng.normal(size=(12, 3))
    target = random_similarity(5).points(source) + 0.05 * rng.normal(size=(12, 3))
    best = fit_similarity(source, target)
    assert best is not None
    least = ((best.points(source) - target) ** 2).sum()
    for _ in range(200):
        nudge = Rotation.from_rotvec(0.02 * rng.normal(size=3)).as_matrix()
        scale = best.scale * (1 + 0.02 * rng.normal())
        linear = scale * source @ (nudge @ best.rotation).T
        shift_to_fit = target.mean(axis=0) - linear.mean(axis=0)
        assert ((linear + shift_to_fit - target) ** 2).sum() >= least


def test_points_on_a_line_have_no_fit():
    line = np.outer(np.arange(4.0), [1.0, 2.0, 3.0])
    assert fit_similarity(line, line) is None
