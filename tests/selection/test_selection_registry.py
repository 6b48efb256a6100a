"""What every strategy has to keep, whatever it prefers."""

from __future__ import annotations

import dataclasses
import logging

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from selection_problems import random_problem, reordered

from mtcm_pipeline.errors import ParameterError
from mtcm_pipeline.selection import STRATEGIES, SelectOptions, select
from mtcm_pipeline.selection.pool import apply_user_choices

NAMES = sorted(STRATEGIES)
# Strategies whose answer depends on the order of the frames by what they are.
COUNTING = {"every_nth", "random"}
# Strategies whose first k are the answer for the budget k.
NESTED = sorted(set(NAMES) - {"every_nth", "uniform_time", "k_medoids", "field_guided"})
each_strategy = pytest.mark.parametrize("strategy", NAMES)


def chosen(problem, strategy, budget=8, **changes):
    return select(problem, SelectOptions(strategy=strategy, budget=budget, **changes))


@each_strategy
def test_ranks_as_many_frames_as_asked_each_once_with_a_reason(strategy):
    selection = chosen(random_problem(), strategy)
    assert len(selection.ranking) == len(set(selection.ranking)) == 8
    assert set(selection.ranking) <= set(random_problem().names)
    assert np.isfinite(selection.gains).all()
    assert all(reason.strip() for reason in selection.reasons)
    assert selection.strategy == strategy


@each_strategy
def test_two_runs_give_the_same_answer(strategy):
    assert chosen(random_problem(), strategy) == chosen(random_problem(), strategy)


@each_strategy
def test_inputs_are_left_as_they_were(strategy):
    problem, untouched = random_problem(), random_problem()
    chosen(problem, strategy)
    for field in dataclasses.fields(problem):
        before, after = getattr(untouched, field.name), getattr(problem, field.name)
        assert np.array_equal(before, after) if isinstance(after, np.ndarray) else True


@each_strategy
def test_frames_that_are_not_eligible_are_never_chosen(strategy):
    eligible = np.arange(24) % 3 != 0
    problem = random_problem(eligible=eligible)
    selection = chosen(problem, strategy, budget=24)
    allowed = {n for n, ok in zip(problem.names, eligible, strict=True) if ok}
    assert set(selection.ranking) == allowed


@each_strategy
def test_forced_frames_come_first_in_their_order(strategy):
    forced = ("frame_017.jpg", "frame_003.jpg")
    problem = random_problem(forced=forced)
    selection = chosen(problem, strategy, keep=["frame_009.jpg"])
    assert selection.ranking[:3] == (*forced, "frame_009.jpg")
    assert all(reason == "forced by the user" for reason in selection.reasons[:3])
    assert len(selection.ranking) == 8
    assert "forced by the user" not in selection.reasons[3:]


@each_strategy
def test_dropped_frames_are_not_chosen(strategy):
    drop = ["frame_001.jpg", "frame_020.jpg"]
    selection = chosen(random_problem(), strategy, budget=24, drop=drop)
    assert set(selection.ranking) == set(random_problem().names) - set(drop)


@each_strategy
def test_a_forced_frame_overrules_the_filter_and_says_so(strategy):
    eligible = np.arange(24) != 5
    problem = random_problem(eligible=eligible, reasons_out={"frame_005.jpg": "blurred"})
    selection = chosen(problem, strategy, keep=["frame_005.jpg"])
    assert selection.ranking[0] == "frame_005.jpg"
    assert "blurred" in selection.reasons[0]


@each_strategy
def test_a_budget_beyond_the_capture_ranks_every_frame(strategy, caplog):
    selection = chosen(random_problem(), strategy, budget=100)
    assert sorted(selection.ranking) == list(random_problem().names)
    assert "only 24 frames are eligible" in caplog.text


@each_strategy
def test_frames_without_pose_or_embedding_wait_until_nothing_else_is_left(strategy):
    problem = random_problem()
    for array, rows in [
        (problem.centres_xyz, [0, 1]),
        (problem.directions, [0, 1]),
        (problem.embeddings, [1, 2]),
    ]:
        array[rows] = np.nan
    needs = STRATEGIES[strategy].needs
    lacking = {"frame_000.jpg", "frame_001.jpg"} if "pose" in needs else set()
    lacking |= {"frame_001.jpg", "frame_002.jpg"} if "embedding" in needs else set()
    complete = 24 - len(lacking)
    assert lacking.isdisjoint(chosen(problem, strategy, budget=complete).ranking)
    everything = chosen(problem, strategy, budget=24)
    assert set(everything.ranking[complete:]) == lacking
    assert all("has no" in reason for reason in everything.reasons[complete:])


@each_strategy
def test_a_forced_frame_without_any_data_is_still_ranked_in_its_place(strategy):
    problem = random_problem(forced=("frame_004.jpg", "frame_000.jpg", "frame_005.jpg"))
    for array in (problem.centres_xyz, problem.directions, problem.embeddings):
        array[0] = np.nan
    selection = chosen(problem, strategy, budget=6)
    assert selection.ranking[:3] == problem.forced
    assert len(selection.ranking) == 6


