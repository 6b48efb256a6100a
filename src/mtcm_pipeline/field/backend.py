"""Who renders: the project's own kernels on the CPU, gsplat on CUDA.

`choose_backend` looks once a fit: where torch sees a CUDA device and the optional package
gsplat is importable (`pip install mtcm-pipeline[cuda]`), a fit runs there. Both follow
the same conventions (arrays.py names the numbers); gsplat's own differ in one: it caps
alpha at 0.999 instead of 0.99.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from mtcm_pipeline.field.arrays import BLUR, NEAR
from mtcm_pipeline.field.camera import FieldCamera
from mtcm_pipeline.field.render import GaussianTensors, Rendered, render


class Renderer(Protocol):
    """`render`'s interface, whoever does the work."""

    def __call__(
        self,
        gaussians: GaussianTensors,
        camera: FieldCamera,
        *,
        cam_from_world: Tensor | None = None,
        background: float | None = None,
    ) -> Rendered:
        """One picture; see `render.render`."""
        ...


def has_cuda_renderer() -> bool:
    """Whether there is a CUDA device, and gsplat to use it."""
    return torch.cuda.is_available() and importlib.util.find_spec("gsplat") is not None


@dataclass(frozen=True)
class Backend:
    """A renderer and the device that its tensors live on."""

    render: Renderer
    device: str


def choose_backend() -> Backend:
    """gsplat on CUDA where that can run, else the kernels of this package."""
    if has_cuda_renderer():
        return Backend(render_gsplat, "cuda")
    return Backend(render, "cpu")


def render_gsplat(
    gaussians: GaussianTensors,
    camera: FieldCamera,
    *,
    cam_from_world: Tensor | None = None,
    background: float | None = None,
) -> Rendered:
    """`render.render` by gsplat, on the device of the Gaussians.

    gsplat takes C cameras at once; here C = 1. Its quaternions are w, x, y, z, its
    `viewmats` world to camera with OpenCV axes, its scales standard deviations, its
    spherical harmonics those of `Gaussians`; "RGB+D" accumulates weight times depth.
    """
    from gsplat import rasterization

    like = gaussians.means_xyz
    if cam_from_world is None:
        cam_from_world = torch.as_tensor(camera.cam_from_world)
    pose = cam_from_world.to(like)
    # A background comes in behind all channels, so it is blended here, not there.
    channels, alphas, _ = rasterization(
        means=gaussians.means_xyz,
        quats=gaussians.quats_wxyz,
        scales=torch.exp(gaussians.log_scales),
        opacities=torch.sigmoid(gaussians.opacity_logits),
        colors=gaussians.harmonics,
        viewmats=pose[None],
        Ks=torch.as_tensor(camera.matrix).to(like)[None],
        width=camera.width,
        height=camera.height,
        near_plane=NEAR,
        eps2d=BLUR,
        sh_degree=1,
        packed=False,
        backgrounds=None,
        render_mode="RGB+D",
    )
    image, alpha, depth = channels[0, ..., :3], alphas[0, ..., 0], channels[0, ..., 3]
    if background is not None:
        image = image + ((1 - alpha) * background)[..., None]
    return Rendered(image, alpha, depth)
