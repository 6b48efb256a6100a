"""The plans that the benchmarks name.

| plan                | what is in it                                                   |
|---------------------|-----------------------------------------------------------------|
| clean               | nothing                                                         |
| gross_10 ... _45    | so many percent of the frames, evenly of `HARMFUL`, gross       |
| subtle_20, _30      | the same, subtle; foreign frames alike in colour                |
| block_8, _20, _30   | so many percent in a row, carried 5 degrees together            |
| mixed_30            | a third each: gross, subtle, and the kinds of `SELDOM`          |

Those of `POSE_PLANS`, for verdicts on poses alone:

| plan                | what is in it                                                   |
|---------------------|-----------------------------------------------------------------|
| gross, subtle       | 5 to 10 frames carried 20 to 40, or 3 to 8, degrees             |
| swapped             | 6 to 10 frames with each other's pose, 10 degrees or more apart |
| mixed_30, mixed_45  | so many percent, a third of each of these                       |
| block               | 20 % in a row, carried 5 degrees together                       |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.errors import ParameterError
from mtcm_pipeline.faults.inject import impossible_kinds
from mtcm_pipeline.faults.plan import Fault, FaultKind, FaultPlan, Strength

# What makes a reconstruction worse and happens to single frames.
HARMFUL: tuple[FaultKind, ...] = (
    "rotation",
    "translation",
    "swapped",
    "motion_blur",
    "defocus",
    "exposure",
    "occluder",
    "foreign",
)
# What users have as well: it needs material from outside, or harms less.
SELDOM: tuple[FaultKind, ...] = ("intruder", "duplicate", "mask", "timestamp")
BLOCK_DEG = 5.0


def clean() -> FaultPlan:
    """Nothing is spoilt."""
    return FaultPlan((), "clean")


def only(kind: FaultKind, strength: Strength = "gross", share: float = 0.2) -> FaultPlan:
    """A single kind."""
    name = f"{kind}_{strength}_{_percent(share)}"
    return FaultPlan((Fault(kind, share, strength, at_least=1),), name)


def walking_intruder(
    share: float = 0.1, strength: Strength = "gross", run: int = 5
) -> FaultPlan:
    """Intruders that walk through so many consecutive frames each."""
    fault = Fault("intruder", share, strength, at_least=run, run=run)
    return FaultPlan((fault,), f"walking_intruder_{strength}_{_percent(share)}")


def gross(share: float) -> FaultPlan:
    """A share of the frames, evenly of `HARMFUL`, gross."""
    return FaultPlan(evenly(HARMFUL, share, "gross"), f"gross_{_percent(share)}")


def subtle(share: float) -> FaultPlan:
    """A share of the frames, evenly of `HARMFUL`, subtle."""
    return FaultPlan(evenly(HARMFUL, share, "subtle"), f"subtle_{_percent(share)}")


def block(
    share: float = 0.2, degrees: float = BLOCK_DEG, offset: float = 0.0
) -> FaultPlan:
    """A share of the capture in a row with one common pose error.

    Args:
        share: of the frames.
        degrees: by which they are carried about the object.
        offset: by which they are shifted as well, in median camera distances.
    """
    fault = Fault("block", share, severity=(degrees, degrees), offset=offset)
    name = f"block_{_percent(share)}"
    if degrees != BLOCK_DEG:
        name += f"_{degrees:g}deg"
    return FaultPlan((fault,), name if not offset else f"{name}_offset")


def mixed(share: float = 0.3) -> FaultPlan:
    """A third each: gross and subtle ones of `HARMFUL`, gross ones of `SELDOM`."""
    third = share / 3
    faults = (
        *evenly(HARMFUL, third, "gross"),
        *evenly(HARMFUL, third, "subtle"),
        *evenly(SELDOM, third, "gross"),
    )
    return FaultPlan(faults, f"mixed_{_percent(share)}")


def evenly(
    kinds: Sequence[FaultKind], share: float, strength: Strength
) -> tuple[Fault, ...]:
    """A share of the frames over several kinds."""
    return tuple(Fault(kind, share / len(kinds), strength) for kind in kinds)


def named(name: str) -> FaultPlan:
    """A plan by its name.

    Raises:
        ParameterError: there is none of that name.
    """
    if name not in PLANS:
        raise ParameterError(
            f"unknown plan of faults {name!r}; known: {', '.join(PLANS)}"
        )
    return PLANS[name]


def possible(
    plan: FaultPlan, photos: PosedPhotos, others: Sequence[PosedPhotos]
) -> FaultPlan:
    """The plan without the kinds for which the material lacks; others grow instead."""
    lacking = impossible_kinds(photos, others)
    return plan.without([kind for kind in plan.kinds if kind in lacking])


def _percent(share: float) -> str:
    return f"{100 * share:g}"


_ALL = (
    clean(),
    *(gross(share) for share in (0.1, 0.2, 0.3, 0.4, 0.45)),
    *(subtle(share) for share in (0.2, 0.3)),
    *(block(share) for share in (0.08, 0.2, 0.3)),
    mixed(),
)
PLANS: Mapping[str, FaultPlan] = MappingProxyType({plan.name: plan for plan in _ALL})


def _poses_mixed(share: float) -> FaultPlan:
    third = share / 3
    faults = (
        Fault("rotation", third, "gross", _POSE_GROSS_DEG),
        Fault("rotation", third, "subtle", _POSE_SUBTLE_DEG),
        Fault("swapped", third),
    )
    return FaultPlan(faults, f"mixed_{_percent(share)}")


def _few(kind: FaultKind, severity: tuple[float, float] | None) -> Fault:
    """A tenth of the frames: few among many sound ones, enough to make a rate."""
    return Fault(kind, 0.1, severity=severity, at_least=5, at_most=10)


_POSE_GROSS_DEG = (20.0, 40.0)
_POSE_SUBTLE_DEG = (3.0, 8.0)
_POSE_ALL = (
    FaultPlan((_few("rotation", _POSE_GROSS_DEG),), "gross"),
    FaultPlan((_few("rotation", _POSE_SUBTLE_DEG),), "subtle"),
    FaultPlan((_few("swapped", None),), "swapped"),
    _poses_mixed(0.3),
    _poses_mixed(0.45),
    FaultPlan(block(0.2).faults, "block"),
)
POSE_PLANS: Mapping[str, FaultPlan] = MappingProxyType({p.name: p for p in _POSE_ALL})
