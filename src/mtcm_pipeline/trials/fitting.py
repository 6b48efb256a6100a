"""One fit: train on some views, look at others.

Dimension letters: K views shown, T held out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mtcm_pipeline.scene.views import PinholeView, PinholeViews
from mtcm_pipeline.trials.options import BenchmarkOptions


@dataclass(frozen=True)
class FitTask:
    """What a worker process needs; it holds no other view of the capture.

    Attributes:
        shown: K views to train on.
        hidden: T views to look at afterwards; they may be the same.
        gaussians: of the field.
        steps: of the training.
        seed: of the training.
    """

    shown: PinholeViews
    hidden: PinholeViews
    gaussians: int
    steps: int
    seed: int

    @property
    def subset(self) -> str:
        """Hash of the content of all views, whatever the order of those shown."""
        digest = hashlib.sha256()
        shown = sorted(map(_view_digest, self.shown.views))
        for part in (*shown, b"|", *map(_view_digest, self.hidden.views)):
            digest.update(part)
        return digest.hexdigest()[:20]


@dataclass(frozen=True)
class Outcome:
    """Qualities of the hidden views, in their order, in dB (SSIM: 0 to 1).

    Attributes:
        psnr: (T) whole picture.
        masked_psnr: (T) inside the mask; NaN without one.
        ssim: (T).
        cpu_s: CPU seconds that the fit took.
    """

    psnr: tuple[float, ...]
    masked_psnr: tuple[float, ...]
    ssim: tuple[float, ...]
    cpu_s: float

    @property
    def primary(self) -> tuple[float, ...]:
        """(T) inside the masks where every view has one, else over the whole picture."""
        return self.masked_psnr if np.isfinite(self.masked_psnr).all() else self.psnr


Fit = Callable[[FitTask], Outcome]


def task_of(
    views: PinholeViews,
    shown: Sequence[str],
    hidden: PinholeViews,
    options: BenchmarkOptions,
    *,
    seed: int,
) -> FitTask:
    """A fit to some views of a pool, in the order of the pool.

    Args:
        views: the pool, whose gauge the fit takes place in.
        shown: K names to train on.
        hidden: test views in the same gauge.
        options: of the benchmark.
        seed: of the training.
    """
    wanted = set(shown)
    ordered = [name for name in views.names if name in wanted]
    return FitTask(views.subset(ordered), hidden, options.gaussians, options.steps, seed)


def _view_digest(view: PinholeView) -> bytes:
    digest = hashlib.sha256(view.name.encode())
    pose = np.round(view.cam_from_world, 9)
    for part in (view.rgb, view.mask, pose, view.focal_px, view.principal_px):
        digest.update(b"-" if part is None else np.ascontiguousarray(part).tobytes())
    return digest.digest()
