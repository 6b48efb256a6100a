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


def registered(view, matched):
    """One view against the field that made it; three others say what is usual."""
    references = [VIEWS.views[row] for row in (0, 8, 16)]
    return register_views(
        ball(), references, [view], matched={view.name: matched}, predicted={},
        options=TuningOptions(),
    )[view.name]  # fmt: skip


def asked_for(pose, agreeing=0.95) -> MatchedPose:
    return MatchedPose(isotropic_belief(pose, 0.1, 0.002), agreeing)


def test_a_view_that_the_judge_doubts_goes_where_certain_matches_want_it():
    view = VIEWS.views[4]
    wrong = carried(view.cam_from_world, 1, 1.0, 1.0)
    assert registered(view, asked_for(wrong)).source == "matches"
