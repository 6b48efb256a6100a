"""What a user may set about the radiance field."""

from __future__ import annotations

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class FieldOptions:
    """Options of a fit; each default carries its reason.

    Learning rates are Adam's; where the text says fox, they were chosen on that capture.
    """

    # 120 px with 4,000 Gaussians and 300 steps: a fit in under 10 CPU seconds.
    longer_side_px: int = Field(default=120, ge=16)
    gaussians: int = Field(default=4000, ge=1)
    steps: int = Field(default=300, ge=1)
    # Fits run side by side in processes of their own; the kernels use one thread anyway.
    # 0 leaves torch's own setting.
    threads: int = Field(default=1, ge=0)

    # Share of 1 - SSIM in the loss beside the absolute difference (Kerbl et al. 2023).
    ssim_share: float = Field(default=0.2, ge=0, le=1)
    # Of positions, in median camera distances a step: at the end `final_rate` of it.
    rate_means: float = Field(default=4e-3, gt=0)
    rate_quats: float = Field(default=8e-3, gt=0)
    rate_scales: float = Field(default=3e-2, gt=0)
    rate_opacities: float = Field(default=0.1, gt=0)
    rate_colours: float = Field(default=3e-2, gt=0)
    # A third of the colours': few views see a Gaussian from many sides. On fox 1e-2 is
    # .2 dB better than 3e-3 with 43 views and no worse with 10.
    rate_directional: float = Field(default=1e-2, gt=0)
    final_rate: float = Field(default=0.05, gt=0, le=1)
    # Opacity at the start: visible at once, and still moved by its gradient.
    start_opacity: float = Field(default=0.3, gt=0, lt=1)
    # Small pulls towards transparent and small (Kheradmand et al. 2024), so that what
    # helps nobody can be found and moved.
    opacity_pull: float = Field(default=0.01, ge=0)
    scale_pull: float = Field(default=0.01, ge=0)

    # Every so many steps the Gaussians under `dead_opacity` move to where opaque ones
    # are (Kheradmand et al. 2024), until this share of the steps is done: the rest
    # settles.
    relocate_every: int = Field(default=100, ge=1)
    relocate_until: float = Field(default=0.7, ge=0, le=1)
    dead_opacity: float = Field(default=0.01, ge=0, lt=1)

    # Grey behind everything that is not masked away: no colour is favoured.
    background: float = Field(default=0.5, ge=0, le=1)
    # One brightness factor a training view, with median 1.
    exposure_gains: bool = False
    # SfM points count where at least so many are seen by two or more of the selected
    # views; fewer leave holes that the sweep fills better.
    least_sparse_points: int = Field(default=500, ge=1)


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class ReconstructOptions(FieldOptions):
    """A fit on the selection, judged by frames that were not selected."""

    seed: int = Field(default=0, ge=0)
    # About what published comparisons hold out of captures of this size; 0 judges none.
    held_out: int = Field(default=8, ge=0)
    # Half at random: the farthest alone would judge the rim of the capture.
    random_share: float = Field(default=0.5, ge=0, le=1)
    # Pictures of the worst and of the best held-out frames, so many each.
    pictures: int = Field(default=2, ge=1)
