"""A tiny capture and instruments whose answers are known without a fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.trials.bench import Instruments, Pool
from mtcm_pipeline.trials.filters import keep_all
from mtcm_pipeline.trials.fitting import FitTask, Outcome
from mtcm_pipeline.trials.options import BenchmarkOptions
from mtcm_pipeline.trials.rows import TrialRow
from synthetic import orbit_cameras

SMALL = Camera("PINHOLE", 32, 24, (28.0, 28.0, 16.0, 12.0))
OPTIONS = BenchmarkOptions(
    arms=["clean/none/fvs", "clean/none/every_nth"],
    budgets=[3, 5],
    splits=1,
    fit_seeds=2,
    workers=0,
    longer_side_px=32,
)


def photos_of(cameras: PosedCameras, identity: str = "orbit") -> PosedPhotos:
    """Pictures of noise, another one a frame."""
    rng = np.random.default_rng(3)
    small = replace(cameras, cameras={1: SMALL})
    images = {
        name: rng.integers(0, 256, size=(24, 32, 3), dtype=np.uint8)
        for name in small.names
    }
    return PosedPhotos(identity, small, images)


def orbit_photos(n: int = 24, identity: str = "orbit") -> PosedPhotos:
    return photos_of(orbit_cameras(n), identity)


def brightness(task: FitTask) -> Outcome:
    """A number that only the shown views decide; a module's function, so it pickles."""
    shown = float(np.mean([view.rgb.mean() for view in task.shown.views]))
    several = tuple(20.0 + shown + 0.01 * k for k in range(len(task.hidden)))
    absent = (float("nan"),) * len(several)
    return Outcome(several, absent, tuple(0.5 for _ in several), cpu_s=1.0)


def blackened(name: str, photos: PosedPhotos, seed: int) -> Pool:
    """The clean pool, or every fourth frame black."""
    if name == "clean":
        return Pool(photos)
    bad = frozenset(photos.names[::4])
    images = {
        n: np.zeros_like(image) if n in bad else image
        for n, image in photos.images.items()
    }
    return Pool(replace(photos, images=images), bad)


def fake_instruments(fit=brightness) -> Instruments:
    return Instruments(
        fit=fit,
        make_pool=blackened,
        embed=lambda photos: np.eye(len(photos)),
        filters={"checks": lambda photos, embeddings: keep_all(photos.names)},
        surrogate=lambda photos: lambda shown, hidden: len(shown) / 10,
        warm_up=lambda: None,
    )


class MemoryJournal:
    """A journal that lives as long as the test."""

    def __init__(self) -> None:
        self.rows: list[TrialRow] = []

    def read(self) -> list[TrialRow]:
        return list(self.rows)

    def append(self, row: TrialRow) -> None:
        self.rows.append(row)


def a_row(**changes) -> TrialRow:
    """Any row, with what a test is about."""
    parts = {
        "capture": "cup",
        "pool": "clean",
        "pool_seed": 0,
        "split_rule": "farthest",
        "split": 0,
        "budget": 6,
        "filter": "none",
        "selector": "fvs",
        "draw": 0,
        "fit_seed": 0,
        "psnr": 20.0,
        "masked_psnr": float("nan"),
        "worst": 15.0,
        "ssim": 0.5,
        "surrogate": 0.4,
        "chosen": 6,
        "bad_chosen": 0,
        "pool_frames": 40,
        "bad_frames": 0,
        "bad_kept": 0,
        "good_lost": 0,
        "cpu_s": 3.0,
        "repeated": False,
        "subset": "s",
        "content": "c",
        "settings": "k",
        "views": "a.jpg/b.jpg",
    }
    return TrialRow(**(parts | changes))
