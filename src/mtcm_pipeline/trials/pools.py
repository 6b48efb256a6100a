"""The pools that a user might bring: sound, unbalanced, or with faults among them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.errors import ParameterError
from mtcm_pipeline.trials.bench import Pool
from mtcm_pipeline.trials.plan import CLEAN, FAULTY, UNBALANCED

# A copy and a wrong time spoil no reconstruction: to choose them is no mistake.
HARMLESS = ("", "duplicate", "timestamp")


def make_pool(
    name: str,
    photos: PosedPhotos,
    seed: int,
    others: Callable[[], Sequence[PosedPhotos]],
) -> Pool:
    """A pool from the frames of a clean capture that are not held out.

    Args:
        name: of `plan.POOLS`.
        photos: sound frames.
        seed: of the faults or of the thinning.
        others: captures from which foreign frames come; called where faults are made.

    Raises:
        ParameterError: there is no such pool.
    """
    if name == CLEAN:
        return Pool(photos)
    if name in UNBALANCED:
        from mtcm_pipeline.faults import pools

        thin: dict[str, Callable[[PosedPhotos, int], PosedPhotos]] = {
            "lingering": pools.lingering,
            "close_ups": pools.close_ups,
            "thinned_sector": pools.thinned_sector,
        }
        return Pool(thin[name](photos, seed))
    if name not in FAULTY:
        raise ParameterError(f"unknown pool {name!r}")
    from mtcm_pipeline.faults.inject import inject
    from mtcm_pipeline.faults.plans import named, possible

    plan = possible(named(name), photos, others())
    faulty = inject(photos, plan, seed, others=others())
    harmful = faulty.truth[~faulty.truth["kind"].isin(HARMLESS)]
    return Pool(faulty.photos, frozenset(harmful["name"]))
