"""Sentences with numbers that a photographer understands.

Dimension letters: P frames in the pool, K chosen frames.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.selection.kernels import Rows
from mtcm_pipeline.selection.pool import Pick, Pool
from mtcm_pipeline.selection.viewing_sphere import angles_to_earlier

Float = NDArray[np.float64]
Int = NDArray[np.int64]


def degrees(angle: float) -> str:
    """`24 degrees`, `3.4 degrees`."""
    return f"{angle:.0f} degrees" if angle >= 9.95 else f"{angle:.1f} degrees"


def count(number: int, noun: str) -> str:
    """`1 frame`, `5 frames`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def angle_parts(pool: Pool, order: Sequence[int]) -> list[str]:
    """For each choice, how far it is from the views chosen before it."""
    angles = angles_to_earlier(pool.views, np.array(order, dtype=np.int64))
    return [
        f"{degrees(angle)} from the nearest chosen view" if np.isfinite(angle) else ""
        for angle in angles
    ]


def sequence_parts(pool: Pool, order: Sequence[int]) -> list[str]:
    """For each choice, how many frames lie between it and those chosen before it."""
    rows = pool.rows[np.array(order, dtype=np.int64)]
    parts = [""]
    for k in range(1, len(rows)):
        apart = int(np.abs(rows[:k] - rows[k]).min())
        parts.append(f"{count(apart, 'frame')} from the nearest chosen one in sequence")
    return parts[: len(rows)]


def cover_parts(rows: Rows, size: int, order: Sequence[int]) -> list[str]:
    """For each choice, of how many frames it is the closest match so far."""
    best = np.zeros(size)
    parts: list[str] = []
    for index in order:
        row = rows(np.array([index]))[0]
        covered = int((row > best + 1e-12).sum())
        if parts:
            total = count(size, "frame")
            parts.append(f"the closest match so far of {covered} of {total}")
        else:
            parts.append(f"the most representative of {count(size, 'frame')}")
        best = np.maximum(best, row)
    return parts


def picks(
    order: Sequence[int], gains: Sequence[float], *columns: Sequence[str]
) -> list[Pick]:
    """Picks whose reasons join the non-empty parts of each column with commas."""
    reasons = [", ".join(filter(None, parts)) for parts in zip(*columns, strict=True)]
    return [
        Pick(int(index), float(gain), reason or "no other reason than its place")
        for index, gain, reason in zip(order, gains, reasons, strict=True)
    ]
