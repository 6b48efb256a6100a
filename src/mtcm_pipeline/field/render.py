"""Rendering that torch can differentiate: by all parameters and by the camera's pose."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mtcm_pipeline.field.arrays import GaussianArrays
from mtcm_pipeline.field.camera import FieldCamera
from mtcm_pipeline.field.gaussians import Gaussians
from mtcm_pipeline.field.raster import (
    OPAQUE_BELOW,
    RasterPass,
    backward,
    camera_arrays,
    forward,
)


class Rendered(NamedTuple):
    """A picture of the field; H, W in px, tensors or arrays.

    Attributes:
        image: (H, W, 3) premultiplied colour over black, or over the given background.
        alpha: (H, W) share of the light that the field takes, in 0..1.
        depth: (H, W) sum of weight times depth along the optical axis, in units of the
            world; divided by alpha it is the mean depth.
    """

    image: Any
    alpha: Any
    depth: Any


@dataclass(frozen=True)
class GaussianTensors:
    """`Gaussians` as torch tensors, which may require gradients; the same shapes."""

    means_xyz: Tensor
    quats_wxyz: Tensor
    log_scales: Tensor
    opacity_logits: Tensor
    harmonics: Tensor

    @classmethod
    def of(cls, gaussians: Gaussians, device: str = "cpu") -> GaussianTensors:
        """Copies, of the same float type."""
        arrays = (getattr(gaussians, each.name) for each in fields(gaussians))
        return cls(*(torch.tensor(array, device=device) for array in arrays))

    def numpy(self) -> Gaussians:
        """Copies without gradients."""
        return Gaussians(*(t.detach().cpu().numpy().copy() for t in self.tensors))

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The five, in the order of the attributes."""
        return tuple(getattr(self, each.name) for each in fields(self))


class _Splatting(torch.autograd.Function):
    """Gaussians and pose -> premultiplied image, alpha, depth."""

    @staticmethod
    def forward(ctx: Any, camera: FieldCamera, opaque_below: float, *inputs: Tensor):
        arrays = [np.ascontiguousarray(each.detach().numpy()) for each in inputs]
        rendered = forward(
            GaussianArrays(*arrays[:5]),
            camera_arrays(camera, arrays[0].dtype, arrays[5]),
            opaque_below,
        )
        ctx.rendered = rendered
        return (
            torch.from_numpy(rendered.image),
            torch.from_numpy(1 - rendered.transmittance),
            torch.from_numpy(rendered.depth),
        )

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None):
        rendered: RasterPass = ctx.rendered
        outputs = (rendered.image, rendered.transmittance, rendered.depth)
        by_image, by_alpha, by_depth = (
            np.zeros_like(output) if gradient is None else _array(gradient)
            for gradient, output in zip(gradients, outputs, strict=True)
        )
        by_gaussians, by_pose = backward(rendered, by_image, -by_alpha, by_depth)
        return (None, None, *map(torch.from_numpy, (*by_gaussians, by_pose)))


def _array(tensor: Tensor) -> Any:
    return np.ascontiguousarray(tensor.detach().numpy())


def render(
    gaussians: GaussianTensors,
    camera: FieldCamera,
    *,
    cam_from_world: Tensor | None = None,
    background: float | None = None,
    opaque_below: float = OPAQUE_BELOW,
) -> Rendered:
    """One picture on the CPU, differentiable.

    Args:
        gaussians: N of them, float32 or float64.
        camera: where from; its pose is a constant.
        cam_from_world: (4, 4) in place of the camera's pose, differentiable. All 12
            numbers of it count as free; a rigid parametrisation is the caller's.
        background: grey value that shines through; None leaves the image premultiplied.
        opaque_below: see `raster.forward`; 0 blends every splat.
    """
    if cam_from_world is None:
        cam_from_world = torch.as_tensor(
            camera.cam_from_world, dtype=gaussians.means_xyz.dtype
        )
    image, alpha, depth = _Splatting.apply(
        camera, opaque_below, *gaussians.tensors, cam_from_world
    )
    if background is not None:
        image = image + ((1 - alpha) * background)[..., None]
    return Rendered(image, alpha, depth)


def picture(
    gaussians: Gaussians, camera: FieldCamera, background: float | None = None
) -> Rendered:
    """One picture as float32 arrays, without gradients; arguments as of `render`."""
    arrays = GaussianArrays(
        *(
            np.ascontiguousarray(getattr(gaussians, each.name), np.float32)
            for each in fields(gaussians)
        )
    )
    rendered = forward(arrays, camera_arrays(camera, np.float32))
    image = rendered.image
    if background is not None:
        image = image + np.float32(background) * rendered.transmittance[..., None]
    return Rendered(image, 1 - rendered.transmittance, rendered.depth)
