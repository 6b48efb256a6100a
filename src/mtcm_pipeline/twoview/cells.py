"""Which parts of a photograph: a coarse grid, written as hexadecimal text.

Where a frame has features that no other frame confirms, something stands that the others
do not see.

Dimension letters: M places, C = 8 cells a side.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.cameras import Camera
from mtcm_pipeline.formats.camera_models import pycolmap_camera

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

CELLS_A_SIDE = 8
_DIGITS = CELLS_A_SIDE * CELLS_A_SIDE // 4


def cell_counts(shares_xy: Float) -> NDArray[np.int64]:
    """(C, C) how many places lie in each cell, rows from the top.

    Args:
        shares_xy: (M, 2) places as shares of the width and height, clipped to 0..1.
    """
    inside = np.clip(np.nan_to_num(shares_xy), 0.0, 1.0 - 1e-9)
    columns, rows = (inside * CELLS_A_SIDE).astype(int).T.reshape(2, -1)
    flat = rows * CELLS_A_SIDE + columns
    counts = np.bincount(flat, minlength=CELLS_A_SIDE * CELLS_A_SIDE)
    return counts.reshape(CELLS_A_SIDE, CELLS_A_SIDE)


def cells_text(cells: Bool) -> str:
    """(C, C) flags as # and 16 hexadecimal digits, the upper left cell first.

    The mark keeps tables from reading digits as a number.
    """
    return "#" + np.packbits(np.asarray(cells, dtype=bool).ravel()).tobytes().hex()


def cells_of_texts(texts: Sequence[object]) -> Bool:
    """(n, C, C) flags of n texts; no flag where a text is empty or no text."""
    side = CELLS_A_SIDE
    empty = "0" * _DIGITS
    digits = [t.removeprefix("#") if isinstance(t, str) else "" for t in texts]
    good = [t if len(t) == _DIGITS else empty for t in digits]
    packed = np.frombuffer(bytes.fromhex("".join(good)), dtype=np.uint8)
    return np.unpackbits(packed).astype(bool).reshape(len(good), side, side)


def shares_of_rays(xy: Float, camera: Camera) -> Float:
    """(M, 2) where rays (x, y, 1) meet the photograph, as shares of its sides."""
    if len(xy) == 0:
        return np.zeros((0, 2))
    rays = np.hstack([xy, np.ones((len(xy), 1))])
    pixels = np.asarray(pycolmap_camera(camera).img_from_cam(rays)).reshape(-1, 2)
    return pixels / np.array([camera.width, camera.height])
