"""The faults that are planted in a generated capture.

| kind              | what is in the files                                           |
|-------------------|----------------------------------------------------------------|
| blurred           | motion blur in a random direction, about 4 % of the width      |
| wrong_pose        | right picture; poses.json has another believable pose, about   |
|                   | 25 degrees around the subject and 15 % nearer or farther       |
| foreign           | another subject (a blue jar) in another room, a pose of the    |
|                   | path                                                           |
| duplicate         | the picture before it, encoded again a moment later; its pose  |
|                   | differs by about 0.1 degrees and 0.1 % of the distance         |
| mask_missing      | no mask                                                        |
| embedding_missing | no embedding, where all others have one from an encoder that   |
|                   | this project does not have (only if any are written)           |

One frame has one fault. `metadata/<identity>/planted_faults.json` maps file name to kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from scipy.spatial.transform import Rotation

from mtcm_pipeline.sample.path import SUBJECT_CENTRE, angles_of, centre_at, look_at

Array = NDArray[np.floating[Any]]

FaultKind = Literal[
    "blurred", "wrong_pose", "foreign", "duplicate", "mask_missing", "embedding_missing"
]
FAULT_KINDS: tuple[FaultKind, ...] = get_args(FaultKind)

_BLUR_SHARE = 0.042  # of the picture's width
_WRONG_DEG = 25.0
_WRONG_DISTANCE = 1.15
_TREMOR_DEG = 0.1
_TREMOR_SHARE = 0.001


@dataclass(frozen=True)
class FaultPlan:
    """Which frame has which fault.

    Attributes:
        kinds: fault by row of the frame; rows without a fault are absent.
    """

    kinds: Mapping[int, FaultKind]

    def rows(self, kind: FaultKind) -> list[int]:
        """The rows with this fault."""
        return [row for row, own in self.kinds.items() if own == kind]


def plan_faults(frames: int, rng: np.random.Generator) -> FaultPlan:
    """One fault of each kind, spread over the sequence; the ends stay clean.

    Args:
        frames: N, 12 or more, the duplicate counted.
        rng: which kind goes where.
    """
    kinds = [FAULT_KINDS[i] for i in rng.permutation(len(FAULT_KINDS))]
    edges = np.ceil(np.linspace(1, frames - 2, len(kinds) + 1)).astype(int)
    planned: dict[int, FaultKind] = {}
    shift = 0
    for kind, low, high in zip(kinds, edges[:-1], edges[1:], strict=True):
        shift += kind == "duplicate"  # its original is the row drawn; it comes after
        planned[int(rng.integers(low, high)) + shift] = kind
    return FaultPlan(MappingProxyType(planned))


def motion_blurred(linear_rgb: Array, rng: np.random.Generator) -> Array:
    """The picture (H, W, 3) as a camera sees it that moves while the shutter is open."""
    length = max(_BLUR_SHARE * linear_rgb.shape[1], 3.0)
    angle = rng.uniform(0, np.pi)
    rows, columns = np.mgrid[: linear_rgb.shape[0], : linear_rgb.shape[1]].astype(float)
    total = np.zeros_like(linear_rgb)
    offsets = np.linspace(-length / 2, length / 2, int(2 * length) + 1)
    for offset in offsets:
        place = [rows + offset * np.sin(angle), columns + offset * np.cos(angle)]
        for channel in range(3):
            total[..., channel] += map_coordinates(
                linear_rgb[..., channel], place, order=1, mode="nearest"
            )
    return total / len(offsets)


def wrong_pose(cam_from_subject: Array, rng: np.random.Generator) -> Array:
    """(4, 4) another believable pose, about 25 degrees around the subject."""
    centre = -cam_from_subject[:3, :3].T @ cam_from_subject[:3, 3]
    azimuth, elevation, distance = angles_of(centre)
    turn = rng.choice([-1.0, 1.0]) * _WRONG_DEG * rng.uniform(0.95, 1.1)
    factor = _WRONG_DISTANCE ** rng.choice([-1.0, 1.0])
    turn /= np.cos(np.radians(elevation))
    moved = centre_at(azimuth + turn, elevation, distance * factor)
    return look_at(moved, SUBJECT_CENTRE + rng.normal(0, 0.02, 3), rng.normal(0, 2.0))


def trembled(cam_from_subject: Array, rng: np.random.Generator) -> Array:
    """(4, 4) nearly the same pose, as a second shot from the hip would have."""
    tremor = np.eye(4)
    angles = np.radians(rng.normal(0, _TREMOR_DEG, 3))
    tremor[:3, :3] = Rotation.from_rotvec(angles).as_matrix()
    distance = np.linalg.norm(cam_from_subject[:3, 3])
    tremor[:3, 3] = rng.normal(0, _TREMOR_SHARE * distance, 3)
    return tremor @ cam_from_subject
