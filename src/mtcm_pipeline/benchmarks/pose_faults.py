"""Poses spoilt on purpose, of a capture whose given poses count as sound.

| kind     | what is done                                                     | frames  |
|----------|------------------------------------------------------------------|---------|
| gross    | the camera carried 20 to 40 degrees about the object, any axis   | 5 to 10 |
| subtle   | the same by 3 to 8 degrees                                       | 5 to 10 |
| swapped  | two frames have each other's pose, 10 degrees or more apart as   |         |
|          | seen from the object                                             | 6 to 10 |
| mixed_30 | a third of each of these                                         | 30 %    |
| mixed_45 | the same                                                         | 45 %    |
| block    | consecutive frames carried 5 degrees together, about one axis:   |         |
|          | among each other their poses stay right                          | 20 %    |

Dimension letters: N posed frames in order of time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.tokens.gauge import axes_intersection

Float = NDArray[np.float64]

GROSS, SUBTLE, SWAPPED, BLOCK = "gross", "subtle", "swapped", "block"
GROSS_DEG = (20.0, 40.0)
SUBTLE_DEG = (3.0, 8.0)
BLOCK_DEG = 5.0
BLOCK_SHARE = 0.2
# Neighbours on an orbit of 66 frames are 5 degrees apart: nearer swaps are hardly faults.
SWAPPED_APART_DEG = 10.0
# A few faults among many sound frames, and at least as many as make a rate.
FEW_SHARE, FEWEST, MOST = 0.1, 5, 10
# Fewer frames cannot hold the faults beside a majority that is sound.
LEAST_FRAMES = 12


@dataclass(frozen=True)
class SpoiltPoses:
    """A capture with wrong poses, and which they are.

    Attributes:
        cameras: N frames, the same names and intrinsics as before.
        faults: (N) `gross`, `subtle`, `swapped`, `block`, or empty where sound.
    """

    cameras: PosedCameras
    faults: tuple[str, ...]

    @property
    def bad(self) -> NDArray[np.bool_]:
        """(N,) which poses are wrong."""
        return np.array([bool(fault) for fault in self.faults])


class _Spoiling:
    """Poses while they are being spoilt; a frame is spoilt once."""

    def __init__(self, cameras: PosedCameras, rng: np.random.Generator) -> None:
        self.cameras = cameras
        self.rng = rng
        self.object_xyz = axes_intersection(
            cameras.centres_xyz, cameras.viewing_directions
        )
        self.world_from_cam = np.array(cameras.world_from_cam)
        self.faults = [""] * len(cameras)

    def finished(self) -> SpoiltPoses:
        """The outcome."""
        old = self.cameras
        cameras = PosedCameras(
            old.names,
            invert_rigid(self.world_from_cam),
            old.camera_ids,
            old.cameras,
            old.source,
        )
        return SpoiltPoses(cameras, tuple(self.faults))

    def carry(self, count: int, fault: str, degrees: tuple[float, float]) -> None:
        """Carry `count` sound frames about the object, each about an axis of its own."""
        sound = [row for row, known in enumerate(self.faults) if not known]
        for row in self.rng.choice(sound, count, replace=False).tolist():
            turn = rotation_by(self.rng.uniform(*degrees), self.rng)
            self._carry_one(row, turn, fault)

    def carry_block(self, count: int, degrees: float) -> None:
        """Carry `count` consecutive frames together."""
        start = int(self.rng.integers(0, len(self.faults) - count + 1))
        turn = rotation_by(degrees, self.rng)
        for row in range(start, start + count):
            self._carry_one(row, turn, BLOCK)

    def swap(self, pairs: int) -> None:
        """Let `pairs` pairs of frames, far enough apart, have each other's pose."""
        bearings = self.cameras.centres_xyz - self.object_xyz
        bearings = bearings / np.linalg.norm(bearings, axis=1, keepdims=True)
        for pair in far_pairs(bearings, pairs, SWAPPED_APART_DEG, self.rng):
            rows = list(pair)
            self.world_from_cam[rows] = self.world_from_cam[rows[::-1]]
            for row in rows:
                self.faults[row] = SWAPPED

    def _carry_one(self, row: int, turn: Float, fault: str) -> None:
        pose = self.world_from_cam[row]
        pose[:3, :3] = turn @ pose[:3, :3]
        pose[:3, 3] = self.object_xyz + turn @ (pose[:3, 3] - self.object_xyz)
        self.faults[row] = fault


