"""Intervals of angles and distances, and the word for each.

Every interval is half open, [from, to): a value on a border belongs to the interval that
begins there. Nothing else than the value decides, so a label never depends on the
frames before it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.errors import ParameterError

Float = NDArray[np.float64]
Int = NDArray[np.int64]


@dataclass(frozen=True)
class Bins:
    """A line cut into intervals.

    Attributes:
        borders: the inner borders, ascending; interval k is [borders[k-1], borders[k]).
        words: one a interval, so one more than borders; the first and the last may be
            the same word, where the line closes to a circle.
    """

    borders: tuple[float, ...]
    words: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.words) != len(self.borders) + 1:
            raise ParameterError(
                f"{len(self.borders)} borders need {len(self.borders) + 1} words, "
                f"not {len(self.words)}"
            )
        if any(a >= b for a, b in zip(self.borders, self.borders[1:], strict=False)):
            raise ParameterError(
                f"borders {self.borders} do not ascend: give each interval some width"
            )

    @property
    def distinct(self) -> tuple[str, ...]:
        """Each word once, in order."""
        return tuple(dict.fromkeys(self.words))

    def index(self, values: Float) -> Int:
        """(N,) position of each value's word in `distinct`; -1 for NaN."""
        values = np.asarray(values, dtype=np.float64)
        interval = np.searchsorted(self.borders, values, side="right")
        place = np.array([self.distinct.index(word) for word in self.words])
        return np.where(np.isnan(values), -1, place[interval])

    def words_of(self, values: Float) -> list[str]:
        """The word for each value; empty for NaN."""
        words = (*self.distinct, "")
        return [words[k] for k in self.index(values)]


# The eight sides of a subject, 45 degrees each, centred on 0, 45, … in -180..180; 0 is
# the front and azimuth grows towards the subject's own left. The words name what the
# picture shows: 'left profile' shows the subject's left side.
SIDES = Bins(
    (-157.5, -112.5, -67.5, -22.5, 22.5, 67.5, 112.5, 157.5),
    (
        "back",
        "back-right",
        "right profile",
        "front-right",
        "front",
        "front-left",
        "left profile",
        "back-left",
        "back",
    ),
)
# Elevation of the camera above the subject's horizon: what a cinematographer calls them.
HEIGHTS = Bins((-15.0, 15.0, 60.0), ("low angle", "eye level", "high angle", "overhead"))
# Distance in units of the capture's median: a third nearer or farther is another shot.
FRAMINGS = Bins((0.75, 4.0 / 3.0), ("close-up", "medium", "wide"))
# The camera turned about its axis; positive is clockwise for the photographer.
TILTS = Bins(
    (-135.0, -15.0, 15.0, 135.0),
    ("upside down", "tilted left", "upright", "tilted right", "upside down"),
)
# The optical axis against the horizon.
GAZES = Bins((-15.0, 15.0), ("looking down", "looking level", "looking up"))

ALL_BINS = (SIDES, HEIGHTS, FRAMINGS, TILTS, GAZES)


def signed_deg(angles: Float) -> Float:
    """(N,) the same angles in [-180, 180); those inside are left to the last bit."""
    angles = np.asarray(angles, dtype=np.float64)
    inside = (angles >= -180.0) & (angles < 180.0)
    return np.where(inside, angles, (angles + 180.0) % 360.0 - 180.0)


def neutral_sides() -> Bins:
    """The same eight sectors, named by their middle: words that claim no front."""
    middles = {word: 45 * k for k, word in enumerate(SIDES.words[:-1], start=-4)}
    middles["back"] = 180
    return Bins(SIDES.borders, tuple(f"azimuth {middles[word]}°" for word in SIDES.words))
