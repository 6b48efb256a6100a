"""What stands around the subject: a furnished room, a pedestal, crates.

Same frame as the subject (x left, y up, z forward, metres). Everything is a box, seen
from inside (the room) or from outside (furniture).

Dimension letters: R rays, S texels a side, B boxes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.sample import paint
from mtcm_pipeline.sample.head import LOWEST_Y
from mtcm_pipeline.sample.surface import LIGHT_TO, box_span

Array = NDArray[np.floating[Any]]

_FLOOR_Y = -1.35
# Furniture keeps this far from the subject, so that it never stands before it.
CLEAR_RADIUS_M = 1.45
# Light by face of a box: -x, +x, -y, +y, -z, +z outward.
_FACE_LIGHT = 0.55 + 0.75 * np.maximum(
    np.array([-1, 1, -1, 1, -1, 1]) * np.repeat(LIGHT_TO, 2), 0.0
)


@dataclass(frozen=True)
class Box:
    """One box with a picture on each face.

    Attributes:
        lower: (3, 1) corner, metres.
        upper: (3, 1) opposite corner.
        faces: six rows of `Room.pictures`, in the order -x, +x, -y, +y, -z, +z.
        inward: whether it is seen from inside.
    """

    lower: Array
    upper: Array
    faces: tuple[int, ...]
    inward: bool = False

    def hits(self, origin: Array, directions: Array) -> Array:
        """(R,) ray lengths in metres, infinite where a ray misses."""
        enter, leave = box_span(origin, directions, self.lower, self.upper)
        if self.inward:
            return leave
        return np.where((enter < leave) & (enter > 0), enter, np.inf)


@dataclass(frozen=True)
class Room:
    """Boxes and the pictures on them.

    Attributes:
        boxes: the room itself first, then what stands in it.
        pictures: (T, S, S, 3) float32 linear reflectance.
    """

    boxes: tuple[Box, ...]
    pictures: Array

    def colour(self, box: Box, points: Array) -> tuple[Array, NDArray[np.int64]]:
        """Linear radiance (3, R) and face 0 to 5 (R,) of points (3, R) on `box`."""
        place = (points - box.lower) / (box.upper - box.lower)  # (3, R) in 0..1
        edge = np.stack([place, 1.0 - place], axis=1).reshape(6, -1)  # -x, +x, -y, ...
        face = np.abs(edge).argmin(axis=0)
        across = np.where(face < 2, place[2], place[0])
        down = np.where(face // 2 == 1, place[2], 1.0 - place[1])
        texel = _bilinear(self.pictures, np.array(box.faces)[face], across, down)
        return texel * self._light(box, points, face, place), face

    def _light(self, box: Box, points: Array, face: Array, place: Array) -> Array:
        """(R,) lamp and sky by face, darker where things meet."""
        if not box.inward:
            contact = np.hypot(points[0], points[2] + 0.02) - 0.083
            dark = np.where(
                points[1] > LOWEST_Y - 1e-3,
                0.35 + 0.65 * np.clip(contact / 0.07, 0, 1),
                1.0,
            )
            return _FACE_LIGHT[face] * dark
        rim = np.sort(np.minimum(place, 1.0 - place), axis=0)[1]
        return (0.72 + 0.25 * place[1]) * (0.55 + 0.45 * np.clip(rim / 0.12, 0.0, 1.0))


def _bilinear(pictures: Array, which: Array, across: Array, down: Array) -> Array:
    """(3, R) samples of `pictures[which]` at positions in 0..1."""
    size = pictures.shape[1]
    column = np.clip(across * size - 0.5, 0, size - 1.001)
    row = np.clip(down * size - 0.5, 0, size - 1.001)
    left, top = column.astype(np.int64), row.astype(np.int64)
    part_x, part_y = (column - left)[:, None], (row - top)[:, None]
    flat = pictures.reshape(-1, 3)
    corner = (which * size + top) * size + left
    upper = flat[corner] * (1 - part_x) + flat[corner + 1] * part_x
    lower = flat[corner + size] * (1 - part_x) + flat[corner + size + 1] * part_x
    return (upper * (1 - part_y) + lower * part_y).T


def random_room(rng: np.random.Generator) -> Room:
    """A room with four different walls, a rug, a pedestal and about seven crates."""
    tint = rng.uniform(0.75, 1.2, 3)
    walls = [paint.WALLS[i] for i in rng.permutation(len(paint.WALLS))]
    colours = (
        (0.44, 0.42, 0.36),
        (0.34, 0.42, 0.44),
        (0.40, 0.26, 0.18),
        (0.48, 0.44, 0.30),
    )
    pictures = [
        wall(rng, tuple(np.array(colour) * tint))
        for wall, colour in zip(walls, colours, strict=True)
    ]
    pictures.append(paint.planks(rng, (0.30, 0.19, 0.11)))
    pictures.append(paint.plain(rng, (0.6, 0.58, 0.54)))
    pictures.append(paint.marble(rng, (0.42, 0.40, 0.36)))
    woods = ((0.40, 0.26, 0.13), (0.20, 0.27, 0.24), (0.36, 0.14, 0.10))
    pictures.extend(paint.crate(rng, colour) for colour in woods)
    half = rng.uniform(2.5, 2.9, 2)
    shell = Box(
        np.array([[-half[0]], [_FLOOR_Y], [-half[1]]]),
        np.array([[half[0]], [1.35], [half[1]]]),
        (0, 1, 4, 5, 2, 3),
        inward=True,
    )
    pedestal = Box(
        np.array([[-0.19], [_FLOOR_Y], [-0.21]]),
        np.array([[0.19], [LOWEST_Y], [0.17]]),
        (6,) * 6,
    )
    crates = [_random_crate(rng, half, turn) for turn in np.arange(0.3, 2 * np.pi, 0.9)]
    stacked = np.clip(np.stack(pictures), 0.01, 0.95).astype(np.float32)
    return Room((shell, pedestal, *crates), stacked)


def _random_crate(rng: np.random.Generator, half: Array, turn: float) -> Box:
    """A crate on the floor in the direction `turn`, outside of the clear radius."""
    size = rng.uniform(0.35, 0.6, 3) * (1.0, rng.uniform(1.2, 3.2), 1.0)
    reach = rng.uniform(CLEAR_RADIUS_M + 0.45, 2.3)
    middle = reach * np.array([np.sin(turn), 0.0, np.cos(turn)])
    limit = np.array([half[0], 9.0, half[1]]) - size / 2 - 0.01
    middle = np.clip(middle, -limit, limit)
    lower = np.array([middle[0] - size[0] / 2, _FLOOR_Y, middle[2] - size[2] / 2])
    faces = (7 + int(rng.integers(3)),) * 6
    return Box(lower.reshape(3, 1), (lower + size).reshape(3, 1), faces)
