"""The spoilt captures of the fault benchmark, made once and kept in a folder."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.progress import track

from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.faults import plans
from mtcm_pipeline.faults.plan import STRENGTHS, FaultPlan
from mtcm_pipeline.judge.matched import MatchMemory
from mtcm_pipeline.judge.observations import Observations, observe
from mtcm_pipeline.judge.scenarios import (
    Scenario,
    block_of,
    lived_in,
    make_scenario,
    single_faults,
    training_plans,
    with_pose_noise,
)

log = logging.getLogger(__name__)

SHARES = (0.1, 0.2, 0.45)
BLOCK_SHARES = (0.08, 0.2, 0.3)
# Numbers of the training plans that are taken: the others cost time and differ little.
_TRAINED_ON = (0, 1, 3, 5, 6, 7, 8)


@dataclass(frozen=True)
class SpoiltCapture:
    """A scenario as the judge and its rivals see it.

    Attributes:
        scenario: evidence and truth.
        seen: what is observed of it.
        measured: whether it is a capture to be measured on, or one to train on only.
    """

    scenario: Scenario
    seen: Observations
    measured: bool

    @property
    def capture(self) -> str:
        """Identity of the clean capture."""
        return self.scenario.capture

    @property
    def kinds(self) -> list[str]:
        """(N) kind of each frame's fault, "" where sound."""
        return list(self.scenario.truth["kind"])

    @property
    def faulty(self) -> np.ndarray:
        """(N,) which frames are faulty."""
        return (self.scenario.truth["kind"] != "").to_numpy()


def measuring_plans(seed: int) -> list[FaultPlan]:
    """Kinds evenly, gross and subtle, at every share; blocks; and, once, nothing."""
    singles = [single_faults(share, s) for share in SHARES for s in STRENGTHS]
    blocks = [block_of(share, s) for share in BLOCK_SHARES for s in STRENGTHS]
    return ([plans.clean()] if seed == 0 else []) + singles + blocks


def measured_scenarios(
    captures: Mapping[str, PosedPhotos], seeds: Sequence[int], folder: Path
) -> Iterator[SpoiltCapture]:
    """Scenarios of captures as they are; foreign frames come from the others."""
    for photos in captures.values():
        others = [other for other in captures.values() if other is not photos]
        jobs = [(plan, seed) for seed in seeds for plan in measuring_plans(seed)]
        for scenario in _made(photos, jobs, others, folder, noisy=False):
            yield SpoiltCapture(scenario, observe(scenario.evidence), True)


def training_scenarios(
    captures: Mapping[str, PosedPhotos], folder: Path, *, known_only: bool = False
) -> Iterator[SpoiltCapture]:
    """Scenarios of generated captures, made to look lived in.

    Args:
        captures: by name, whose number seeds what happens to them.
        folder: keeps the scenarios.
        known_only: whether those that are not in the folder are left out.
    """
    named = [replace(photos, identity=name) for name, photos in captures.items()]
    for place, photos in enumerate(named):
        number = _number(photos.identity)
        drawn = training_plans(np.random.default_rng(number))
        jobs = [(drawn[i], 100 * number + i) for i in _TRAINED_ON]
        if known_only:
            jobs = [job for job in jobs if _file(folder, photos.identity, *job).exists()]
        if not jobs:
            continue
        aged = photos if known_only else lived_in(photos, number)
        others = [named[(place + step) % len(named)] for step in (1, 2)]
        for scenario in _made(aged, jobs, others, folder, noisy=True):
            yield SpoiltCapture(scenario, observe(scenario.evidence), False)


def _made(
    photos: PosedPhotos,
    jobs: Sequence[tuple[FaultPlan, int]],
    others: Sequence[PosedPhotos],
    folder: Path,
    *,
    noisy: bool,
) -> Iterator[Scenario]:
    """Scenarios from the folder, or made and put there."""
    memory = MatchMemory()
    for plan, seed in track(jobs, description=f"Spoiling {photos.identity}"):
        file = _file(folder, photos.identity, plan, seed)
        if not file.exists():
            source = with_pose_noise(photos, seed) if noisy else photos
            made = make_scenario(source, plan, seed, others=others, memory=memory)
            folder.mkdir(parents=True, exist_ok=True)
            file.write_bytes(made.to_bytes())
        yield Scenario.from_bytes(file.read_bytes())


def _file(folder: Path, capture: str, plan: FaultPlan, seed: int) -> Path:
    return folder / f"{capture}-{plan.name}-{seed}.npz"


def _number(name: str) -> int:
    """The last number in a name: the seed of a generated capture's ageing."""
    found = re.findall(r"\d+", name)
    return int(found[-1]) if found else 0
