"""Relative poses from matches alone, on scenes whose poses are known."""

import numpy as np
from twoview_scenes import DISTORTED, Scene, ring

from mtcm_pipeline.capture.rotations import rotation_angle_deg
from mtcm_pipeline.twoview.epipolar import angle_deg, relative_pose
from mtcm_pipeline.twoview.options import TwoViewOptions
from mtcm_pipeline.twoview.rays import frame_rays
from mtcm_pipeline.twoview.verification import (
    fit_relative_pose,
    verify_pair,
    verify_pairs,
)

HERE = TwoViewOptions(workers=0)


def rays_of(cameras, scene, rows):
    names = cameras.names
    return {
        row: frame_rays(scene.seen_by(cameras, names[row]), cameras.camera_of(names[row]))
        for row in rows
    }


def test_rays_undo_the_projection_with_its_distortion():
    cameras, scene = ring(camera=DISTORTED), Scene()
    rays = rays_of(cameras, scene, [1])[1]
    pose = cameras.cam_from_world[1]
    in_cam = scene.xyz @ pose[:3, :3].T + pose[:3, 3]
    np.testing.assert_allclose(rays.xy, in_cam[:, :2] / in_cam[:, 2:], atol=1e-5)
    assert rays.reference_focal_px == 345.0


def test_exact_matches_give_back_the_given_relative_pose():
    cameras = ring(camera=DISTORTED)
    rays = rays_of(cameras, Scene(), [0, 2])
    pair = verify_pair(rays[0], rays[2], HERE)
    given = relative_pose(cameras.cam_from_world[0], cameras.cam_from_world[2])
    assert pair.connected
    assert pair.inliers.all()
    assert rotation_angle_deg(pair.b_from_a[:3, :3], given[:3, :3]) < 0.1
    assert angle_deg(pair.b_from_a[:3, 3], given[:3, 3]) < 0.2


def test_random_matches_do_not_connect():
    rng = np.random.default_rng(0)
    for count in (0, 5, 40, 100):
        xy = rng.uniform(-0.5, 0.5, (2, count, 2))
        inliers, _ = fit_relative_pose(xy[0], xy[1], 1.5 / 350, HERE)
        assert inliers.sum() < HERE.min_inliers


def test_the_same_seed_gives_the_same_result():
    rng = np.random.default_rng(1)
    cameras = ring()
    rays = rays_of(cameras, Scene(), [0, 3])
    noise = rng.normal(0, 0.002, rays[0].xy.shape)
    results = [
        fit_relative_pose(rays[0].xy + noise, rays[3].xy, 0.004, HERE) for _ in range(2)
    ]
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])


def test_workers_and_this_process_agree_and_absent_frames_are_left_out():
    cameras, scene = ring(8), Scene(40)
    rays = rays_of(cameras, scene, range(7))  # frame 7 has no features
    pairs = [(i, j) for i in range(8) for j in range(i + 1, 8)]
    here = verify_pairs(pairs, rays, HERE)
    there = verify_pairs(pairs, rays, TwoViewOptions(workers=1))
    assert set(here) == set(there) == {pair for pair in pairs if 7 not in pair}
    for pair in here:
        np.testing.assert_array_equal(here[pair].b_from_a, there[pair].b_from_a)
