"""The kernels against the slow reference, finite differences and arithmetic by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch_reference import render_reference

from field_scenes import HEIGHT, WIDTH, camera_at, cloud
from mtcm_pipeline.field.arrays import MAX_ALPHA, NEAR
from mtcm_pipeline.field.camera import FieldCamera
from mtcm_pipeline.field.gaussians import SH_CONSTANT, Gaussians
from mtcm_pipeline.field.render import GaussianTensors, picture, render

NAMES = [field.name for field in dataclasses.fields(Gaussians)]


def tensors_of(gaussians: Gaussians) -> GaussianTensors:
    tensors = GaussianTensors.of(gaussians)
    for tensor in tensors.tensors:
        tensor.requires_grad_()
    return tensors


def loss_weights(camera: FieldCamera, seed: int = 5):
    random = torch.Generator().manual_seed(seed)
    size = (camera.height, camera.width)
    shapes = ((*size, 3), size, size)
    return [torch.randn(s, generator=random, dtype=torch.float64) for s in shapes]


def gradients(draw, gaussians: Gaussians, camera: FieldCamera, parts=(1, 1, 1)):
    """Outputs, and gradients of a random linear loss by every parameter and the pose."""
    tensors = tensors_of(gaussians)
    pose = torch.tensor(camera.cam_from_world, requires_grad=True)
    rendered = draw(tensors, camera, pose)
    weights = loss_weights(camera)
    loss = sum(
        part * (weight * output).sum()
        for part, weight, output in zip(parts, weights, rendered, strict=True)
    )
    loss.backward()
    found = {n: t.grad.numpy() for n, t in zip(NAMES, tensors.tensors, strict=True)}
    return [r.detach().numpy() for r in rendered], {**found, "pose": pose.grad.numpy()}


def fast(tensors, camera, pose):
    return render(tensors, camera, cam_from_world=pose, opaque_below=0.0)


def relative_error(found, expected) -> float:
    return float(np.abs(found - expected).max() / (np.abs(expected).max() + 1e-12))


SCENES = {
    "many": (cloud(60, 0), camera_at((1.0, -0.3, 0.4), roll_deg=20)),
    "one": (cloud(1, 3, spread=0.02), camera_at((0.0, 1.0, 0.2))),
    "some behind the camera": (cloud(50, 1, spread=0.9), camera_at((0.3, 0.2, 0.1))),
    "some beside the picture": (cloud(50, 2, spread=0.8), camera_at((1.0, 0.1, 0.1))),
    "one tile": (cloud(20, 4), camera_at((1.0, 0.0, 0.0), width=5, height=3)),
}


@pytest.mark.parametrize("scene", SCENES)
def test_pictures_agree_with_the_reference(scene):
    found, _ = gradients(fast, *SCENES[scene])
    expected, _ = gradients(render_reference, *SCENES[scene])
    for name, a, b in zip(("image", "alpha", "depth"), found, expected, strict=True):
        assert np.abs(a - b).max() < 1e-6, name


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("parts", [(1, 0, 0), (0, 1, 0), (0, 0, 1)])
def test_gradients_agree_with_the_reference(scene, parts):
    _, found = gradients(fast, *SCENES[scene], parts)
    _, expected = gradients(render_reference, *SCENES[scene], parts)
    for name in expected:
        assert relative_error(found[name], expected[name]) < 1e-5, name


@pytest.mark.parametrize("name", [*NAMES, "pose"])
def test_gradients_agree_with_finite_differences(name):
    # Few, faint and large, so that no cut-off (a step) is crossed by the difference.
    gaussians, camera = cloud(6, 7, spread=0.1), camera_at((1.0, 0.2, 0.3), 9, 7)
    gaussians = dataclasses.replace(
        gaussians,
        log_scales=gaussians.log_scales + 1.5,
        opacity_logits=np.full(6, 0.3),
    )
    _, found = gradients(fast, gaussians, camera)
    start = camera.cam_from_world if name == "pose" else getattr(gaussians, name)
    step = 1e-5
    for index in list(np.ndindex(start.shape))[:14]:
        if name == "pose" and index[0] == 3:
            continue
        losses = []
        for sign in (1, -1):
            moved = start.copy()
            moved[index] += sign * step
            if name == "pose":
                case = gaussians, dataclasses.replace(camera, cam_from_world=moved)
            else:
                case = dataclasses.replace(gaussians, **{name: moved}), camera
            outputs = fast(
                GaussianTensors.of(case[0]), camera, torch.tensor(case[1].cam_from_world)
            )
            losses.append(
                sum(
                    float((w * o).sum())
                    for w, o in zip(loss_weights(camera), outputs, strict=True)
                )
            )
        difference = (losses[0] - losses[1]) / (2 * step)
        scale = np.abs(found[name]).max()
        assert found[name][index] == pytest.approx(difference, abs=1e-4 * scale), index


def test_the_same_input_gives_the_same_bits():
    camera = camera_at((1.0, -0.3, 0.4))
    runs = []
    for _ in range(2):
        tensors = tensors_of(cloud(300, 0, dtype=np.float32))
        outputs = render(tensors, camera, background=0.5)
        (outputs.image.square().sum() + outputs.depth.sum()).backward()
        runs.append([*outputs, *(tensor.grad for tensor in tensors.tensors)])
    for first, second in zip(*runs, strict=True):
        assert torch.equal(first, second)


def test_float32_follows_float64():
    camera = camera_at((1.0, -0.3, 0.4))
    small = picture(cloud(300, 0, dtype=np.float32), camera)
    exact = render(GaussianTensors.of(cloud(300, 0)), camera)
    for a, b in zip(small, exact, strict=True):
        assert a.dtype == np.float32
        assert np.abs(a - b.numpy()).max() < 2e-3  # a splat may cross its cut-off


def test_stopping_at_opaque_pixels_changes_less_than_the_light_left():
    gaussians, camera = cloud(400, 0, spread=0.1), camera_at((1.0, -0.3, 0.4))
    gaussians = dataclasses.replace(gaussians, opacity_logits=np.full(400, 3.0))
    tensors = GaussianTensors.of(gaussians)
    stopped = render(tensors, camera, opaque_below=1e-3)
    whole = render(tensors, camera, opaque_below=0.0)
    assert not torch.equal(stopped.image, whole.image)
    brightest = float(whole.image.max()) * 3
    assert (stopped.image - whole.image).abs().max() < 1e-3 * brightest
    assert (stopped.alpha - whole.alpha).abs().max() < 1e-3


@pytest.mark.parametrize(
    "means",
    [np.zeros((0, 3)), np.full((3, 3), 5.0), np.tile([0.0, 80.0, 0.0], (3, 1))],
    ids=["no Gaussian", "behind the camera", "outside the picture"],
)
def test_nothing_visible_is_an_empty_picture_without_gradients(means):
    n = len(means)
    gaussians = dataclasses.replace(
        cloud(n, 0), means_xyz=means, log_scales=np.full((n, 3), -4.0)
    )
    outputs, found = gradients(fast, gaussians, camera_at((1.0, 0.0, 0.0)))
    assert outputs[0].shape == (HEIGHT, WIDTH, 3)
    for array in [*outputs, *found.values()]:
        assert not np.any(array)


def round_gaussian(logit: float, scale: float, rgb) -> Gaussians:
    harmonics = np.zeros((1, 4, 3))
    harmonics[0, 0] = (np.asarray(rgb) - 0.5) / SH_CONSTANT
    return Gaussians(
        np.zeros((1, 3)),
        np.array([[2.0, 0, 0, 0]]),
        np.full((1, 3), np.log(scale)),
        np.array([logit]),
        harmonics,
    )


def test_one_round_gaussian_by_hand():
    # 2 in front of a camera with focal length 50: sigma is 0.1 * 50 / 2 = 2.5 px; the
    # middle of pixel (x=13, y=8) is 3 px right of and 1 px below the centre.
    pose = np.eye(4)
    pose[2, 3] = 2.0
    camera = FieldCamera(pose, (50.0, 50.0), (10.5, 7.5), 20, 16)
    outputs = picture(round_gaussian(0.0, 0.1, [0.2, 0.6, 1.0]), camera, background=0.5)
    alpha = 0.5 * np.exp(-(3**2 + 1**2) / (2 * (2.5**2 + 0.3)))
    assert outputs.alpha[8, 13] == pytest.approx(alpha, rel=1e-5)
    assert outputs.depth[8, 13] == pytest.approx(2 * alpha, rel=1e-5)
    expected = alpha * np.array([0.2, 0.6, 1.0]) + (1 - alpha) * 0.5
    assert outputs.image[8, 13] == pytest.approx(expected, rel=1e-5)


def test_no_gaussian_hides_everything():
    pose = np.eye(4)
    pose[2, 3] = 2.0
    camera = FieldCamera(pose, (50.0, 50.0), (10.5, 7.5), 20, 16)
    outputs = picture(round_gaussian(50.0, 0.1, [1, 1, 1]), camera)
    assert outputs.alpha[7, 10] == pytest.approx(MAX_ALPHA)


def test_nothing_is_drawn_before_the_near_plane():
    for depth, visible in ((0.9 * NEAR, False), (1.1 * NEAR, True)):
        pose = np.eye(4)
        pose[2, 3] = depth
        camera = FieldCamera(pose, (50.0, 50.0), (10.5, 7.5), 20, 16)
        outputs = picture(round_gaussian(0.0, 0.001, [1, 1, 1]), camera)
        assert bool(outputs.alpha.any()) == visible
