"""Made-up spoilt identities: one piece of evidence gives faults away, another whose."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from judge.judge_cases import evidence_of
from mtcm_pipeline.across.options import AcrossOptions
from mtcm_pipeline.across.spoilt import TEST, TRAIN, SpoiltIdentity
from mtcm_pipeline.judge.observations import Observations, observe

TINY = AcrossOptions(init="none", members=1, steps=6, batch=4, learning_rate=3e-3)


@cache
def seen_of(frames: int, seed: int) -> Observations:
    return observe(evidence_of(frames, seed=seed))


def spoilt(
    identity: str, role: str = TRAIN, frames: int = 20, seed: int = 0
) -> SpoiltIdentity:
    """Faulty frames are dull, by chance; an identity's frames are all as bright."""
    seen = seen_of(frames, 1)
    rng = np.random.default_rng([seed, frames, *identity.encode(), role == TEST])
    bad = rng.random(frames) < 0.3
    bad[:2] = (True, False)
    raw = seen.raw.copy()
    raw[:, 0] = np.where(bad, 4.0, 0.0) + 0.1 * rng.normal(size=frames)
    return SpoiltIdentity(
        identity, role, "made_up", seed, seen.names, seen.columns, raw, seen.first,
        seen.second, seen.pairs, seen.agreement,
        tuple("defocus" if each else "" for each in bad),
        tuple("gross" if each else "" for each in bad),
    )  # fmt: skip


def identities(*names: str, versions: int = 2) -> list[SpoiltIdentity]:
    return [
        spoilt(name, role, seed=2 * number + (role == TEST))
        for name in names
        for role in (TRAIN, TEST)
        for number in range(versions)
    ]


class Memory(dict):
    """A content store in memory that counts what is written."""

    def read(self, key: str) -> bytes | None:
        return self.get(key)

    def write(self, key: str, content: bytes) -> None:
        self[key] = content


def with_options(**changes: object) -> AcrossOptions:
    return replace(TINY, **changes)
