"""How well a fitted field predicts views: PSNR, PSNR inside the mask, SSIM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.field.camera import camera_of
from mtcm_pipeline.field.fit import FittedField
from mtcm_pipeline.field.gaussians import Gaussians
from mtcm_pipeline.field.render import picture
from mtcm_pipeline.scene.views import PinholeView, PinholeViews

Pixels = NDArray[np.float32]

# PSNR of two equal pictures; JPEG is never that exact.
_MOST_DB = 100.0


@dataclass(frozen=True)
class ViewQuality:
    """One view against its rendering.

    Attributes:
        name: of the frame.
        psnr: in dB over the whole view; where it has a mask, both pictures are cut out
            and stand before the field's background.
        ssim: mean over the view, likewise.
        masked_psnr: in dB over the mask alone; NaN where there is none.
    """

    name: str
    psnr: float
    ssim: float
    masked_psnr: float


@dataclass(frozen=True)
class QualitySummary:
    """Over V views; PSNR is masked where every view has a mask, whole otherwise.

    Attributes:
        mean_psnr: mean in dB.
        worst_psnr: of the worst view, in dB.
        mean_ssim: mean.
    """

    mean_psnr: float
    worst_psnr: float
    mean_ssim: float


@dataclass(frozen=True)
class Comparison:
    """The two pictures that are compared, (H, W, 3) in 0..1, and the mask (H, W)."""

    truth: Pixels
    rendering: Pixels
    mask: Pixels | None


def compare(
    fitted: FittedField,
    views: PinholeViews,
    names: Sequence[str],
    *,
    fit_gain: bool = False,
) -> list[ViewQuality]:
    """The quality of the views `names`, in that order.

    Args:
        fitted: the field; its training gains are not used, so a view held out is
            rendered with the scene's mean brightness.
        views: in the same gauge.
        names: of the views to look at, best held out.
        fit_gain: let every view choose the one brightness factor that suits it best
            (least squares): forgives exposure, and is not a held-out measure of it.
    """
    return [
        quality_of(
            view.name,
            comparison(fitted.gaussians, view, fitted.background, fit_gain=fit_gain),
        )
        for view in views.subset(names).views
    ]


def comparison(
    gaussians: Gaussians, view: PinholeView, background: float, *, fit_gain: bool = False
) -> Comparison:
    """Truth and rendering of one view, before the same grey background."""
    image, alpha, _ = picture(gaussians, camera_of(view))
    grey = np.float32(background)
    behind = (grey * (1 - alpha))[..., None]
    truth = view.rgb
    if view.mask is not None:
        cut = view.mask[..., None]
        truth = cut * truth + (1 - cut) * grey
    if fit_gain:
        image = image * np.float32(_best_gain(image, truth - behind, view.mask))
    return Comparison(truth, np.clip(image + behind, 0, 1), view.mask)


def _best_gain(image: Pixels, wanted: Pixels, mask: Pixels | None) -> float:
    weight = 1.0 if mask is None else mask[..., None]
    square = float((weight * image * image).sum())
    return float((weight * image * wanted).sum()) / square if square > 0 else 1.0


def quality_of(name: str, pictures: Comparison) -> ViewQuality:
    """The numbers of one view."""
    truth, rendering, mask = pictures.truth, pictures.rendering, pictures.mask
    return ViewQuality(
        name,
        psnr(truth, rendering),
        ssim(truth, rendering),
        float("nan") if mask is None else psnr(truth, rendering, mask),
    )


def psnr(truth: Pixels, rendering: Pixels, weight: Pixels | None = None) -> float:
    """Peak signal-to-noise ratio in dB of (H, W, 3) pictures in 0..1.

    Args:
        truth: (H, W, 3).
        rendering: (H, W, 3).
        weight: (H, W) of each pixel; all alike when left out.

    Returns:
        -10 log10 of the mean square error; NaN where all weights are 0.
    """
    squares = ((truth.astype(np.float64) - rendering) ** 2).mean(axis=2)
    total = np.ones_like(squares) if weight is None else weight
    if not total.sum() > 0:
        return float("nan")
    error = float((squares * total).sum() / total.sum())
    return min(_MOST_DB, -10 * np.log10(error)) if error > 0 else _MOST_DB


def ssim(truth: Pixels, rendering: Pixels) -> float:
    """Mean structural similarity of (H, W, 3) pictures in 0..1."""
    import torch

    from mtcm_pipeline.field.ssim import ssim_map
    from mtcm_pipeline.math_threads import math_threads

    first, second = (
        torch.tensor(np.ascontiguousarray(each.transpose(2, 0, 1)), dtype=torch.float64)
        for each in (truth, rendering)
    )
    with math_threads(1):  # pictures this small are slower on several
        return float(ssim_map(first, second).mean())


def summary(qualities: Sequence[ViewQuality]) -> QualitySummary:
    """Mean and worst of at least one view.

    Raises:
        CaptureError: there is none.
    """
    if not qualities:
        raise CaptureError("no view was held out, so there is no quality to sum up")
    masked = np.array([each.masked_psnr for each in qualities])
    whole = np.array([each.psnr for each in qualities])
    decibels = masked if np.isfinite(masked).all() else whole
    similarity = np.array([each.ssim for each in qualities])
    return QualitySummary(
        float(decibels.mean()), float(decibels.min()), float(similarity.mean())
    )
