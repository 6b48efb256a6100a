"""The spoilt captures of the fault benchmark, made once and kept in a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from rich.progress import track

from mtcm_pipeline.benchmarks.fault_captures import drawn_capture
from mtcm_pipeline.benchmarks.fault_store import SpoiltCapture, keep, spoilt_capture
from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.faults import plans
from mtcm_pipeline.faults.plan import STRENGTHS, FaultPlan
from mtcm_pipeline.judge.matched import MatchMemory
from mtcm_pipeline.judge.scenarios import (
    block_of,
    lived_in,
    make_scenario,
    single_faults,
    training_plans,
    with_pose_noise,
)

# Seeds of the captures that judges are trained on: the first, and how many.
FIRST_DRAWN, DRAWN = 401, 55
SHARES = (0.1, 0.2, 0.45)
BLOCK_SHARES = (0.08, 0.2, 0.3)
# Numbers of the training plans that a capture with an even and an odd seed gets: the
# others cost time and differ little.
_TRAINED_ON = ((0, 2, 3, 4, 6, 9), (0, 1, 3, 5, 7, 8))
# From this seed on captures get many subtle faults: the first ones have few of them.
_SUBTLE_FROM, _SUBTLE_PLANS = 419, (0, 3, 7, 8, 9, 10, 11, 12, 13)
# Foreign frames and intruders of a drawn capture come from two of a few others, whose
# seeds are so far away that they are no training captures themselves.
_OTHERS, _OTHERS_AT, _OTHERS_FRAMES = 4, (100_000, 200_000), 12
# The capture as it is and poorer ones, see `judge.thinning`.
VERSIONS = (0, 1, 2)

Job = tuple[FaultPlan, int]


def measuring_plans(seed: int) -> list[FaultPlan]:
    """Kinds evenly, gross and subtle, at every share; blocks; and, once, nothing."""
    singles = [single_faults(share, s) for share in SHARES for s in STRENGTHS]
    blocks = [block_of(share, s) for share in BLOCK_SHARES for s in STRENGTHS]
    return ([plans.clean()] if seed == 0 else []) + singles + blocks


def measured_scenarios(
    captures: Mapping[str, PosedPhotos],
    seeds: Sequence[int],
    folder: Path,
    only: Sequence[str] = ("",),
) -> Iterator[SpoiltCapture]:
    """Scenarios of captures as they are; foreign frames come from the others.

    Args:
        captures: by identity.
        seeds: of the faults.
        folder: keeps the scenarios.
        only: plans whose name contains one of these; all by default.
    """
    for photos in captures.values():
        others = [other for other in captures.values() if other is not photos]
        jobs = [
            (plan, seed)
            for seed in seeds
            for plan in measuring_plans(seed)
            if any(part in plan.name for part in only)
        ]
        for file in _made(photos, jobs, others, folder, noisy=False):
            yield spoilt_capture(file, measured=True)


def training_scenarios(
    seeds: Sequence[int], folder: Path, *, known_only: bool = False
) -> Iterator[SpoiltCapture]:
    """Scenarios of drawn captures, made to look lived in, and poorer versions of each.

    Args:
        seeds: of the captures.
        folder: keeps the scenarios.
        known_only: whether those that are not in the folder are left out.
    """
    for seed in seeds:
        drawn = training_plans(np.random.default_rng(seed))
        chosen = _SUBTLE_PLANS if seed >= _SUBTLE_FROM else _TRAINED_ON[seed % 2]
        jobs = [(drawn[i], 100 * seed + i) for i in chosen]
        for file in _trained_on(seed, jobs, folder, known_only=known_only):
            for version in VERSIONS:
                yield spoilt_capture(file, measured=False, version=version)


def _trained_on(
    seed: int, jobs: Sequence[Job], folder: Path, *, known_only: bool
) -> Iterator[Path]:
    """Scenarios of one drawn capture; it is drawn only if one is lacking."""
    files = [_file(folder, f"drawn_{seed}", *job) for job in jobs]
    known = [file for file in files if file.exists()]
    if known_only or len(known) == len(jobs):
        yield from known
        return
    capture = drawn_capture(seed)
    others = [_other(seed % _OTHERS + far) for far in _OTHERS_AT]
    if not capture.ordered:  # then a wrong time is no fault that could be seen
        jobs = [(plan.without(["timestamp"]), number) for plan, number in jobs]
    aged = lived_in(capture.photos, seed)
    yield from _made(aged, jobs, others, folder, noisy=True)


@cache
def _other(seed: int) -> PosedPhotos:
    return drawn_capture(seed, frames=_OTHERS_FRAMES).photos


def _made(
    photos: PosedPhotos,
    jobs: Sequence[Job],
    others: Sequence[PosedPhotos],
    folder: Path,
    *,
    noisy: bool,
) -> Iterator[Path]:
    """Scenarios from the folder, or made and put there."""
    memory = MatchMemory()
    for plan, seed in track(jobs, description=f"Spoiling {photos.identity}"):
        file = _file(folder, photos.identity, plan, seed)
        if not file.exists():
            source = with_pose_noise(photos, seed) if noisy else photos
            keep(make_scenario(source, plan, seed, others=others, memory=memory), file)
        yield file


def _file(folder: Path, capture: str, plan: FaultPlan, seed: int) -> Path:
    return folder / f"{capture}-{plan.name}-{seed}.npz"
