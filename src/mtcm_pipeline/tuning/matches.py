"""Features that frames share, and the points of the scene behind them.

A feature that was matched with several frames is one point: two numbers an observation
where a pair of frames gives one (the distance from an epipolar line).

Dimension letters: M matches of a pair, V frames, O observations, P points.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Shared:
    """What one frame shares with another, seen from the one.

    Attributes:
        other: name of the other frame.
        xy: (M, 2) normalised coordinates in the one.
        xy_other: (M, 2) in the other.
        focal_px: brings normalised coordinates to px of a 400 px photograph.
    """

    other: str
    xy: Float
    xy_other: Float
    focal_px: float


Matches = Mapping[str, Sequence[Shared]]
"""Of each frame, by name; frames that share nothing are absent or empty."""


@dataclass(frozen=True)
class Tracks:
    """Points, and where frames see them; no frame sees a point twice.

    Attributes:
        frame: (O,) row of the frame.
        point: (O,) row of the point.
        xy: (O, 2) normalised coordinates.
        frames: V.
        points: P.
        focal_px: of a 400 px photograph.
    """

    frame: Rows
    point: Rows
    xy: Float
    frames: int
    points: int
    focal_px: float

    def __len__(self) -> int:
        return len(self.frame)

    def of(self, observations: Bool, points: Bool) -> Tracks:
        """Some observations of some points, which are numbered anew.

        Args:
            observations: (O,) which are kept.
            points: (P,) likewise.
        """
        kept = observations & points[self.point]
        number = np.cumsum(points) - 1
        return Tracks(
            self.frame[kept],
            number[self.point[kept]],
            self.xy[kept],
            self.frames,
            int(points.sum()),
            self.focal_px,
        )

    def frames_seeing(self, observations: Bool) -> Rows:
        """(P,) how many frames see each point, by the observations that count."""
        return np.bincount(self.point[observations], minlength=self.points)

    def points_seen(self, observations: Bool) -> Rows:
        """(V,) how many points each frame sees, likewise."""
        return np.bincount(self.frame[observations], minlength=self.frames)


def tracks_of(matches: Matches, names: Sequence[str]) -> Tracks | None:
    """Matches that share a feature are one point.

    A frame that sees one point in two places sees it in none: one of the matches is
    wrong.

    Args:
        matches: by name.
        names: V frames; matches with others are passed over.

    Returns:
        None where no two frames share anything.
    """
    row = {name: number for number, name in enumerate(names)}
    ends, focals = [], []
    for name in names:
        for shared in matches.get(name, ()):
            # Every pair is there from both ends.
            if row.get(shared.other, -1) > row[name] and len(shared.xy):
                ends.append((row[name], shared.xy))
                ends.append((row[shared.other], shared.xy_other))
                focals.append(shared.focal_px)
    if not ends:
        return None
    features = np.concatenate(
        [np.column_stack([np.full(len(xy), frame), xy]) for frame, xy in ends]
    )
    unique, which = _unique_rows(features)
    sides = np.split(which, np.cumsum([len(xy) for _, xy in ends])[:-1])
    first, second = np.concatenate(sides[::2]), np.concatenate(sides[1::2])
    joined = coo_matrix(
        (np.ones(len(first), np.int8), (first, second)), shape=(len(unique),) * 2
    )
    point = connected_components(joined, directed=False)[1].astype(np.int64)
    frame = unique[:, 0].astype(np.int64)
    kept = _once(point * len(names) + frame)
    kept &= np.bincount(point[kept], minlength=point.max() + 1)[point] >= 2
    if not kept.any():
        return None
    left, number = np.unique(point[kept], return_inverse=True)
    return Tracks(
        frame[kept], number.ravel(), unique[kept, 1:], len(names), len(left),
        float(np.median(focals)),
    )  # fmt: skip


def _unique_rows(rows: Float) -> tuple[Float, Rows]:
    """Different rows in order, and which of them each row is: numpy's, in half the time.

    (`np.unique` compares whole rows one by one.)
    """
    order = np.lexsort(rows.T[::-1])
    ordered = rows[order]
    new = np.append(True, (ordered[1:] != ordered[:-1]).any(axis=1))
    which = np.empty(len(rows), np.int64)
    which[order] = np.cumsum(new) - 1
    return ordered[new], which


def _once(keys: Rows) -> Bool:
    """Which keys there are once."""
    _, which, counts = np.unique(keys, return_inverse=True, return_counts=True)
    return np.asarray(counts[which.ravel()] == 1)


def longest(tracks: Tracks, observations: Bool, count: int) -> Bool:
    """(P,) so many points of each frame, those first that most frames see.

    Args:
        tracks: of P points.
        observations: (O,) those that count.
        count: of each frame; a frame that sees fewer keeps all.
    """
    chosen = np.flatnonzero(observations)
    frame, point = tracks.frame[chosen], tracks.point[chosen]
    seen = tracks.frames_seeing(observations)[point]
    order = np.lexsort((point, -seen, frame))
    start = np.searchsorted(frame[order], np.arange(tracks.frames))
    rank = np.arange(len(order)) - start[frame[order]]
    kept = np.zeros(tracks.points, bool)
    kept[point[order][rank < count]] = True
    return kept
