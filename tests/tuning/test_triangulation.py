"""Points from frames, some of which lie; slopes against finite differences."""

from __future__ import annotations

import numpy as np
import pytest
from matched_points import FOCAL_PX, NAMES, POINTS, TRUE, seen_by, shared_points

from mtcm_pipeline.tuning.matches import tracks_of
from mtcm_pipeline.tuning.registration import carried
from mtcm_pipeline.tuning.rigid import rigid_from_twist
from mtcm_pipeline.tuning.triangulation import (
    errors,
    pose_informations,
    projection_slopes,
    triangulated,
    well_seen,
)

POSES = np.stack(list(TRUE.values()))


def exact():
    """Tracks without noise, and the number of each of their points among `POINTS`."""
    tracks = tracks_of(shared_points(noise_px=0.0, outliers=0.0), NAMES)
    first = tracks.frame == 0
    places = dict(zip(tracks.point[first].tolist(), tracks.xy[first], strict=True))
    known = seen_by(POSES[0])
    rows = [int(np.abs(known - places[p]).sum(axis=1).argmin()) for p in range(60)]
    return tracks, rows


def test_points_are_found_and_their_errors_are_nought():
    tracks, rows = exact()
    everyone = np.ones(len(tracks), bool)
    found = triangulated(tracks, POSES, everyone, 1.0)
    assert found.xyz == pytest.approx(POINTS[rows], abs=1e-5)
    assert found.error_px.max() < 1e-2
    assert well_seen(tracks, POSES, found, everyone, 1.5).all()


def test_frames_that_lie_do_not_move_the_points():
    tracks, rows = exact()
    poses = POSES.copy()
    for row in (3, 9, 16):
        poses[row] = carried(poses[row], 0, 3.0, 1.0)
    found = triangulated(tracks, poses, np.ones(len(tracks), bool), 1.0)
    off = np.linalg.norm(found.xyz - POINTS[rows], axis=1)
    assert np.median(off) < 2e-3
    lying = np.isin(tracks.frame, (3, 9, 16))
    assert np.median(found.error_px[lying]) > 20 * np.median(found.error_px[~lying])


def test_what_does_not_count_has_an_error_and_no_say():
    tracks, rows = exact()
    poses = POSES.copy()
    poses[5] = TRUE[NAMES[17]]  # from the other side
    counts = tracks.frame != 5
    found = triangulated(tracks, poses, counts, 1.0)
    assert found.xyz == pytest.approx(POINTS[rows], abs=1e-5)
    assert np.median(found.error_px[~counts]) > 10


def test_points_from_one_place_are_a_guess():
    tracks, _ = exact()
    near = np.isin(tracks.frame, (2,))
    two = triangulated(tracks, POSES, near, 1.0)
    assert not well_seen(tracks, POSES, two, near, 1.5).any()


def test_slopes_are_finite_differences():
    pose, points = POSES[4], POINTS
    in_cam = points @ pose[:3, :3].T + pose[:3, 3]
    slopes = projection_slopes(in_cam)
    for column in range(6):
        step = np.zeros(6)
        step[column] = 1e-6
        ahead, back = (seen_by(rigid_from_twist(s * step) @ pose) for s in (1, -1))
        assert (ahead - back) / 2e-6 == pytest.approx(slopes[:, :, column], abs=1e-6)


def test_information_is_the_curvature_of_the_squared_errors():
    """At the truth the Cauchy weights are one: half the cost has this Hessian."""
    tracks, rows = exact()
    xyz = POINTS[rows]
    found = pose_informations(tracks, POSES, xyz, 2.0)
    mine = tracks.frame == 6
    twist = 1e-4 * np.array([1.0, -2.0, 0.5, 1.5, -1.0, 2.0])
    moved = POSES.copy()
    moved[6] = rigid_from_twist(twist) @ POSES[6]
    cost = 0.5 * ((errors(tracks, moved, xyz)[0][mine] / 2.0) ** 2).sum()
    assert 0.5 * twist @ found[6] @ twist == pytest.approx(cost, rel=1e-2)
    assert found.shape == (len(NAMES), 6, 6)
    assert tracks.focal_px == FOCAL_PX
