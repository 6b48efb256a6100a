"""What a fit minimises in one view.

Dimension letters: H, W the view in px.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mtcm_pipeline.field.camera import FieldCamera, camera_of
from mtcm_pipeline.field.options import FieldOptions
from mtcm_pipeline.field.render import Rendered
from mtcm_pipeline.field.ssim import ssim_map
from mtcm_pipeline.scene.views import PinholeView, PinholeViews


@dataclass(frozen=True)
class Target:
    """A training view as tensors.

    Attributes:
        name: of the frame.
        camera: that took it.
        rgb: (H, W, 3) in 0..1.
        mask: (H, W) share of foreground; None where the whole view is to be explained.
        unknown: whether other views have masks and this one has none, so that it may
            show a background that does not belong to the scene.
    """

    name: str
    camera: FieldCamera
    rgb: Tensor
    mask: Tensor | None
    unknown: bool


def targets_of(views: PinholeViews, device: str = "cpu") -> list[Target]:
    """The views as targets on `device`, in their order."""
    masked = sum(view.mask is not None for view in views.views)
    return [_target(view, 2 * masked >= len(views), device) for view in views.views]


def _target(view: PinholeView, masks_expected: bool, device: str) -> Target:
    mask = None if view.mask is None else torch.tensor(view.mask, device=device)
    unknown = masks_expected and mask is None
    rgb = torch.tensor(view.rgb, device=device)
    return Target(view.name, camera_of(view), rgb, mask, unknown)


def photometric_loss(
    rendered: Rendered,
    target: Target,
    options: FieldOptions,
    *,
    background: float,
    gain: float = 1.0,
) -> Tensor:
    """Absolute difference and 1 - SSIM (Kerbl et al. 2023, equation 7), a scalar.

    Both pictures stand before the same background. A masked view is cut out along its
    mask, so that anything drawn outside hides the background and costs: the field
    becomes transparent there. A view whose mask is missing counts only where the field
    already is.

    Args:
        rendered: premultiplied image and alpha.
        target: the view.
        options: share of SSIM.
        background: grey value; another one in every step leaves no colour in which a
            field could hide outside the mask.
        gain: brightness of this view relative to the scene's.
    """
    image = gain * rendered.image + ((1 - rendered.alpha) * background)[..., None]
    truth = target.rgb
    if target.mask is not None:
        truth = background + target.mask[..., None] * (truth - background)
    elif target.unknown:
        inside = rendered.alpha.detach()[..., None]
        truth = inside * truth + (1 - inside) * image.detach()
    difference = (image - truth).abs().mean()
    if not options.ssim_share:
        return difference
    similarity = ssim_map(image.permute(2, 0, 1), truth.permute(2, 0, 1)).mean()
    share = options.ssim_share
    return (1 - share) * difference + share * (1 - similarity)


def draw_background(
    target: Target, options: FieldOptions, random: torch.Generator
) -> float:
    """The grey value behind `target` in this step."""
    if target.mask is None:
        return options.background
    return float(torch.rand((), generator=random))


@torch.no_grad()
def best_gain(rendered: Rendered, target: Target, background: float) -> float:
    """The brightness factor for the field that suits the view best (least squares).

    Args:
        rendered: premultiplied image and alpha.
        target: the view.
        background: grey value behind the field, which no gain brightens.

    Returns:
        A factor in 1/4 to 4: beyond two stops, it is not the exposure that differs.
    """
    wanted = target.rgb - ((1 - rendered.alpha) * background)[..., None]
    image = rendered.image
    if target.mask is not None:
        image = image * target.mask[..., None]
    square = float((image * rendered.image).sum())
    gain = float((image * wanted).sum()) / square if square > 0 else 1.0
    return min(max(gain, 0.25), 4.0)
