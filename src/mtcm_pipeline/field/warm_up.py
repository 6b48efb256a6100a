"""Compiling before the clock runs."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch

from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.field.camera import FieldCamera
from mtcm_pipeline.field.gaussians import Gaussians
from mtcm_pipeline.field.render import GaussianTensors, render
from mtcm_pipeline.scene.sweep import sweep_points
from mtcm_pipeline.scene.views import PinholeView, PinholeViews


@cache
def compile_kernels() -> None:
    """Render one Gaussian forward and backward and sweep two views, once a process.

    numba compiles at the first call ever (and keeps the result beside the module), or
    loads what it compiled before.
    """
    _render_one()
    _sweep_two()


def _render_one() -> None:
    one = Gaussians(
        np.zeros((1, 3), np.float32),
        np.ones((1, 4), np.float32),
        np.zeros((1, 3), np.float32),
        np.zeros(1, np.float32),
        np.zeros((1, 4, 3), np.float32),
    )
    tensors = GaussianTensors.of(one)
    tensors.means_xyz.requires_grad_()
    pose = np.eye(4)
    pose[2, 3] = 2.0
    rendered = render(tensors, FieldCamera(pose, (8.0, 8.0), (4.0, 4.0), 8, 8))
    torch.sum(rendered.image).backward()


def _sweep_two() -> None:
    views = []
    for name, shift in (("a", -0.2), ("b", 0.2)):
        pose = np.eye(4)
        pose[0, 3], pose[2, 3] = shift, 1.0
        rgb = np.zeros((8, 8, 3), np.float32)
        views.append(PinholeView(name, rgb, None, pose, (8.0, 8.0), (4.0, 4.0)))
    still = Similarity(1.0, np.eye(3), np.zeros(3))
    sweep_points(PinholeViews(tuple(views), still), 4, 0)
