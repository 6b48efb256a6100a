"""Small scenes and doubts that the tests of fine-tuning share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from field_scenes import ball, views_of
from mtcm_pipeline.scene.views import PinholeViews
from mtcm_pipeline.tuning.frames import Doubt
from mtcm_pipeline.tuning.registration import carried

VIEWS = views_of(ball(), 24, width=48, height=40)


def with_poses(views: PinholeViews, poses: dict[str, np.ndarray]) -> PinholeViews:
    """The views, some of which claim to stand elsewhere."""
    moved = [
        replace(view, cam_from_world=poses.get(view.name, view.cam_from_world))
        for view in views.views
    ]
    return PinholeViews(tuple(moved), views.gauge)


def spoilt(names: list[str], degrees: float) -> PinholeViews:
    """`VIEWS`, the named ones carried about the subject."""
    pose_of = {view.name: view.cam_from_world for view in VIEWS.views}
    poses = {
        name: carried(pose_of[name], number % 2, degrees * (-1) ** number, 1.0)
        for number, name in enumerate(names)
    }
    return with_poses(VIEWS, poses)


def doubt_of(views: PinholeViews, faulty: list[str], **others) -> Doubt:
    """A filter that is right, and calls what it finds curable."""
    bad = np.array([name in faulty for name in views.names])
    probability = np.where(bad, 0.97, 0.02)
    return Doubt(views.names, probability, bad, np.zeros((len(bad), 0)), **others)
