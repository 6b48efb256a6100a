"""Which frames get which fault.

Every fault has a generator of its own, so kinds draw independently: each ranks all
frames (or pairs, or windows) by itself and takes the first that no other has taken.
Faults that need frames side by side choose first.

Dimension letters: N frames in order of time.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.faults.plan import Fault, FaultPlan
from mtcm_pipeline.tokens.gauge import axes_intersection

Float = NDArray[np.float64]

# Fewer frames cannot hold faults beside a majority that is sound.
LEAST_FRAMES = 12


@dataclass(frozen=True)
class Assignment:
    """Frames that are spoilt together, most often a single one.

    Attributes:
        fault: what they get.
        rows: which frames, of the clean capture.
        seed: of everything that is drawn for them.
    """

    fault: Fault
    rows: tuple[int, ...]
    seed: tuple[int, ...]

    def rng(self) -> np.random.Generator:
        """A generator that depends on the fault and the frames alone."""
        return np.random.default_rng(self.seed)


def assign(photos: PosedPhotos, plan: FaultPlan, seed: int) -> list[Assignment]:
    """Draw the frames for every fault of a plan.

    Args:
        photos: N frames of the clean capture in order of time.
        plan: what to spoil.
        seed: the same seed gives the same frames; a fault takes the same ones whatever
            else the plan says, but for those that a fault before it has taken (windows
            of frames first, then pairs, then single frames in the order of the plan).

    Raises:
        CaptureError: the capture is too small for the plan.
    """
    if plan.faults and len(photos) < LEAST_FRAMES:
        raise CaptureError(
            f"{len(photos)} frames have a pose, faults need {LEAST_FRAMES} or more"
        )
    counts = plan.counts(len(photos), seed)
    keys = _keys(plan)
    free = np.ones(len(photos), dtype=bool)
    found: list[Assignment] = []
    for index in sorted(range(len(counts)), key=lambda i: _rank(plan.faults[i])):
        fault, count, key = plan.faults[index], counts[index], (seed, *keys[index])
        if count == 0:
            continue
        usable = free & _has_what_it_takes(photos, fault)
        for rows in _groups(photos.cameras, fault, count, usable, key):
            free[list(rows)] = False
            found.append(Assignment(fault, rows, (*key, 1, rows[0])))
    return found


def bearings(cameras: PosedCameras) -> Float:
    """(N, 3) unit vectors from the object to the cameras."""
    origin = axes_intersection(cameras.centres_xyz, cameras.viewing_directions)
    offsets = cameras.centres_xyz - origin
    lengths = np.linalg.norm(offsets, axis=1, keepdims=True)
    return np.asarray(offsets / np.maximum(lengths, 1e-300))


def far_pairs(
    directions: Float,
    free: NDArray[np.bool_],
    count: int,
    limits_deg: tuple[float, float],
    rng: np.random.Generator,
) -> list[tuple[int, int]]:
    """Pairs of rows of (N, 3) unit vectors whose angle lies within limits.

    Raises:
        CaptureError: there are fewer than `count` that share no row.
    """
    least, most = np.cos(np.radians(limits_deg))
    left = [row for row in rng.permutation(len(directions)).tolist() if free[row]]
    pairs: list[tuple[int, int]] = []
    while left and len(pairs) < count:
        first = left.pop(0)
        cosines = directions[left] @ directions[first]
        apart = np.flatnonzero((cosines <= least) & (cosines >= most))
        if len(apart):
            pairs.append((first, left.pop(int(apart[0]))))
    if len(pairs) < count:
        raise CaptureError(
            f"only {len(pairs)} of {count} pairs of frames are {limits_deg[0]:g} to "
            f"{limits_deg[1]:g} degrees apart as seen from the object: swap fewer poses"
        )
    return pairs


def _keys(plan: FaultPlan) -> list[tuple[int, int]]:
    """For each fault: what it is, and the how-manieth of its kind and strength."""
    seen: Counter[str] = Counter()
    keys = []
    for fault in plan.faults:
        what = f"{fault.strength} {fault.kind}"
        keys.append((zlib.crc32(what.encode()), seen[what]))
        seen[what] += 1
    return keys


def _has_what_it_takes(photos: PosedPhotos, fault: Fault) -> NDArray[np.bool_]:
    """(N,) which frames the fault can be put into."""
    if fault.kind != "mask":
        return np.ones(len(photos), dtype=bool)
    given = (photos.masks.get(name) for name in photos.names)
    return np.array([mask is not None and bool(mask.any()) for mask in given])


def _rank(fault: Fault) -> int:
    if fault.kind == "block":
        return 0
    if fault.run > 1:
        return 1
    return 2 if fault.kind == "swapped" else 3


def _groups(
    cameras: PosedCameras,
    fault: Fault,
    count: int,
    free: NDArray[np.bool_],
    key: tuple[int, ...],
) -> Iterator[tuple[int, ...]]:
    """Rows that are spoilt together, until `count` frames are."""
    rng = np.random.default_rng((*key, 0))
    if fault.kind == "swapped":
        pairs = far_pairs(bearings(cameras), free, count // 2, fault.limits, rng)
        yield from pairs
        return
    if fault.kind == "block":
        yield _windows(free, count, 1, fault, rng)[0]
        return
    if fault.run > 1:
        yield from _windows(free, fault.run, count // fault.run, fault, rng)
        return
    rows = [row for row in rng.permutation(len(free)).tolist() if free[row]]
    if len(rows) < count:
        raise _too_small(fault, count, len(rows))
    yield from ((row,) for row in rows[:count])


def _windows(
    free: NDArray[np.bool_],
    length: int,
    count: int,
    fault: Fault,
    rng: np.random.Generator,
) -> list[tuple[int, ...]]:
    """`count` windows of consecutive free rows that do not overlap."""
    left = free.copy()
    windows: list[tuple[int, ...]] = []
    for start in rng.permutation(max(len(free) - length + 1, 0)).tolist():
        if len(windows) < count and left[start : start + length].all():
            windows.append(tuple(range(start, start + length)))
            left[start : start + length] = False
    if len(windows) < count:
        raise _too_small(fault, length * count, length * len(windows))
    return windows


def _too_small(fault: Fault, wanted: int, there: int) -> CaptureError:
    return CaptureError(
        f"{fault.kind} is to spoil {wanted} frames, but only {there} are left for it: "
        f"plan smaller shares or take a longer capture"
    )
