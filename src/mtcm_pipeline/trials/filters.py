"""Which frames of a pool a filter lets through, and how sure it is of each.

Dimension letters: N frames of the pool.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.trials.fitting import Outcome

Float = NDArray[np.float64]

# 1.4826 times the median absolute deviation estimates a normal standard deviation.
_MAD_TO_SIGMA = 1.4826
_RESIDUAL_LIMIT = 2.5


@dataclass(frozen=True)
class Verdict:
    """What a filter says of a pool.

    Attributes:
        kept: names that it lets through, in order of the pool.
        trust: probability in 0..1 that a frame is sound, by name; 1 where the filter
            says yes or no only.
    """

    kept: tuple[str, ...]
    trust: Mapping[str, float]

    def __post_init__(self) -> None:
        if not self.kept:
            raise CaptureError(
                "a filter dropped every frame of a pool, so that nothing can be chosen"
            )


def keep_all(names: Sequence[str]) -> Verdict:
    """No filter."""
    return Verdict(tuple(names), dict.fromkeys(names, 1.0))


def keep_sound(names: Sequence[str], bad: Collection[str]) -> Verdict:
    """The perfect filter, which knows the faults."""
    return keep_where(names, [name not in bad for name in names])


def keep_where(
    names: Sequence[str], keep: Sequence[bool], trust: Sequence[float] | None = None
) -> Verdict:
    """The frames whose flag is set.

    Args:
        names: N of them.
        keep: (N).
        trust: (N) probabilities in 0..1; 1 and 0 for kept and dropped when None.
    """
    sure = [float(flag) for flag in keep] if trust is None else trust
    kept = tuple(name for name, flag in zip(names, keep, strict=True) if flag)
    return Verdict(kept, dict(zip(names, map(float, sure), strict=True)))


def keep_well_fitted(names: Sequence[str], outcome: Outcome) -> Verdict:
    """The residual filter: a field was fitted to all frames; badly fitted ones go.

    Args:
        names: N frames.
        outcome: of a fit to all frames, judged on the same frames.
    """
    low = is_low(np.array(outcome.primary)) | is_low(np.array(outcome.ssim))
    return keep_where(names, [not flag for flag in low.tolist()])


def is_low(values: Float) -> NDArray[np.bool_]:
    """(N) whether a value lies below the median by 2.5 robust standard deviations."""
    middle = np.median(values)
    spread = _MAD_TO_SIGMA * np.median(np.abs(values - middle))
    return np.asarray(values < middle - _RESIDUAL_LIMIT * spread)