def spoil(cameras: PosedCameras, kind: str, seed: int) -> SpoiltPoses:
    """Wrong poses of one kind.

    Args:
        cameras: N frames in order of time; they are not changed.
        kind: one of `FAULT_KINDS`.
        seed: which frames and how; kinds draw independently of each other.

    Raises:
        CaptureError: the capture has too few frames, or no two that are far enough
            apart to be swapped.
    """
    if len(cameras) < LEAST_FRAMES:
        raise CaptureError(
            f"{len(cameras)} frames have a pose, faults need {LEAST_FRAMES} or more"
        )
    rng = np.random.default_rng([seed, FAULT_KINDS.index(kind)])
    spoiling = _Spoiling(cameras, rng)
    _SPOIL[kind](spoiling)
    return spoiling.finished()


def rotation_by(degrees: float, rng: np.random.Generator) -> Float:
    """(3, 3) rotation by an angle about an axis of any direction."""
    axis = rng.normal(size=3)
    axis /= np.linalg.norm(axis)
    return np.asarray(Rotation.from_rotvec(np.radians(degrees) * axis).as_matrix())


def far_pairs(
    bearings: Float, count: int, apart_deg: float, rng: np.random.Generator
) -> list[tuple[int, int]]:
    """Pairs of rows of (N, 3) unit vectors at an angle of `apart_deg` or more.

    Raises:
        CaptureError: there are fewer than `count` that share no row.
    """
    left = rng.permutation(len(bearings)).tolist()
    pairs: list[tuple[int, int]] = []
    while left and len(pairs) < count:
        first = left.pop(0)
        cosines = bearings[left] @ bearings[first]
        far = np.flatnonzero(cosines <= np.cos(np.radians(apart_deg)))
        if len(far):
            pairs.append((first, left.pop(int(far[0]))))
    if len(pairs) < count:
        raise CaptureError(
            f"only {len(pairs)} of {count} pairs of frames are {apart_deg:g} degrees "
            f"apart as seen from the object: too few to swap poses"
        )
    return pairs


def few_of(n: int) -> int:
    """How many of N frames are spoilt where a kind says a few."""
    return int(np.clip(round(FEW_SHARE * n), FEWEST, MOST))


def _gross(spoiling: _Spoiling) -> None:
    spoiling.carry(few_of(len(spoiling.faults)), GROSS, GROSS_DEG)


def _subtle(spoiling: _Spoiling) -> None:
    spoiling.carry(few_of(len(spoiling.faults)), SUBTLE, SUBTLE_DEG)


def _swapped(spoiling: _Spoiling) -> None:
    spoiling.swap((few_of(len(spoiling.faults)) + 1) // 2)


def _mixed(share: float) -> Callable[[_Spoiling], None]:
    def spoil_share(spoiling: _Spoiling) -> None:
        count = round(share * len(spoiling.faults))
        pairs = round(count / 6)
        gross = (count - 2 * pairs) // 2
        spoiling.swap(pairs)
        spoiling.carry(gross, GROSS, GROSS_DEG)
        spoiling.carry(count - 2 * pairs - gross, SUBTLE, SUBTLE_DEG)

    return spoil_share


def _block(spoiling: _Spoiling) -> None:
    spoiling.carry_block(round(BLOCK_SHARE * len(spoiling.faults)), BLOCK_DEG)


_SPOIL: Mapping[str, Callable[[_Spoiling], None]] = MappingProxyType(
    {
        GROSS: _gross,
        SUBTLE: _subtle,
        SWAPPED: _swapped,
        "mixed_30": _mixed(0.30),
        "mixed_45": _mixed(0.45),
        BLOCK: _block,
    }
)
FAULT_KINDS: tuple[str, ...] = tuple(_SPOIL)
