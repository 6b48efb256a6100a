"""Adjusted poses against their neighbours: similarities, bends, single wrong frames."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from field_scenes import looking_at
from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.tuning.local_gauge import (
    disagreements_deg,
    in_the_gauge_of_neighbours,
)
from mtcm_pipeline.tuning.registration import carried
from mtcm_pipeline.tuning.rigid import (
    corrections_deg,
    rigid_from_twist,
    without_common_motion,
)

WORLD = Similarity(
    1.4, Rotation.from_euler("xyz", [20, -70, 5], degrees=True).as_matrix(),
    np.array([0.3, -2.0, 1.0]),
)  # fmt: skip


def ring(count: int = 24) -> np.ndarray:
    """(V, 4, 4) cameras that look at the origin from distance 1."""
    angles = 2 * np.pi * np.arange(count) / count
    return np.stack([looking_at([np.cos(a), np.sin(a), 0.1]) for a in angles])


def bent(poses: np.ndarray, angle_deg: float) -> np.ndarray:
    """Every camera turned about the world's z axis and lifted, by a sine of its place."""
    world = invert_rigid(poses)
    around = np.arctan2(world[:, 1, 3], world[:, 0, 3])
    size = np.radians(angle_deg) * np.sin(2 * around)
    twists = size[:, None] * np.array([0.0, 0.0, 1.0, 0.0, 0.0, 0.5])
    return np.stack(
        [pose @ rigid_from_twist(-t) for pose, t in zip(poses, twists, strict=True)]
    )


def test_a_similarity_is_taken_off_exactly():
    given = ring()
    everyone = np.ones(24, bool)
    back = in_the_gauge_of_neighbours(WORLD.cam_from_world(given), given, everyone)
    assert back == pytest.approx(given, abs=1e-9)


def test_a_bend_is_taken_off_to_the_second_order_of_the_spacing():
    left = {}
    for count in (48, 96):
        given = ring(count)
        back = in_the_gauge_of_neighbours(bent(given, 3.0), given, np.ones(count, bool))
        left[count] = float(np.median(corrections_deg(back, given)))
    everywhere = without_common_motion(bent(given, 3.0), given, np.ones(count))
    assert np.median(corrections_deg(everywhere, given)) > 1.5
    assert left[96] < 0.1
    # Neighbours on both sides cancel the first order: half the spacing leaves a quarter.
    assert left[96] == pytest.approx(left[48] / 4, rel=0.1)


@pytest.mark.parametrize(
    "adjusted", [WORLD.cam_from_world(ring(96)), bent(ring(96), 3.0)]
)
def test_a_frame_that_was_given_wrongly_stands_out_by_its_error_and_no_other(adjusted):
    given = ring(96)
    given[7] = carried(given[7], 1, 2.0, 1.0)
    back = in_the_gauge_of_neighbours(adjusted, given, np.ones(96, bool))
    sizes = corrections_deg(back, given)
    assert sizes[7] == pytest.approx(2.0, abs=0.35)
    assert corrections_deg(back[7:8], ring(96)[7:8])[0] < 0.35
    assert np.delete(sizes, 7).max() < 0.5  # nobody else would be suspected


def test_a_frame_without_a_vote_moves_nobody():
    given, voting = ring(), np.ones(24, bool)
    voting[7] = False
    wrong = given.copy()
    wrong[7] = carried(given[7], 1, 30.0, 1.0)
    others = np.arange(24) != 7
    adjusted = bent(given, 3.0)
    first = in_the_gauge_of_neighbours(adjusted, given, voting)[others]
    second = in_the_gauge_of_neighbours(adjusted, wrong, voting)[others]
    assert np.array_equal(first, second)


def test_a_wrong_frame_disagrees_with_all_neighbours_and_a_moved_stretch_does_not():
    true, everyone = ring(), np.ones(24, bool)
    given = true.copy()
    given[7] = carried(true[7], 1, 2.0, 1.0)
    stretch = [15, 16, 17]
    # Turned about the axis of the ring, they stay where they are to one another.
    turn = rigid_from_twist(np.radians([0, 0, 2.0, 0, 0, 0]))
    given[stretch] = true[stretch] @ turn
    found = disagreements_deg(true, given, everyone)
    assert found.shape == (24, 6)
    assert found[7] == pytest.approx(np.full(6, 2.0), abs=0.01)
    assert found[stretch].min(axis=1) == pytest.approx(np.zeros(3), abs=1e-5)
    assert found[[0, 11]] == pytest.approx(np.zeros((2, 6)), abs=1e-5)


def test_neighbours_are_those_that_vote():
    true, voting = ring(), np.zeros(24, bool)
    voting[[0, 8, 16]] = True
    given = true.copy()
    given[8] = carried(true[8], 0, 3.0, 1.0)
    found = disagreements_deg(WORLD.cam_from_world(true), given, voting)
    assert found.shape == (24, 2)
