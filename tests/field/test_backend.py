"""The call to gsplat, with a stand-in that answers by gsplat's conventions."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch_reference import render_reference

from field_scenes import camera_at, cloud, looking_at
from mtcm_pipeline.field import backend
from mtcm_pipeline.field.arrays import BLUR, NEAR
from mtcm_pipeline.field.camera import FieldCamera
from mtcm_pipeline.field.render import GaussianTensors, render

CAMERA = camera_at((1.0, -0.3, 0.4), roll_deg=20)


class StandIn:
    """Takes gsplat's arguments by its documented names and renders them slowly.

    It knows only what the documentation of `gsplat.rasterization` says: viewmats world
    to camera in OpenCV axes, Ks in px, quats w, x, y, z, scales and opacities as such.
    """

    def __init__(self) -> None:
        self.calls: list[dict] = []

    def rasterization(self, *, means, quats, scales, opacities, colors, viewmats, **more):
        intrinsics = more["Ks"]
        self.calls.append(
            {
                **more,
                "shapes": [tuple(a.shape) for a in (means, colors, viewmats, intrinsics)],
                "scales": scales,
                "opacities": opacities,
                "quats": quats,
            }
        )
        gaussians = GaussianTensors(
            means, quats, torch.log(scales), torch.logit(opacities), colors
        )
        k = intrinsics[0].double().numpy()
        camera = FieldCamera(
            np.eye(4),
            (k[0, 0], k[1, 1]),
            (k[0, 2], k[1, 2]),
            more["width"],
            more["height"],
        )
        image, alpha, depth = render_reference(gaussians, camera, viewmats[0])
        channels = torch.cat([image, depth[..., None]], -1)
        return channels[None], alpha[None, ..., None], {}


@pytest.fixture
def gsplat(monkeypatch):
    stand_in = StandIn()
    module = SimpleNamespace(rasterization=stand_in.rasterization)
    monkeypatch.setitem(sys.modules, "gsplat", module)
    return stand_in


def test_the_call_follows_gsplats_conventions(gsplat):
    gaussians = cloud(40, 0)
    tensors = GaussianTensors.of(gaussians)
    backend.render_gsplat(tensors, CAMERA)
    (call,) = gsplat.calls
    assert call["shapes"] == [(40, 3), (40, 4, 3), (1, 4, 4), (1, 3, 3)]
    assert call["scales"].numpy() == pytest.approx(gaussians.scales)
    assert call["opacities"].numpy() == pytest.approx(gaussians.opacities)
    assert torch.equal(call["quats"], tensors.quats_wxyz)
    assert call["sh_degree"] == 1
    assert call["render_mode"] == "RGB+D"
    assert call["backgrounds"] is None
    assert (call["near_plane"], call["eps2d"]) == (NEAR, BLUR)


@pytest.mark.parametrize("background", [None, 0.3])
def test_both_renderers_answer_alike(gsplat, background):
    tensors = GaussianTensors.of(cloud(40, 0))
    ours = render(tensors, CAMERA, background=background)
    theirs = backend.render_gsplat(tensors, CAMERA, background=background)
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        assert float((a - b).abs().max()) < 1e-5


def test_the_pose_can_be_another_one_with_gradients(gsplat):
    tensors = GaussianTensors.of(cloud(40, 0))
    gradients = []
    for draw in (render, backend.render_gsplat):
        pose = torch.tensor(looking_at((0.9, 0.1, 0.3)), requires_grad=True)
        draw(tensors, CAMERA, cam_from_world=pose, background=0.5).image.sum().backward()
        gradients.append(pose.grad)
    assert float((gradients[0] - gradients[1]).abs().max()) < 1e-4 * float(
        gradients[0].abs().max()
    )


@pytest.mark.parametrize(
    ("cuda", "installed", "device"),
    [(True, True, "cuda"), (True, False, "cpu"), (False, True, "cpu")],
)
def test_cuda_is_chosen_only_with_a_device_and_gsplat(
    monkeypatch, cuda, installed, device
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    found = object() if installed else None
    monkeypatch.setattr(backend.importlib.util, "find_spec", lambda name: found)
    chosen = backend.choose_backend()
    assert chosen.device == device
    assert chosen.render is (backend.render_gsplat if device == "cuda" else render)
