"""Groups of frames that sound frames hold, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from matched_points import NAMES, TRUE, poses_by, shared_points

from mtcm_pipeline.tuning.matches import Tracks
from mtcm_pipeline.tuning.options import TuningOptions
from mtcm_pipeline.tuning.registration import carried
from mtcm_pipeline.tuning.ties import tied

LEAST = 3


def tracks_of_pairs(frames: int, pairs: dict[tuple[int, int], int]) -> Tracks:
    """So many points for each pair of frames, seen by these two."""
    ends = [pair for pair, count in pairs.items() for _ in range(count)]
    frame = np.array(ends).ravel()
    point = np.repeat(np.arange(len(ends)), 2)
    return Tracks(frame, point, np.zeros((len(frame), 2)), frames, len(ends), 400.0)


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        # 0 and 1 are sound; 2, 3 and 4 look for their poses.
        ({(0, 2): 3, (1, 2): 3}, {2}),
        ({(0, 2): 3, (1, 2): 2}, set()),  # one sound frame holds no size
        ({(0, 2): 3, (2, 3): 3, (3, 1): 3}, {2, 3}),  # held at its two ends
        ({(0, 2): 3, (2, 3): 2, (3, 1): 3}, set()),  # the middle is too weak
        ({(2, 3): 9, (3, 4): 9, (0, 1): 9}, set()),  # a group of its own
        ({(0, 2): 3, (1, 2): 3, (2, 3): 3, (3, 4): 3}, {2, 3, 4}),  # along others
    ],
)
def test_a_group_is_held_by_two_sound_frames_or_more(pairs, expected):
    sound = np.array([True, True, False, False, False])
    held = tied(tracks_of_pairs(5, pairs), sound, ~sound, LEAST)
    assert set(np.flatnonzero(held)) == expected


def test_a_frame_that_is_neither_sound_nor_looking_ties_nobody():
    sound = np.array([True, True, False, False])
    looking = np.array([False, False, True, False])
    pairs = {(0, 3): 9, (1, 3): 9, (2, 3): 9}
    assert not tied(tracks_of_pairs(4, pairs), sound, looking, LEAST).any()


def test_an_island_that_was_given_elsewhere_is_left_where_it_is():
    """Five frames that match one another only, turned together: nothing can tell."""
    island = NAMES[6:11]
    matches = {
        name: [each for each in shared if (each.other in island) == (name in island)]
        for name, shared in shared_points().items()
    }
    given = TRUE | {name: carried(TRUE[name], 1, 4.0, 1.0) for name in island}
    given[island[2]] = carried(given[island[2]], 0, 3.0, 1.0)
    found = poses_by(given, NAMES, matches, TuningOptions())
    assert not found.suspicious & set(island)
    assert not set(found.found) & set(island)
