"""Frames against each other: sharpness relative to neighbours, and duplicates.

Dimension letters: N frames, E embedding width, S = 32 side of the small grey images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from mtcm_pipeline.errors import CaptureError

Float = NDArray[np.float64]

SMALL_SIDE = 32
# Shading is wider than this many of the small image's px; what moves is narrower.
_SHADING_PX = 3.0
# A turn by 60 degrees counts as far as one median camera distance.
_DIRECTION_WEIGHT = 1.0
_BLOCK = 1024


def relative_to_neighbours(
    values: Float, centres: Float, directions: Float, times: Float, k: int = 6
) -> Float:
    """Log-ratio of each frame's value to the median of its neighbours.

    Sharpness and luminance depend on what is seen: a frame is blurred only if it is so
    beside frames that see the same. Neighbours are the k nearest in camera centre and
    viewing direction; for a frame without a pose, the k nearest in time.

    Args:
        values: (N,) positive; NaN or not positive where absent.
        centres: (N, 3) camera centres in any unit; NaN without a pose.
        directions: (N, 3) unit viewing directions; NaN without a pose.
        times: (N,) position in the sequence.
        k: neighbours compared with.

    Returns:
        (N,) natural logarithm of value over neighbours' median; 0 is like the others,
        -0.69 half; NaN where the value or all neighbours are absent.
    """
    n = len(values)
    if centres.shape != (n, 3) or directions.shape != (n, 3) or times.shape != (n,):
        raise CaptureError(
            f"{n} values, centres {centres.shape}, directions {directions.shape} and "
            f"times {times.shape} do not belong together"
        )
    logs = np.full(n, np.nan)
    usable = np.isfinite(values) & (np.nan_to_num(values) > 0)
    logs[usable] = np.log(values[usable])
    posed = np.isfinite(centres).all(axis=1) & np.isfinite(directions).all(axis=1)
    reference = _neighbour_medians(logs, times[:, None].astype(np.float64), k)
    if (posed & usable).sum() > 1:
        where = np.flatnonzero(posed)
        places = _view_coordinates(centres[where], directions[where])
        by_pose = _neighbour_medians(logs[where], places, k)
        reference[where] = np.where(np.isfinite(by_pose), by_pose, reference[where])
    return logs - reference


def small_grey(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(H, W, 3) uint8 to (S, S) float32 in 0..1, squeezed by averaging boxes."""
    picture = Image.fromarray(pixels).convert("L")
    picture = picture.resize((SMALL_SIDE, SMALL_SIDE), Image.Resampling.BOX)
    return np.asarray(picture, dtype=np.float32) / np.float32(255.0)


def near_duplicates(
    small: Mapping[str, NDArray[np.float32]],
    embeddings: Float | NDArray[np.float32],
    names: Sequence[str],
    *,
    correlation: float = 0.99,
    cosine: float = 0.8,
    difference: float = 0.03,
) -> tuple[str | None, ...]:
    """Which earlier frame each frame repeats, if any.

    All three tests must hold, so that neighbouring frames of a slow video or of a
    turntable with a fixed background stay apart. Correlation is that of the detail, the
    grey values without their shading. On five real captures of 400 px, pairs of distinct
    frames reach .985 (.997 for two frames of the same view, 0.6 degrees apart); copies
    have at least .995 (encoded again at quality 40 to 75, at half the size, or 5 %
    brighter). Embeddings can only object: copies fall to a cosine of .87, neighbours
    reach .99. A frame without an embedding is judged by its pixels alone. The first of
    a group of equals is nobody's duplicate.

    Args:
        small: (S, S) grey images in 0..1 by name (`small_grey`); absent frames are
            nobody's duplicate.
        embeddings: (N, E); NaN where absent.
        names: (N) frames in capture order.
        correlation: smallest correlation of the detail.
        cosine: smallest cosine of the embeddings.
        difference: largest mean absolute difference of the grey values, in 0..1.

    Returns:
        (N) name of the earliest frame that it repeats, or None.
    """
    rows = np.array([row for row, name in enumerate(names) if name in small], dtype=int)
    answer: list[str | None] = [None] * len(names)
    if len(rows) < 2:
        return tuple(answer)
    grey = np.stack([small[names[row]].ravel() for row in rows])  # (n, S * S)
    centred = _unit(np.stack([_detail(small[names[row]]) for row in rows]))
    vectors = _unit(np.asarray(embeddings, dtype=np.float32)[rows])
    for start in range(0, len(rows), _BLOCK):
        block = slice(start, start + _BLOCK)
        alike = centred[block] @ centred.T >= correlation  # (block, n)
        with np.errstate(invalid="ignore"):
            alike &= ~(vectors[block] @ vectors.T < cosine)  # NaN: no objection
        for i, j in zip(*np.nonzero(alike), strict=True):
            late = start + int(i)
            if j >= late or answer[rows[late]] is not None:
                continue
            if np.abs(grey[late] - grey[j]).mean() < difference:
                answer[rows[late]] = _first_of(answer, names, rows[j])
    return tuple(answer)


def _first_of(answer: list[str | None], names: Sequence[str], row: int) -> str:
    """The frame itself, or the earlier one that it repeats."""
    return answer[row] or names[row]


def _detail(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """(S * S,) grey values without shading, with mean 0."""
    detail = (grey - gaussian_filter(grey, _SHADING_PX)).ravel()
    return detail - detail.mean()


def _view_coordinates(centres: Float, directions: Float) -> Float:
    """(N, 6) centres in units of their median distance to the middle; directions."""
    offsets = centres - np.median(centres, axis=0)
    scale = np.median(np.linalg.norm(offsets, axis=1))
    scaled = offsets / scale if scale > 0 else offsets
    return np.hstack([scaled, _DIRECTION_WEIGHT * directions])


def _neighbour_medians(values: Float, places: Float, k: int) -> Float:
    """(N,) median of the k nearest other frames that have a value; NaN without any."""
    medians = np.full(len(values), np.nan)
    known = np.flatnonzero(np.isfinite(values))
    if len(known) == 0:
        return medians
    count = min(k + 1, len(known))
    _, nearest = cKDTree(places[known]).query(places, k=count)
    nearest = known[np.reshape(nearest, (len(values), count))]
    for row, others in enumerate(nearest):
        neighbours = others[others != row][:k]
        if len(neighbours):
            medians[row] = np.median(values[neighbours])
    return medians


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    with np.errstate(invalid="ignore", divide="ignore"):
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        return (rows / np.maximum(lengths, 1e-12)).astype(np.float32)
