"""What is to be spoilt: kinds of faults, how many frames of each, how badly.

| kind        | severity is                                       | gross    | subtle   |
|-------------|---------------------------------------------------|----------|----------|
| rotation    | degrees, the camera is carried about the object   | 15-60    | 2-5      |
| translation | shift of the camera in median camera distances    | 0.2-0.6  | 0.04-0.1 |
| swapped     | degrees between two that have each other's pose   | 10-180   | 10-25    |
| block       | degrees, consecutive frames are carried together  | 8-12     | 3-5      |
| motion_blur | length of the streak in px of a 400 px picture    | 12-24    | 4-6      |
| defocus     | diameter of the disc in px of a 400 px picture    | 9-16     | 4-6      |
| exposure    | stops of light either way, negative is darker     | 2-3.3    | 0.6-1    |
| occluder    | share of the picture that is covered              | 0.2-0.4  | 0.06-0.12|
| foreign     | none (1): gross takes any frame of the others,    | 1        | 1        |
|             | subtle the one with the most similar colours      |          |          |
| intruder    | share of the picture that the intruder covers     | 0.1-0.2  | 0.04-0.08|
| duplicate   | share of the width by which the copy is cropped   | 0-0.002  | 0.01-0.03|
| mask        | 1 - intersection over union with the true mask    | 0.35-0.8 | 0.06-0.2 |
| timestamp   | share of the capture's length of the displacement | 0.25-0.6 | 0.06-0.15|

A gross duplicate is the plainer one to see. A block may be shifted as well (`offset`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Annotated, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, field_validator
from pydantic.dataclasses import dataclass

from mtcm_pipeline.errors import ParameterError

FaultKind = Literal[
    "rotation",
    "translation",
    "swapped",
    "block",
    "motion_blur",
    "defocus",
    "exposure",
    "occluder",
    "foreign",
    "intruder",
    "duplicate",
    "mask",
    "timestamp",
]
Strength = Literal["gross", "subtle"]
Range = tuple[float, float]

_ROUNDING = 7919  # a stream of its own for what shares are rounded by
_SLACK = 1e-9  # shares like 0.3 are a hair off in binary

KINDS: tuple[FaultKind, ...] = get_args(FaultKind)
STRENGTHS: tuple[Strength, ...] = get_args(Strength)

_GROSS: Mapping[str, Range] = {
    "rotation": (15.0, 60.0),
    "translation": (0.2, 0.6),
    # Neighbours on an orbit of 66 frames are 5 degrees apart: nearer swaps are hardly
    # faults.
    "swapped": (10.0, 180.0),
    "block": (8.0, 12.0),
    "motion_blur": (12.0, 24.0),
    "defocus": (9.0, 16.0),
    "exposure": (2.0, 3.3),
    "occluder": (0.2, 0.4),
    "foreign": (1.0, 1.0),
    "intruder": (0.1, 0.2),
    "duplicate": (0.0, 0.002),
    "mask": (0.35, 0.8),
    "timestamp": (0.25, 0.6),
}
_SUBTLE: Mapping[str, Range] = {
    "rotation": (2.0, 5.0),
    "translation": (0.04, 0.1),
    "swapped": (10.0, 25.0),
    "block": (3.0, 5.0),
    "motion_blur": (4.0, 6.0),
    "defocus": (4.0, 6.0),
    # On the picture's values this is about x 0.73 to 0.85 and x 1.2 to 1.37: automatic
    # exposure alone makes differences of half of that.
    "exposure": (0.6, 1.0),
    "occluder": (0.06, 0.12),
    "foreign": (1.0, 1.0),
    "intruder": (0.04, 0.08),
    "duplicate": (0.01, 0.03),
    "mask": (0.06, 0.2),
    "timestamp": (0.06, 0.15),
}
SEVERITIES: Mapping[str, Mapping[str, Range]] = MappingProxyType(
    {"gross": MappingProxyType(_GROSS), "subtle": MappingProxyType(_SUBTLE)}
)


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Fault:
    """One kind of fault in some frames.

    Attributes:
        kind: one of `KINDS`.
        share: of the clean capture's frames that get it.
        strength: `gross` or `subtle`.
        severity: (least, most) instead of the strength's own, see the module.
        at_least: frames, however small the share.
        at_most: frames, however large the share.
        run: consecutive frames through which an intruder walks; 1 is a single frame.
        offset: shift of a block in median camera distances, beside its rotation.
    """

    kind: FaultKind
    share: Annotated[float, Field(ge=0, le=1)] = 0.1
    strength: Strength = "gross"
    severity: Range | None = None
    at_least: Annotated[int, Field(ge=0)] = 0
    at_most: Annotated[int, Field(ge=0)] | None = None
    run: Annotated[int, Field(ge=1, le=50)] = 1
    offset: Annotated[float, Field(ge=0, le=2)] = 0.0

    @field_validator("kind", mode="before")
    @classmethod
    def _known(cls, kind: object) -> object:
        if kind not in KINDS:
            raise ParameterError(
                f"unknown kind of fault {kind!r}; known: {', '.join(KINDS)}"
            )
        return kind

    @field_validator("severity")
    @classmethod
    def _ordered(cls, severity: Range | None) -> Range | None:
        if severity is not None and not severity[0] <= severity[1]:
            raise ParameterError(
                f"severity from {severity[0]:g} to {severity[1]:g}: give the least first"
            )
        return severity

    @property
    def limits(self) -> Range:
        """(least, most) severity."""
        return self.severity or SEVERITIES[self.strength][self.kind]

    @property
    def group(self) -> int:
        """Frames that can only be spoilt together; a block is as long as it gets."""
        return 2 if self.kind == "swapped" else self.run


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class FaultPlan:
    """Faults that are put into one capture; a frame gets one of them.

    Attributes:
        faults: shares add up.
        name: for tables.
    """

    faults: tuple[Fault, ...] = ()
    name: str = ""

    @property
    def kinds(self) -> tuple[FaultKind, ...]:
        """The kinds in it, in the order of `KINDS`."""
        found = {fault.kind for fault in self.faults}
        return tuple(kind for kind in KINDS if kind in found)

    def without(self, kinds: Iterable[FaultKind]) -> FaultPlan:
        """The plan without some kinds; the others take over their frames."""
        unwanted = set(kinds)
        kept = [fault for fault in self.faults if fault.kind not in unwanted]
        total, rest = _total(self.faults), _total(kept)
        if not kept or rest == 0.0:
            return FaultPlan((), self.name)
        grown = tuple(replace(f, share=min(1.0, f.share * total / rest)) for f in kept)
        return FaultPlan(grown, self.name)

    def counts(self, frames: int, seed: int = 0) -> tuple[int, ...]:
        """Frames for each of the faults in a capture of so many.

        The sum of the shares is met to the frame as long as single frames can fill it.
        Each fault gets its share, rounded up or down by the seed so that it is met on
        average (systematic sampling): a kind with a share of half a frame comes every
        other time. Frames that can only be spoilt together come in whole groups.
        """
        rng = np.random.default_rng((seed, _ROUNDING))
        counts = [
            fault.group * int(fault.share * frames / fault.group + rng.random() + _SLACK)
            if fault.group > 1
            else 0
            for fault in self.faults
        ]
        left = max(round(round(_total(self.faults), 9) * frames) - sum(counts), 0)
        singles = [i for i, f in enumerate(self.faults) if f.group == 1 and f.share > 0]
        shares = np.array([self.faults[i].share for i in singles])
        for i, count in zip(singles, _apportioned(shares, left, rng), strict=True):
            counts[i] = count
        return tuple(_bounded(n, f) for n, f in zip(counts, self.faults, strict=True))


def _apportioned(
    shares: NDArray[np.float64], total: int, rng: np.random.Generator
) -> list[int]:
    """Whole numbers of the given sum, each its share of it rounded up or down."""
    if not len(shares):
        return []
    order = rng.permutation(len(shares))
    ends = np.cumsum(shares[order]) / shares.sum() * total
    ends[-1] = total
    steps = np.diff(np.floor(ends + rng.random() + _SLACK), prepend=0)
    counts = np.zeros(len(shares), dtype=int)
    counts[order] = steps
    return counts.tolist()


def _bounded(count: int, fault: Fault) -> int:
    """Within the fault's own bounds, still in whole groups (rounded up)."""
    most = count if fault.at_most is None else fault.at_most
    bounded = max(min(count, most), fault.at_least)
    return -(-bounded // fault.group) * fault.group


def _total(faults: Iterable[Fault]) -> float:
    return sum(fault.share for fault in faults)
