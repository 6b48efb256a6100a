"""Matches become tracks: by hand, and counted."""

from __future__ import annotations

import numpy as np
from matched_points import FOCAL_PX, NAMES, shared_points

from mtcm_pipeline.tuning.matches import Shared, _unique_rows, longest, tracks_of

A1, A2, B1, B2, C1 = np.array(
    [[0.1, 0.2], [0.3, 0.1], [0.0, 0.5], [0.2, 0.2], [0.4, 0.4]]
)


def both_ways(pairs):
    """Matches as they come: each pair from both of its ends."""
    found = {name: [] for name in "abc"}
    for first, second, xy, xy_other in pairs:
        here, there = np.array(xy), np.array(xy_other)
        found[first].append(Shared(second, here, there, FOCAL_PX))
        found[second].append(Shared(first, there, here, FOCAL_PX))
    return found


def observations(tracks) -> set:
    """What each point was seen as: sets of (frame, place)."""
    return {
        frozenset(
            (int(tracks.frame[o]), *tracks.xy[o].tolist())
            for o in np.flatnonzero(tracks.point == point)
        )
        for point in range(tracks.points)
    }


def test_matches_that_share_a_feature_are_one_point():
    found = both_ways([("a", "b", [A1, A2], [B1, B2]), ("b", "c", [B1], [C1])])
    tracks = tracks_of(found, "abc")
    assert observations(tracks) == {
        frozenset({(0, *A1), (1, *B1), (2, *C1)}),
        frozenset({(0, *A2), (1, *B2)}),
    }
    assert (tracks.frames, tracks.focal_px) == (3, FOCAL_PX)
    without_c = tracks_of(found, "ab")
    assert observations(without_c) == {
        frozenset({(0, *A1), (1, *B1)}), frozenset({(0, *A2), (1, *B2)})
    }  # fmt: skip


def test_a_frame_that_sees_a_point_twice_sees_it_nowhere():
    # a's two features are both matched with what b and c share.
    found = both_ways(
        [("a", "b", [A1], [B1]), ("b", "c", [B1], [C1]), ("a", "c", [A2], [C1])]
    )
    assert observations(tracks_of(found, "abc")) == {frozenset({(1, *B1), (2, *C1)})}


def test_different_rows_are_numpys():
    rows = np.random.default_rng(0).integers(0, 3, size=(200, 3)).astype(float)
    expected, inverse = np.unique(rows, axis=0, return_inverse=True)
    unique, which = _unique_rows(rows)
    assert np.array_equal(unique, expected)
    assert np.array_equal(which, inverse.ravel())


def test_nothing_shared_is_no_track():
    assert tracks_of({}, "abc") is None
    alone = both_ways([("a", "b", [A1], [B1]), ("a", "b", [A2], [B1])])
    assert tracks_of(alone, "abc") is None


def test_some_observations_of_some_points_are_numbered_anew():
    tracks = tracks_of(shared_points(outliers=0.0), NAMES)
    assert (tracks.points, len(tracks)) == (60, 60 * len(NAMES))
    points = np.arange(60) % 3 == 1
    few = tracks.of(tracks.frame < 5, points)
    assert (few.points, len(few)) == (20, 100)
    assert few.frames_seeing(few.frame != 2).tolist() == [4] * 20
    assert few.points_seen(few.point < 7)[:6].tolist() == [7, 7, 7, 7, 7, 0]


def test_of_each_frame_the_points_that_most_frames_see():
    # a sees three points; the third is seen by all, the second by a and b alone.
    xy = np.arange(6.0).reshape(3, 2) / 10
    found = both_ways([("a", "b", xy, xy + 1), ("b", "c", xy[2:] + 1, xy[2:] + 2)])
    tracks = tracks_of(found, "abc")
    everything = np.ones(len(tracks), bool)
    kept = longest(tracks, everything, 1)
    assert tracks.frames_seeing(everything)[kept].tolist() == [3]
    assert longest(tracks, everything, 2).sum() == 2
    assert longest(tracks, everything, 9).all()
