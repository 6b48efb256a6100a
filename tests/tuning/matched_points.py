"""Points that are known exactly, matched between frames of the small turntable."""

from __future__ import annotations

import numpy as np
from tuning_cases import VIEWS

from mtcm_pipeline.tuning.matched_poses import MatchedPoses, matched_poses
from mtcm_pipeline.tuning.matches import Shared, tracks_of
from mtcm_pipeline.tuning.options import TuningOptions

FOCAL_PX = 420.0
TRUE = {view.name: view.cam_from_world for view in VIEWS.views}
NAMES = list(TRUE)
POINTS = 0.3 * np.random.default_rng(7).normal(size=(60, 3))


def seen_by(pose: np.ndarray) -> np.ndarray:
    """(60, 2) normalised coordinates of the points."""
    in_cam = POINTS @ pose[:3, :3].T + pose[:3, 3]
    return in_cam[:, :2] / in_cam[:, 2:]


def shared_points(
    noise_px: float = 0.3, outliers: float = 0.1, seed: int = 0
) -> dict[str, list[Shared]]:
    """What frames share with their four neighbours, seen from where they truly stand."""
    rng = np.random.default_rng(seed)
    seen = {}
    for name, pose in TRUE.items():
        seen[name] = seen_by(pose) + noise_px / FOCAL_PX * rng.normal(size=(60, 2))
        wrong = rng.random(60) < outliers
        seen[name][wrong] += rng.normal(size=(int(wrong.sum()), 2)) * 0.1
    return {
        name: [
            Shared(other, seen[name], seen[other], FOCAL_PX)
            for step in (-2, -1, 1, 2)
            if (other := NAMES[(i + step) % len(NAMES)])
        ]
        for i, name in enumerate(NAMES)
    }


def poses_by(poses, trusted, matches, options: TuningOptions) -> MatchedPoses:
    """What matches say of poses."""
    return matched_poses(poses, trusted, tracks_of(matches, tuple(poses)), options)
