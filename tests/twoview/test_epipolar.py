"""Epipolar geometry against brute force."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation
from twoview_scenes import Scene, ring

from mtcm_pipeline.twoview.epipolar import (
    angle_deg,
    essential_matrix,
    homogeneous,
    parallax_deg,
    pose_errors,
    relative_pose,
    sampson_errors,
    seen_from_behind,
    transfer_errors,
)


@pytest.fixture
def pair():
    """Relative pose and exact normalised places of the scene's points in two cameras."""
    cameras, xyz = ring(), Scene(60).xyz
    places = []
    for row in (0, 2):
        pose = cameras.cam_from_world[row]
        in_cam = xyz @ pose[:3, :3].T + pose[:3, 3]
        places.append(in_cam[:, :2] / in_cam[:, 2:])
    b_from_a = relative_pose(cameras.cam_from_world[0], cameras.cam_from_world[2])
    return b_from_a, *places


def test_a_relative_pose_takes_points_from_one_camera_to_the_other():
    cameras, xyz = ring(), Scene(5).xyz
    a, b = cameras.cam_from_world[0], cameras.cam_from_world[3]
    in_a, in_b = (xyz @ m[:3, :3].T + m[:3, 3] for m in (a, b))
    b_from_a = relative_pose(a, b)
    np.testing.assert_allclose(in_a @ b_from_a[:3, :3].T + b_from_a[:3, 3], in_b)


def test_exact_projections_have_no_error_and_lie_before_both_cameras(pair):
    b_from_a, xy_a, xy_b = pair
    assert pose_errors(b_from_a, xy_a, xy_b, spread=3.0).max() < 1e-12
    assert not seen_from_behind(b_from_a, xy_a, xy_b, 1.0).any()


def test_the_essential_matrix_is_the_product_of_translation_and_rotated_ray(pair):
    b_from_a, xy_a, xy_b = pair
    for a, b in zip(homogeneous(xy_a), homogeneous(xy_b + 0.01), strict=True):
        by_hand = b @ np.cross(b_from_a[:3, 3], b_from_a[:3, :3] @ a)
        np.testing.assert_allclose(b @ essential_matrix(b_from_a) @ a, by_hand)


def test_sampson_is_the_constraint_over_its_finite_difference_slope(pair):
    b_from_a, xy_a, xy_b = pair
    essential = essential_matrix(b_from_a)
    noisy = xy_b + np.random.default_rng(1).normal(0, 0.01, xy_b.shape)

    def constraint(x):
        return np.append(x[2:], 1.0) @ essential @ np.append(x[:2], 1.0)

    for a, b, error in zip(
        xy_a, noisy, sampson_errors(essential, xy_a, noisy), strict=True
    ):
        x, step = np.concatenate([a, b]), 1e-6
        slope = [
            (constraint(x + step * e) - constraint(x - step * e)) / (2 * step)
            for e in np.eye(4)
        ]
        assert error == pytest.approx(
            abs(constraint(x)) / np.linalg.norm(slope), rel=1e-6
        )


def test_sampson_is_near_the_smallest_move_that_satisfies_the_constraint(pair):
    b_from_a, xy_a, xy_b = pair
    essential = essential_matrix(b_from_a)
    noisy = xy_b + np.random.default_rng(2).normal(0, 0.003, xy_b.shape)
    errors = sampson_errors(essential, xy_a, noisy)
    for a, b, error in list(zip(xy_a, noisy, errors, strict=True))[:5]:
        start = np.concatenate([a, b])
        found = minimize(
            lambda x, start=start: ((x - start) ** 2).sum() * 1e6,
            start + 1e-4,
            constraints={
                "type": "eq",
                "fun": lambda x: (
                    1e3 * (np.append(x[2:], 1.0) @ essential @ np.append(x[:2], 1.0))
                ),
            },
        )
        assert np.sqrt(found.fun / 1e6) == pytest.approx(error, rel=0.02, abs=1e-6)


def test_cameras_in_one_place_are_judged_by_their_rotation():
    rotation = Rotation.from_euler("xyz", [4, -3, 10], degrees=True).as_matrix()
    xy_a = np.random.default_rng(0).uniform(-0.3, 0.3, (20, 2))
    turned = homogeneous(xy_a) @ rotation.T
    xy_b = turned[:, :2] / turned[:, 2:]
    b_from_a = np.eye(4)
    b_from_a[:3, :3] = rotation
    assert pose_errors(b_from_a, xy_a, xy_b, spread=1.0).max() < 1e-12
    moved = pose_errors(b_from_a, xy_a, xy_b + np.array([0.03, 0.04]), spread=1.0)
    np.testing.assert_allclose(moved, 0.05)
    backwards = np.diag([1.0, -1.0, -1.0])
    assert np.isinf(transfer_errors(backwards, xy_a, xy_b)).all()


def test_points_behind_a_camera_are_found_where_rays_tell(pair):
    b_from_a, xy_a, xy_b = pair
    flipped = b_from_a.copy()
    flipped[:3, 3] *= -1  # the same epipolar lines, the points behind both cameras
    assert pose_errors(flipped, xy_a, xy_b, spread=3.0).max() < 1e-12
    assert seen_from_behind(flipped, xy_a, xy_b, 1.0).all()
    assert not seen_from_behind(flipped, xy_a, xy_b, 179.0).any()


def test_a_point_behind_either_camera_alone_is_found():
    """Two units before camera a, three behind camera b, which stands beyond it."""
    b_from_a = np.eye(4)
    b_from_a[:3, 3] = [1.0, 0.0, -5.0]
    in_a = np.array([[0.3, 0.2, 2.0]])
    in_b = in_a + b_from_a[:3, 3]
    xy_a, xy_b = in_a[:, :2] / in_a[:, 2:], in_b[:, :2] / in_b[:, 2:]
    assert seen_from_behind(b_from_a, xy_a, xy_b, 1.0).tolist() == [True]
    assert seen_from_behind(np.linalg.inv(b_from_a), xy_b, xy_a, 1.0).tolist() == [True]


def test_angles_by_hand():
    assert angle_deg(np.array([2.0, 0, 0]), np.array([0, 0.1, 0])) == pytest.approx(90)
    straight, slanted = np.array([[0.0, 0.0]]), np.array([[1.0, 0.0]])
    assert parallax_deg(np.eye(3), straight, slanted) == pytest.approx(45)
