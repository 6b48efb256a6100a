"""Folded reconstructions, made by folding a sound one by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.twoview import torn_views as module
from mtcm_pipeline.twoview.torn_views import TornViews, torn_views

FRAMES = 60  # every 6 degrees
LENS = Camera("SIMPLE_PINHOLE", 400, 400, (400.0, 200.0, 200.0))


def azimuths():
    return np.radians(np.arange(FRAMES) * 360 / FRAMES)


def ring(angles=None, names=None) -> PosedCameras:
    """Cameras at distance 4 about the z axis, all looking at it."""
    poses = []
    for angle in azimuths() if angles is None else angles:
        forward = -np.array([np.cos(angle), np.sin(angle), 0.0])
        down = np.array([0.0, 0.0, -1.0])
        pose = np.eye(4)
        pose[:3, :3] = [np.cross(down, forward), down, forward]
        pose[:3, 3] = -pose[:3, :3] @ (-4.0 * forward)
        poses.append(pose)
    names = names or tuple(f"{i:02d}.jpg" for i in range(len(poses)))
    return PosedCameras(names, np.array(poses), (1,) * len(names), {1: LENS}, "by hand")


def cylinder(seen_share=1.0) -> SparsePoints:
    """Points on a cylinder of radius 1; a camera sees those that face it."""
    rng = np.random.default_rng(3)
    around = rng.uniform(0, 2 * np.pi, 500)
    xyz = np.stack([np.cos(around), np.sin(around), rng.uniform(-1, 1, 500)], axis=1)
    facing = np.cos(around[:, None] - azimuths()) > 0.5  # (P, N)
    facing &= rng.uniform(size=facing.shape) < seen_share
    point, frame = np.nonzero(facing)
    names = np.array(ring().names)
    return SparsePoints(
        xyz, np.zeros((500, 3), np.uint8), np.ones(500), point, names[frame],
        np.zeros((len(point), 2)),
    )  # fmt: skip


def folded(points: SparsePoints) -> tuple[PosedCameras, SparsePoints]:
    """The cameras from 180 degrees on lie on the others, and so do the points they see.

    Points seen from both halves become two, as a fold makes of them.
    """
    late = np.array([int(n[:2]) >= FRAMES // 2 for n in points.track_image])
    turned = points.xyz * [-1.0, -1.0, 1.0]
    count = len(points)
    return ring(np.where(azimuths() < np.pi, azimuths(), azimuths() - np.pi)), replace(
        points,
        xyz=np.vstack([points.xyz, turned]),
        rgb=np.tile(points.rgb, (2, 1)),
        error_px=np.tile(points.error_px, 2),
        track_point=points.track_point + count * late,
    )


def half_of(name: str) -> bool:
    return int(name[:2]) >= FRAMES // 2


@pytest.mark.parametrize("seen_share", [1.0, 0.5])
def test_a_sound_ring_is_not_torn(seen_share):
    found = torn_views(ring(), cylinder(seen_share))
    assert found.torn == ()
    assert found.beside >= FRAMES  # each beside the next, around


@pytest.mark.parametrize("seen_share", [1.0, 0.5])
def test_of_a_fold_exactly_the_pairs_across_are_torn(seen_share):
    found = torn_views(*folded(cylinder(seen_share)))
    assert all(half_of(a) != half_of(b) for a, b in found.torn)
    # At the same place stand i and i + 30, and each of them beside the other's next.
    same_place = {(f"{i:02d}.jpg", f"{i + 30:02d}.jpg") for i in range(30)}
    assert same_place <= set(found.torn)
    assert len({name for pair in found.torn for name in pair}) == FRAMES


def test_a_similarity_transform_changes_nothing():
    cameras, points = folded(cylinder(0.5))
    rotation = Rotation.from_rotvec([0.3, -1.2, 0.7]).as_matrix()
    scale, shift = 37.0, np.array([100.0, -5.0, 3.0])
    poses = cameras.cam_from_world.copy()
    poses[:, :3, :3] = cameras.cam_from_world[:, :3, :3] @ rotation.T
    poses[:, :3, 3] = scale * cameras.cam_from_world[:, :3, 3] - np.einsum(
        "nij,j->ni", poses[:, :3, :3], shift
    )
    moved = replace(points, xyz=scale * points.xyz @ rotation.T + shift)
    assert torn_views(replace(cameras, cam_from_world=poses), moved) == torn_views(
        cameras, points
    )


def test_a_long_capture_is_thinned_and_still_seen_through(monkeypatch):
    monkeypatch.setattr(module, "_FRAMES", 30)
    monkeypatch.setattr(module, "_POINTS_A_FRAME", 100)
    found = torn_views(*folded(cylinder()))
    assert len(found.torn) >= 10
    assert all(half_of(a) != half_of(b) for a, b in found.torn)


def test_without_points_or_poses_nothing_is_beside():
    nothing = TornViews(0, ())
    assert torn_views(ring(), SparsePoints.empty()) == nothing
    assert torn_views(ring().subset([]), cylinder()) == nothing


def test_frames_that_only_one_side_knows_are_passed_over():
    cameras = ring().subset([n for n in ring().names if n != "03.jpg"])
    found = torn_views(cameras, cylinder())
    assert found.torn == () and found.beside > 0
