"""The same picture, slowly, in torch alone: what the kernels are compared with.

Formulas as in `field.splat_geometry` and `field.rasterisation`, written from the papers
with dense matrices: every Gaussian over every pixel. Dimension letters: N Gaussians, H, W
in px.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mtcm_pipeline.field.arrays import BLUR, MAX_ALPHA, MIN_ALPHA, NEAR, TAN_MARGIN
from mtcm_pipeline.field.camera import FieldCamera
from mtcm_pipeline.field.gaussians import SH_CONSTANT, SH_LINEAR
from mtcm_pipeline.field.render import GaussianTensors, Rendered


def render_reference(
    gaussians: GaussianTensors, camera: FieldCamera, cam_from_world: Tensor
) -> Rendered:
    """`render` without tiles, without stopping early, with torch's own gradients.

    Args:
        gaussians: N of them.
        camera: whose intrinsics and size count.
        cam_from_world: (4, 4) rigid, OpenCV axes.
    """
    world_to_cam, shift = cam_from_world[:3, :3], cam_from_world[:3, 3]
    points = gaussians.means_xyz @ world_to_cam.T + shift  # (N, 3)
    shapes = _covariances(gaussians, points, world_to_cam, camera)  # (N, 2, 2)
    opacities = torch.sigmoid(gaussians.opacity_logits)
    colours = _colours(gaussians, -world_to_cam.T @ shift)  # (N, 3)
    fx, fy, cx, cy = camera.intrinsics
    z = points[:, 2]
    centres = torch.stack(
        [fx * points[:, 0] / z + cx, fy * points[:, 1] / z + cy], 1
    )  # (N, 2)
    pixels = _pixel_centres(camera, points.dtype)  # (H, W, 2)
    transmittance = torch.ones(camera.height, camera.width, dtype=points.dtype)
    image = torch.zeros_like(transmittance)[..., None].repeat(1, 1, 3)
    depth = torch.zeros_like(transmittance)
    for i in torch.argsort(z, stable=True).tolist():
        if z[i] < NEAR:
            continue
        offsets = pixels - centres[i]
        power = 0.5 * ((offsets @ torch.linalg.inv(shapes[i])) * offsets).sum(-1)
        raw = opacities[i] * torch.exp(-power)
        alpha = torch.where(raw > MIN_ALPHA, raw.clamp(max=MAX_ALPHA), 0.0)
        weight = alpha * transmittance
        image = image + weight[..., None] * colours[i]
        depth = depth + weight * z[i]
        transmittance = transmittance * (1 - alpha)
    return Rendered(image, 1 - transmittance, depth)


def _covariances(
    gaussians: GaussianTensors, points: Tensor, rotation: Tensor, camera: FieldCamera
) -> Tensor:
    """(N, 2, 2) of the splats in px^2."""
    fx, fy, cx, cy = camera.intrinsics
    z = points[:, 2]
    margin_x = TAN_MARGIN * camera.width / (2 * fx)
    margin_y = TAN_MARGIN * camera.height / (2 * fy)
    tan_x = (points[:, 0] / z).clamp(
        -cx / fx - margin_x, (camera.width - cx) / fx + margin_x
    )
    tan_y = (points[:, 1] / z).clamp(
        -cy / fy - margin_y, (camera.height - cy) / fy + margin_y
    )
    zero = torch.zeros_like(z)
    jacobian = torch.stack(
        [
            torch.stack([fx / z, zero, -fx * tan_x / z], 1),
            torch.stack([zero, fy / z, -fy * tan_y / z], 1),
        ],
        1,
    )  # (N, 2, 3)
    axes = jacobian @ rotation @ _rotations(gaussians.quats_wxyz)
    axes = axes * torch.exp(gaussians.log_scales)[:, None, :]
    return axes @ axes.mT + BLUR * torch.eye(2, dtype=z.dtype)


def _rotations(quats: Tensor) -> Tensor:
    """(N, 3, 3) I + 2 w [v]x + 2 [v]x^2 for unit quaternions (w, v)."""
    unit = quats / quats.norm(dim=1, keepdim=True)
    w, x, y, z = unit.unbind(1)
    zero = torch.zeros_like(w)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], 1).reshape(-1, 3, 3)
    eye = torch.eye(3, dtype=quats.dtype)
    return eye + 2 * w[:, None, None] * cross + 2 * cross @ cross


def _colours(gaussians: GaussianTensors, centre: Tensor) -> Tensor:
    """(N, 3) seen from `centre`."""
    away = gaussians.means_xyz - centre
    x, y, z = (away / away.norm(dim=1, keepdim=True)).unbind(1)
    basis = torch.stack(
        [torch.full_like(x, SH_CONSTANT), -SH_LINEAR * y, SH_LINEAR * z, -SH_LINEAR * x],
        1,
    )  # (N, 4)
    return (0.5 + torch.einsum("nk,nkc->nc", basis, gaussians.harmonics)).clamp(min=0)


def _pixel_centres(camera: FieldCamera, dtype: torch.dtype) -> Tensor:
    """(H, W, 2) x, y in px."""
    rows = torch.arange(camera.height, dtype=dtype) + 0.5
    columns = torch.arange(camera.width, dtype=dtype) + 0.5
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([x, y], -1)
