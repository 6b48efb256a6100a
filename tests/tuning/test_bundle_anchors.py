"""Anchors hold the gauge and the bend of a row of cameras, and let wrong ones go."""

from __future__ import annotations

import numpy as np
import pytest
from matched_points import NAMES, POINTS, TRUE, seen_by

from mtcm_pipeline.tuning.bundle import Anchors, bundle_adjusted
from mtcm_pipeline.tuning.matches import Tracks
from mtcm_pipeline.tuning.registration import carried
from mtcm_pipeline.tuning.rigid import corrections_deg, without_common_motion

POSES = np.stack(list(TRUE.values()))
EVERYONE = np.ones(len(POSES), bool)


def seen_in_turn(noise_px: float, per_point: int = 3) -> Tracks:
    """Every point by a few frames next to one another only: a chain that may bend."""
    v, p = len(NAMES), len(POINTS)
    rng = np.random.default_rng(4)
    xy = np.stack([seen_by(pose) for pose in POSES])
    xy += noise_px / 420.0 * rng.normal(size=xy.shape)
    point, step = np.repeat(np.arange(p), per_point), np.tile(np.arange(per_point), p)
    frame = (point % v + step) % v
    return Tracks(frame, point, xy[frame, point], v, p, 420.0)


def adjusted(tracks: Tracks, anchors: Anchors | None, start=POSES) -> np.ndarray:
    nobody = np.zeros(len(POSES), bool)
    found, _ = bundle_adjusted(
        tracks, start, POINTS, nobody, soft_px=1.0, iterations=50, anchors=anchors
    )
    return found


def test_anchors_hold_what_matches_hardly_know():
    tracks = seen_in_turn(noise_px=0.5)
    anchored = adjusted(tracks, Anchors(POSES, EVERYONE, 0.003))
    free = without_common_motion(adjusted(tracks, None), POSES, EVERYONE.astype(float))
    held, drifted = (corrections_deg(p, POSES) for p in (anchored, free))
    assert np.median(held) < 0.5 * np.median(drifted)


def test_a_wrong_anchor_lets_its_frame_go_and_the_gauge_stays():
    given = POSES.copy()
    given[5] = carried(POSES[5], 1, 3.0, 1.0)
    every = np.repeat(np.arange(len(NAMES)), len(POINTS))
    xy = np.concatenate([seen_by(pose) for pose in POSES])
    points = np.tile(np.arange(len(POINTS)), len(NAMES))
    tracks = Tracks(every, points, xy, len(NAMES), len(POINTS), 420.0)
    found = adjusted(tracks, Anchors(given, EVERYONE, 0.003), start=given)
    assert corrections_deg(found, POSES).max() < 0.05


def test_frames_that_do_not_hold_are_not_asked():
    tracks = seen_in_turn(noise_px=0.2)
    holding = np.arange(len(POSES)) % 2 == 0
    elsewhere = POSES.copy()
    elsewhere[~holding] = carried(POSES[1], 0, 50.0, 1.0)
    first = adjusted(tracks, Anchors(POSES, holding, 0.003))
    second = adjusted(tracks, Anchors(elsewhere, holding, 0.003))
    assert second == pytest.approx(first, abs=1e-9)
