"""Pictures for the room: walls with shelves and posters, bricks, planks, a rug.

All are (S, S, 3) float32 linear reflectance. Dimension letter: S texels a side.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import zoom

Array = NDArray[np.floating[Any]]

TEXELS = 640


def mottle(rng: np.random.Generator, strength: float) -> Array:
    """(S, S, 1) factors about 1 with structure at every size."""
    total = 0.5 * rng.uniform(-1, 1, (5, 5))
    while len(total) < TEXELS:
        total = zoom(total, 2, order=1, mode="grid-wrap", grid_mode=True)
        total += 0.2 * rng.uniform(-1, 1, total.shape)
    return (1.0 + strength * total)[..., None]


def plain(rng: np.random.Generator, colour: tuple[float, float, float]) -> Array:
    """Plaster."""
    return np.asarray(colour) * mottle(rng, 0.16)


def bricks(rng: np.random.Generator, colour: tuple[float, float, float]) -> Array:
    """Rows of bricks, every one of its own tone."""
    picture = np.asarray((0.42, 0.40, 0.37)) * np.ones((TEXELS, TEXELS, 1))
    tall, wide = 20, 52
    for row, top in enumerate(range(0, TEXELS, tall)):
        for left in range(-wide // 2 * (row % 2), TEXELS, wide):
            tone = np.asarray(colour) * rng.uniform(0.55, 1.35) * rng.uniform(0.9, 1.1, 3)
            picture[top + 2 : top + tall, max(left + 2, 0) : max(left + wide, 0)] = tone
    return picture * mottle(rng, 0.22)


def planks(rng: np.random.Generator, colour: tuple[float, float, float]) -> Array:
    """Floor boards with grain and, in the middle, a patterned rug."""
    grain = zoom(rng.uniform(-1, 1, (12, 214)), (TEXELS / 12, TEXELS / 214), order=1)
    picture = np.asarray(colour) * (1.0 + 0.3 * grain[:TEXELS, :TEXELS, None])
    for left in range(0, TEXELS, 32):
        cut = int(rng.integers(TEXELS))
        picture[:cut, left : left + 32] *= rng.uniform(0.7, 1.3)
        picture[cut:, left : left + 32] *= rng.uniform(0.7, 1.3)
        picture[cut : cut + 2, left : left + 32] *= 0.4
        picture[:, left : left + 2] *= 0.45
    _rug(rng, picture)
    return picture * mottle(rng, 0.2)


def _rug(rng: np.random.Generator, picture: Array) -> None:
    """Paint nested borders and diamonds into the middle of `picture`."""
    middle = TEXELS // 2
    for half in range(TEXELS // 4, 12, -14):
        colour = 0.7 * _muted(rng)
        picture[middle - half : middle + half, middle - half : middle + half] = colour
        step = int(rng.integers(12, 24))
        for place in range(middle - half + 4, middle + half - 8, step):
            for side in (middle - half + 4, middle + half - 10):
                picture[side : side + 6, place : place + 6] = _muted(rng)
                picture[place : place + 6, side : side + 6] = _muted(rng)


def shelves(rng: np.random.Generator, colour: tuple[float, float, float]) -> Array:
    """A wall of books."""
    picture = np.asarray(colour) * np.ones((TEXELS, TEXELS, 1))
    shelf = 58
    for top in range(90, TEXELS - shelf, shelf):
        left = 30
        picture[top : top + shelf - 5, 24:-24] = 0.03
        while left < TEXELS - 44:
            wide = int(rng.integers(5, 14))
            tall = int(rng.integers(30, shelf - 8))
            if rng.random() > 0.12:
                _book(
                    rng,
                    picture[top + shelf - 5 - tall : top + shelf - 5, left : left + wide],
                )
            left += wide + 1
    return picture * mottle(rng, 0.15)


def _book(rng: np.random.Generator, back: Array) -> None:
    """Paint a book's back: one colour, darker at its edges, with a label."""
    back[:] = _muted(rng) * rng.uniform(0.25, 1.0)
    back[:, 0] *= 0.5
    back[:, -1] *= 0.5
    label = int(rng.integers(4, 18))
    back[label : label + 4, 1:-1] = rng.uniform(0.4, 0.9) * np.array((1.0, 0.9, 0.7))


