"""Where trials take place, and what they use without making it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.trials.filters import Verdict
from mtcm_pipeline.trials.fitting import Fit
from mtcm_pipeline.trials.options import BenchmarkOptions
from mtcm_pipeline.trials.rows import settings_key
from mtcm_pipeline.trials.workers import Workers

Float = NDArray[np.float64]
ExpectedQuality = Callable[[Sequence[str], Sequence[str]], float]


@dataclass(frozen=True)
class Pool:
    """What a user would bring: photographs in order of time, some of them faulty.

    Attributes:
        photos: N frames.
        bad: names of those whose pose or picture harms a reconstruction.
    """

    photos: PosedPhotos
    bad: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Instruments:
    """What the benchmark uses and does not make; tests put other things in place.

    Attributes:
        fit: trains a field and looks at test views; importable by name.
        make_pool: (name of the pool, clean photographs, seed) -> the pool.
        embed: (photographs) -> (N, D) unit rows.
        filters: filters that look at the pool alone, by name.
        surrogate: (a clean capture) -> (shown, hidden names) -> 0..1.
        warm_up: compiles what fits need, so that every worker finds it on the disk and
            no row counts it.
    """

    fit: Fit
    make_pool: Callable[[str, PosedPhotos, int], Pool]
    embed: Callable[[PosedPhotos], Float]
    filters: Mapping[str, Callable[[PosedPhotos, Float], Verdict]]
    surrogate: Callable[[PosedPhotos], ExpectedQuality]
    warm_up: Callable[[], object]


@dataclass(frozen=True)
class Bench:
    """Where trials take place.

    Attributes:
        options: what is measured and how finely.
        instruments: what is used for it.
        workers: where fits run.
    """

    options: BenchmarkOptions
    instruments: Instruments
    workers: Workers

    @cached_property
    def settings(self) -> str:
        """Key of all options that rows depend on."""
        return settings_key(self.options)


@dataclass(frozen=True)
class CleanCapture:
    """A capture whose frames are all sound.

    Attributes:
        photos: in order of time.
        expected_quality: (shown, hidden names) -> the surrogate.
    """

    photos: PosedPhotos
    expected_quality: ExpectedQuality

    @cached_property
    def content(self) -> str:
        """Hash of the photographs, masks and poses."""
        digest = hashlib.sha256()
        for name in self.photos.names:
            digest.update(name.encode())
            digest.update(np.round(self.photos.cameras.pose_of(name), 9).tobytes())
            digest.update(self.photos.images[name].tobytes())
            if name in self.photos.masks:
                digest.update(self.photos.masks[name].tobytes())
        return digest.hexdigest()[:16]
