"""When there is nothing more to be learned of the views."""

from __future__ import annotations

import numpy as np
import pytest
from tuning_cases import VIEWS

from mtcm_pipeline.tuning.head import WeightHead
from mtcm_pipeline.tuning.options import TuningOptions
from mtcm_pipeline.tuning.reweighting import Reweighting

OPTIONS = TuningOptions(validation_views=2)
POSES = np.stack([view.cam_from_world for view in VIEWS.views])
V = len(POSES)


def listened(turns: int, odd_one: float, odd_turns: int | None = None) -> Reweighting:
    """After so many turns of each view, of which the third says something else."""
    head = WeightHead(np.full(V, 0.95), np.zeros((V, 0)), OPTIONS, seed=0)
    reweighting = Reweighting(head, np.ones(V, bool), POSES, OPTIONS, seed=0)
    for row in range(V):
        count = odd_turns if row == 3 and odd_turns is not None else turns
        middle = odd_one if row == 3 else 0.1
        reweighting.heard[row] = [middle + 0.05 * (-1) ** (row + k) for k in range(count)]
    return reweighting


@pytest.mark.parametrize(
    ("turns", "odd_one", "odd_turns", "expected"),
    [
        (3, 0.1, None, False),
        (3, -0.3, None, True),
        (3, 0.6, None, False),  # more agreement than usual is no disagreement
        (3, -0.3, 1, False),  # once may be chance
        (0, 0.1, None, False),
    ],
)
def test_a_view_disagrees_by_what_it_said_more_than_once(
    turns, odd_one, odd_turns, expected
):
    assert listened(turns, odd_one, odd_turns)._any_disagrees() is expected


class NothingIsRendered:
    """Stands in for a fit: a quiet end must not ask for any held-out view."""


def test_it_is_over_once_all_had_their_turns_and_agree():
    reweighting = listened(OPTIONS.quiet_turns, 0.1)
    before = reweighting.weights()
    reweighting.next_period(NothingIsRendered(), 100)
    assert reweighting.over
    assert not reweighting.periods
    assert np.array_equal(reweighting.weights(), before)
    assert reweighting.shares() == pytest.approx(np.full(V, 1 / V))


def test_it_goes_on_before_that_and_where_a_view_disagrees():
    for reweighting in (listened(1, 0.1), listened(3, -0.3)):
        with pytest.raises(AttributeError, match="view_loss"):
            reweighting.next_period(NothingIsRendered(), 100)
        assert not reweighting.over


def test_held_out_views_come_back_when_it_ends():
    reweighting = listened(1, 0.1)
    reweighting._held_out = np.array([2, 5])
    assert (reweighting.shares() == 0).sum() == 2
    reweighting.finish()
    assert (reweighting.shares() > 0).all()


def test_views_that_hardly_count_are_not_looked_at():
    prior = np.full(V, 0.95)
    prior[[1, 7]] = 0.08, 0.12
    head = WeightHead(prior, np.zeros((V, 0)), OPTIONS, seed=0)
    reweighting = Reweighting(head, prior > 0.5, POSES, OPTIONS, seed=0)
    shares = reweighting.shares()
    assert shares[1] == 0
    assert shares[7] == pytest.approx(0.12 / 0.95 * shares[0], rel=0.02)
    assert shares.sum() == pytest.approx(1)
