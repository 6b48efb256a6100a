"""Every identity spoilt by known faults: some draws to train on, others to test on.

All frames of an identity count as sound before it is spoilt.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache

import numpy as np

from mtcm_pipeline.across.code_digest import OBSERVING, code_digest
from mtcm_pipeline.across.options import AcrossOptions
from mtcm_pipeline.across.spoilt import TEST, TRAIN, SpoiltIdentity, spoilt_identity
from mtcm_pipeline.capture.content_store import ContentStore, content_key
from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.faults.plan import STRENGTHS, FaultPlan
from mtcm_pipeline.faults.plans import clean
from mtcm_pipeline.judge.matched import MatchMemory
from mtcm_pipeline.judge.observations import observe
from mtcm_pipeline.judge.photo_facts import photo_key
from mtcm_pipeline.judge.scenarios import (
    block_of,
    make_scenario,
    single_faults,
)
from mtcm_pipeline.progress import tracked

log = logging.getLogger(__name__)

LoadPhotos = Callable[[], PosedPhotos]
LoadByName = Callable[[str], PosedPhotos]
Job = tuple[str, FaultPlan, int]
"""Role, plan and seed of one spoiling."""

# Shares of the frames that are drawn from for training: of all kinds, small blocks with
# other faults beside them, and large blocks.
_SHARE, _SMALL, _LARGE, _BESIDE = (0.2, 0.4), (0.08, 0.18), (0.2, 0.3), 0.1
_TEST_SHARE = 0.25
_TEST_BLOCK = 0.2
# Identities that foreign frames and intruders of one identity come from.
_OTHERS = 2
_SEEDS_PER_RUN = 1000


def spoiling_jobs(options: AcrossOptions) -> list[Job]:
    """Role, plan and seed of every spoiling; tests have seeds of their own."""
    jobs: list[Job] = []
    for draw in range(options.train_draws):
        seed = 2 * (_SEEDS_PER_RUN * options.seed + draw)
        drawn = _training_plans(np.random.default_rng([options.seed, draw]))
        jobs += [(TRAIN, plan, seed) for plan in drawn]
    for draw in range(options.test_draws):
        seed = 2 * (_SEEDS_PER_RUN * options.seed + draw) + 1
        jobs += [(TEST, single_faults(_TEST_SHARE, how), seed) for how in STRENGTHS]
        jobs += [(TEST, block_of(_TEST_BLOCK, how), seed) for how in STRENGTHS]
    return jobs


def _training_plans(rng: np.random.Generator) -> list[FaultPlan]:
    """Nothing, all kinds, and blocks; gross and subtle."""
    share = [round(rng.uniform(*each), 2) for each in (_SHARE, _SHARE, _SMALL, _LARGE)]
    return [
        clean(),
        single_faults(share[0], "gross"),
        single_faults(share[1], "subtle"),
        block_of(share[2], "gross", _BESIDE),
        block_of(share[3], "subtle"),
    ]


def spoilt_identities(
    captures: Mapping[str, LoadPhotos],
    options: AcrossOptions,
    store: ContentStore,
    *,
    named: bool = True,
) -> list[SpoiltIdentity]:
    """Spoil and observe every identity; what the store holds is not made again.

    Each spoilt identity is put into the store as soon as it is observed, so a kill loses
    the one in progress only.

    Args:
        captures: loaders by identity; foreign frames come from the next two in order.
        options: draws and seed.
        store: keeps observations, and facts about photographs, between runs.
        named: whether an identity that cannot be used (no poses, too few frames) is an
            error; else it is left out with a warning.

    Raises:
        CaptureError: an identity cannot be used, or none can.
    """
    load = lru_cache(maxsize=_OTHERS + 1)(lambda name: captures[name]())
    names, found = list(captures), []
    for name in tracked(names, "spoiling identities"):
        try:
            made = list(_of_identity(name, names, load, options, store))
        except CaptureError as error:
            if named:
                raise
            log.warning("%s is left out: %s", name, error)
            continue
        log.info("%s: %d spoilt versions", name, len(made))
        found += made
    if not found:
        raise CaptureError(
            "no identity can be trained on: each needs photographs with poses, at least "
            "a dozen of them; see the warnings above"
        )
    return found


def _of_identity(
    name: str,
    names: Sequence[str],
    load: LoadByName,
    options: AcrossOptions,
    store: ContentStore,
) -> Iterator[SpoiltIdentity]:
    photos, place = load(name), names.index(name)
    nearby = [names[(place + step) % len(names)] for step in range(1, _OTHERS + 1)]
    others = [each for other in dict.fromkeys(nearby) if other != name
              if (each := _usable(other, load)) is not None]  # fmt: skip
    contents = [photos_digest(each) for each in (photos, *others)]
    memory = MatchMemory()
    for role, plan, seed in spoiling_jobs(options):
        what = (code_digest(OBSERVING), role, repr(plan), str(seed), *contents)
        key = content_key("spoilt", *what)
        stored = store.read(key)
        known = None if stored is None else SpoiltIdentity.from_bytes(stored)
        if known is None:
            scenario = make_scenario(
                photos, plan, seed, others=others, memory=memory, store=store
            )
            known = spoilt_identity(scenario, observe(scenario.evidence), role)
            store.write(key, known.to_bytes())
        yield known


def _usable(name: str, load: LoadByName) -> PosedPhotos | None:
    """Material for foreign frames; an identity without poses gives none."""
    try:
        return load(name)
    except CaptureError:
        return None


def photos_digest(photos: PosedPhotos) -> str:
    """Changes with every pixel, mask, pose, camera and time of a capture."""
    parts = [photos.identity, repr(sorted(photos.seconds.items()))]
    for name in photos.names:
        camera = photos.cameras.camera_of(name)
        pose = np.ascontiguousarray(photos.cameras.pose_of(name)).tobytes().hex()
        parts += [name, repr(camera), pose]
        parts.append(photo_key(photos.images[name], photos.masks.get(name)))
    return content_key("photos", *parts)