@each_strategy
@pytest.mark.parametrize("absent", [("pose",), ("embedding",), ("pose", "embedding")])
def test_captures_without_poses_or_embeddings_still_give_an_answer(strategy, absent):
    problem = random_problem()
    if "pose" in absent:
        problem.centres_xyz[:] = problem.directions[:] = np.nan
    if "embedding" in absent:
        problem = dataclasses.replace(problem, embeddings=np.full((24, 0), 1.0))
    selection = chosen(problem, strategy)
    assert len(selection.ranking) == 8
    assert np.isfinite(selection.gains).all()


@each_strategy
def test_duplicates_do_not_crash_and_the_earlier_one_wins(strategy):
    problem = random_problem(12)
    twice = reordered(problem, np.repeat(np.arange(12), 2))
    names = tuple(f"{i:02d}.jpg" for i in range(24))
    twice = dataclasses.replace(twice, names=names, times=np.linspace(0, 1, 24))
    assert len(chosen(twice, strategy, budget=24).ranking) == 24
    if strategy in {"fvs", "fvs_directions", "facility_location"}:
        first = chosen(twice, strategy, budget=12)
        assert all(int(name[:2]) % 2 == 0 for name in first.ranking)


@each_strategy
def test_frames_that_are_all_alike_do_not_crash(strategy):
    problem = reordered(random_problem(3), np.zeros(9, dtype=int))
    problem = dataclasses.replace(problem, names=tuple("abcdefghi"))
    assert len(chosen(problem, strategy, budget=9).ranking) == 9
    assert chosen(problem, strategy, budget=1).ranking


@each_strategy
def test_one_frame_and_no_eligible_frame(strategy, caplog):
    assert chosen(random_problem(1), strategy).ranking == ("frame_000.jpg",)
    caplog.clear()
    nothing = random_problem(4, eligible=np.zeros(4, dtype=bool))
    assert chosen(nothing, strategy).ranking == ()
    warned = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert warned == ["no frame is eligible: none is chosen"]


@pytest.mark.parametrize("strategy", sorted(set(NAMES) - COUNTING))
def test_shuffling_the_frames_changes_nothing(strategy):
    # 23 frames: for `uniform_time`, no frame is equally far from two targets then.
    problem = random_problem(23)
    shuffled = reordered(problem, np.random.default_rng(5).permutation(23))
    # 5 views: once a view covers only itself and one other, both gain the same, a tie.
    a, b = chosen(problem, strategy, 5), chosen(shuffled, strategy, 5)
    assert a.ranking == b.ranking
    assert a.gains == pytest.approx(b.gains)


@each_strategy
def test_rotating_and_scaling_the_capture_changes_no_ranking(strategy):
    problem = random_problem()
    turn = Rotation.from_euler("xyz", [40, -70, 130], degrees=True).as_matrix()
    turned = dataclasses.replace(
        problem,
        centres_xyz=problem.centres_xyz @ turn.T,
        directions=problem.directions @ turn.T,
    )
    assert chosen(problem, strategy).ranking == chosen(turned, strategy).ranking


@pytest.mark.parametrize("strategy", NESTED)
def test_the_first_k_are_the_answer_for_the_budget_k(strategy):
    large, small = (chosen(random_problem(), strategy, budget=k) for k in (15, 6))
    assert large.first(6) == small


@pytest.mark.parametrize("strategy", ["every_nth", "uniform_time", "k_medoids"])
def test_the_first_k_of_a_set_chosen_as_a_whole_are_other_frames(strategy):
    """As `Selection` says of these, so that nobody takes a short list for a choice."""
    large, small = (chosen(random_problem(), strategy, budget=k) for k in (15, 6))
    assert set(large.ranking[:6]) != set(small.ranking)


@each_strategy
def test_more_forced_frames_than_budget_is_refused(strategy):
    with pytest.raises(ParameterError, match=r"2 frames are forced .*budget is 1"):
        chosen(random_problem(forced=("frame_000.jpg", "frame_001.jpg")), strategy, 1)


def test_misspelt_names_are_refused_with_the_closest_ones():
    with pytest.raises(ValueError, match=r"did you mean 'facility_location'.*There are"):
        SelectOptions(strategy="facility_locaton")
    with pytest.raises(ValueError, match=", ".join(STRATEGIES)):
        SelectOptions(strategy="x")
    with pytest.raises(ParameterError, match=r"select.keep.*'frame_3.jpg'.*did you mean"):
        chosen(random_problem(), "fvs", keep=["frame_3.jpg"])
    with pytest.raises(ParameterError, match=r"select.drop.*'x'"):
        chosen(random_problem(), "fvs", drop=["x"])


def test_keeping_and_dropping_the_same_frame_is_refused():
    with pytest.raises(ParameterError, match=r"'frame_003.jpg' is both forced"):
        chosen(random_problem(), "fvs", keep=["frame_003.jpg"], drop=["frame_003.jpg"])


def test_working_in_the_users_choices_twice_is_the_same_as_once():
    options = SelectOptions(keep=["frame_003.jpg"], drop=["frame_004.jpg"])
    once = apply_user_choices(random_problem(), options)
    twice = apply_user_choices(once, options)
    assert twice.forced == once.forced == ("frame_003.jpg",)
    assert twice.reasons_out == once.reasons_out
    assert np.array_equal(twice.eligible, once.eligible)
    assert not once.eligible[4]


def test_options_refuse_unknown_keys_and_values_out_of_bounds():
    with pytest.raises(ValueError, match="budgett"):
        SelectOptions(budgett=3)
    with pytest.raises(ValueError, match="budget"):
        SelectOptions(budget=0)
