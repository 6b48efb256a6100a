from dataclasses import replace

import numpy as np
import pytest
from tuning_cases import VIEWS

from field_scenes import ball
from mtcm_pipeline.tuning.alignment import AlignmentSettings, field_arrays
from mtcm_pipeline.tuning.beliefs import isotropic_belief
from mtcm_pipeline.tuning.matched_poses import MatchedPose
from mtcm_pipeline.tuning.options import TuningOptions
from mtcm_pipeline.tuning.registration import (
    Reference,
    carried,
    reference_of,
    register_views,
)


@pytest.mark.parametrize(
    ("stranger", "most"),
    [
        (20.0, 3.0),  # the field tells places apart: the limit that was asked for
        (8.0, 2.5),  # half way between 1 and 4 times the usual misfit
        (2.0, 1.0),  # another's place looks as well as one's own: nobody worse than usual
    ],
)
def test_where_a_field_cannot_tell_places_apart_it_lets_hardly_anybody_in(stranger, most):
    assert Reference(1.0, 2.0, stranger).most_misfit(3.0) == pytest.approx(most)


def test_a_view_fits_where_it_stands_and_not_where_another_one_does():
    views = [VIEWS.views[row] for row in (0, 8, 16)]
    field, settings = field_arrays(ball()), AlignmentSettings((0.0,), 0.5)
    found = reference_of(field, views, settings)
    assert found.misfit < 0.01 * found.stranger
    assert reference_of(field, views[:1], settings).stranger == float("inf")


def registered(view, matched, trusted=()):
    """One view against the field that made it; three others say what is usual."""
    references = [VIEWS.views[row] for row in (0, 8, 16)]
    found = {} if matched is None else {view.name: matched}
    return register_views(
        ball(), references, [view], matched=found, predicted={},
        options=TuningOptions(), trusted=trusted,
    )[view.name]  # fmt: skip


def asked_for(pose, agreeing=0.95) -> MatchedPose:
    return MatchedPose(isotropic_belief(pose, 0.1, 0.002), agreeing)


def test_of_two_poses_of_a_trusted_view_the_picture_takes_the_one_that_fits():
    view = VIEWS.views[4]
    right, wrong = view.cam_from_world, carried(view.cam_from_world, 1, 4.0, 1.0)
    stays = registered(view, asked_for(wrong), [view.name])
    assert (stays.source, stays.gain, stays.admitted) == ("given", 1.0, True)
    assert np.array_equal(stays.cam_from_world, right)
    moves = registered(replace(view, cam_from_world=wrong), asked_for(right), [view.name])
    assert (moves.source, moves.admitted) == ("matches", True)
    assert np.array_equal(moves.cam_from_world, right)
    assert moves.misfit_ratio < stays.misfit_ratio + 1e-6


def test_a_trusted_view_that_matches_doubt_but_cannot_place_stays():
    view = VIEWS.views[4]
    stays = registered(view, None, [view.name])
    assert (stays.source, stays.admitted) == ("given", True)
    assert np.array_equal(stays.cam_from_world, view.cam_from_world)


def test_a_view_that_the_judge_doubts_goes_where_certain_matches_want_it():
    view = VIEWS.views[4]
    wrong = carried(view.cam_from_world, 1, 1.0, 1.0)
    assert registered(view, asked_for(wrong)).source == "matches"