def _muted(rng: np.random.Generator) -> Array:
    """(3,) a colour as dyes and paints have it: rarely pure, more often warm."""
    colour = rng.uniform(0.03, 0.75, 3) * np.array([1.1, 0.85, 0.75])
    return colour.mean() + 0.5 * (colour - colour.mean())


def posters(rng: np.random.Generator, colour: tuple[float, float, float]) -> Array:
    """Plaster above a dark dado, hung with framed abstract pictures."""
    picture = plain(rng, colour)
    picture[int(0.72 * TEXELS) :] *= (0.45, 0.5, 0.55)
    picture[int(0.72 * TEXELS) : int(0.72 * TEXELS) + 6] *= 0.4
    left = 20
    while left < TEXELS - 90:
        wide = int(rng.integers(60, min(150, TEXELS - left - 20)))
        top = int(rng.integers(int(0.30 * TEXELS), int(0.42 * TEXELS)))
        tall = int(rng.integers(80, 150))
        picture[top - 5 : top + tall + 5, left - 5 : left + wide + 5] = 0.05
        _art(rng, picture[top : top + tall, left : left + wide])
        left += wide + int(rng.integers(20, 60))
    return picture


def _art(rng: np.random.Generator, canvas: Array) -> None:
    """Paint discs and bars in random colours, large ones first."""
    tall, wide, _ = canvas.shape
    rows, columns = np.mgrid[:tall, :wide]
    canvas[:] = 0.2 + 0.7 * _muted(rng)
    for size in np.geomspace(0.5 * wide, 3.0, 34):
        row, column = rng.uniform(0, tall), rng.uniform(0, wide)
        if rng.random() < 0.5:
            inside = np.hypot(rows - row, columns - column) < 0.6 * size
        else:
            turned = (rows - row) * rng.uniform(-1, 1) + (columns - column)
            inside = (np.abs(turned) < 0.4 * size) & (np.abs(rows - row) < size)
        canvas[inside] = _muted(rng)


def crate(rng: np.random.Generator, colour: tuple[float, float, float]) -> Array:
    """Boards, a frame and stencilled marks."""
    picture = np.asarray(colour) * mottle(rng, 0.35)
    for top in range(0, TEXELS, 80):
        picture[top : top + 80] *= rng.uniform(0.65, 1.3)
        picture[top : top + 6] *= 0.3
    _art(rng, picture[150:350, 170:470])
    for edge in (slice(0, 50), slice(TEXELS - 50, TEXELS)):
        picture[edge] = np.asarray(colour) * 0.6
        picture[:, edge] = np.asarray(colour) * 0.7
    return picture * mottle(rng, 0.25)


def marble(rng: np.random.Generator, colour: tuple[float, float, float]) -> Array:
    """Veined stone with inlaid frames, for the pedestal."""
    veins = np.abs(mottle(rng, 1.0) - 1.0 - 0.3 * (mottle(rng, 1.0) - 1.0))
    picture = np.asarray(colour) * (0.45 + 0.75 * np.clip(veins / 0.22, 0, 1))
    for inset in (30, 120):
        ring = slice(inset, TEXELS - inset)
        inner = slice(inset + 14, TEXELS - inset - 14)
        kept = picture[inner, inner].copy()
        picture[ring, ring] *= (0.35, 0.30, 0.28)
        picture[inner, inner] = kept
    return picture * mottle(rng, 0.2)


Painter = Callable[[np.random.Generator, tuple[float, float, float]], Array]
WALLS: tuple[Painter, ...] = (posters, shelves, bricks, posters)
