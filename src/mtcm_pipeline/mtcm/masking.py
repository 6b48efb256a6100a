"""Which entries of a sequence are hidden, and which are swapped, in one step.

Polarity, everywhere in this package: True in `hidden` means *not shown to the model*.
An entry is one field of one frame. Only entries that are present are ever hidden or
swapped, so that nothing is predicted that was never measured.

Dimension letters: N frames, F = 5 fields.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.tokens.layout import FIELD_SLICES, FIELDS

Bool = NDArray[np.bool_]
Float = NDArray[np.float64]

# Fields that are swapped together: another frame's pose comes as a whole.
SWAP_GROUPS: dict[str, tuple[str, ...]] = {
    "embedding": ("embedding",),
    "pose": ("pose",),
    "scalars": ("timestamp", "mask_area", "focal"),
}


def draw_hidden(
    present: Bool,
    azimuths_rad: Float,
    *,
    ratio: float,
    modes: Sequence[str],
    rng: np.random.Generator,
) -> Bool:
    """Hide about `ratio` of the present entries by one of `modes`, drawn at random.

    Args:
        present: (N, F) entries that exist.
        azimuths_rad: (N,) azimuth of each camera around the subject; NaN without pose.
        ratio: share of the frames (or, for `field`, of the entries) to hide.
        modes: from `frame`, `field`, `span`, `sector`.
        rng: the only source of randomness.

    Returns:
        (N, F) bool, True = hidden; at least one entry, if any is present.
    """
    n = len(present)
    count = max(1, round(ratio * n))
    mode = modes[int(rng.integers(len(modes)))]
    if mode == "sector" and np.isfinite(azimuths_rad).sum() <= count:
        mode = "frame"
    if mode == "field":
        hidden = rng.random(present.shape) < ratio
    else:
        hidden = _repeat(_draw_frames(mode, n, count, azimuths_rad, rng))
        hidden &= _draw_whole_or_one_field(n, rng)
    hidden &= present
    if not hidden.any() and present.any():
        rows, columns = np.nonzero(present)
        pick = rng.integers(len(rows))
        hidden[rows[pick], columns[pick]] = True
    return hidden


def _draw_frames(
    mode: str, n: int, count: int, azimuths_rad: Float, rng: np.random.Generator
) -> Bool:
    """(N,) frames hidden by the modes that hide whole frames."""
    frames = np.zeros(n, dtype=bool)
    if mode == "frame":
        frames[rng.choice(n, size=count, replace=False)] = True
    elif mode == "span":
        start = rng.integers(n)
        frames[(start + np.arange(count)) % n] = True
    else:
        centre = azimuths_rad[rng.choice(np.flatnonzero(np.isfinite(azimuths_rad)))]
        away = np.abs(np.angle(np.exp(1j * (azimuths_rad - centre))))
        frames[np.argsort(away, kind="stable")[:count]] = True  # NaN sorts last
    return frames


def _draw_whole_or_one_field(n: int, rng: np.random.Generator) -> Bool:
    """(N, F): all fields, or, every other time, all but the embedding or the pose.

    Predicting the embedding of a hidden sector from its poses, and its poses from its
    embeddings, is what a consistency check asks for.
    """
    shown = np.ones((n, len(FIELDS)), dtype=bool)
    draw = rng.random()
    if draw < 0.25:
        shown[:, FIELDS.index("pose")] = False
    elif draw < 0.5:
        shown[:, FIELDS.index("embedding")] = False
    return shown


def draw_swaps(
    present: Bool, hidden: Bool, *, ratio: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """For each frame and swap group the frame whose entries it is given.

    Args:
        present: (N, F) entries that exist.
        hidden: (N, F) entries that are hidden; these are neither swapped nor given to
            others, or what is to be predicted would be shown elsewhere.
        ratio: share of the frames a group that are swapped.
        rng: the only source of randomness.

    Returns:
        (N, G) frame indices, columns as in `SWAP_GROUPS`; a frame's own index where
        nothing is swapped.
    """
    n = len(present)
    source = np.repeat(np.arange(n)[:, None], len(SWAP_GROUPS), axis=1)
    for group, fields in enumerate(SWAP_GROUPS.values()):
        columns = [FIELDS.index(name) for name in fields]
        shown = present[:, columns].any(axis=1) & ~hidden[:, columns].any(axis=1)
        targets = shown & (rng.random(n) < ratio)
        donors = np.flatnonzero(shown)
        if len(donors) < 2:
            continue
        for target in np.flatnonzero(targets):
            donor = donors[rng.integers(len(donors))]
            source[target, group] = donor
    return source


def apply_swaps(rows: Float, present: Bool, source: NDArray[np.int64]) -> tuple:
    """Rows (N, D) and presence (N, F) with every group taken from its source frame."""
    rows, present = rows.copy(), present.copy()
    original, original_present = rows.copy(), present.copy()
    for group, fields in enumerate(SWAP_GROUPS.values()):
        for name in fields:
            where, column = FIELD_SLICES[name], FIELDS.index(name)
            rows[:, where] = original[source[:, group], where]
            present[:, column] = original_present[source[:, group], column]
    return rows, present


def interleaved_folds(n: int, folds: int) -> list[Bool]:
    """(n,) masks of shares of n frames, every `folds`-th one each; they cover all."""
    return [np.arange(n) % folds == fold for fold in range(min(folds, n))]


def _repeat(frames: Bool) -> Bool:
    return np.repeat(frames[:, None], len(FIELDS), axis=1)
