"""Sets of views tried by small fields: the two-way model, and the search."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from selection_problems import random_problem

from mtcm_pipeline.benchmarks.captures import sample_photos
from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.sample.options import SampleOptions
from mtcm_pipeline.scene.views import PinholeView, PinholeViews
from mtcm_pipeline.selection import SelectOptions, field_guided, select
from mtcm_pipeline.selection.field_guided import best_set, first_sets
from mtcm_pipeline.selection.from_cameras import problem_from_cameras
from mtcm_pipeline.selection.pool import Pool
from mtcm_pipeline.selection.probing import (
    Probes,
    judging_weights,
    probe_views,
    reliability,
    two_way,
)
from mtcm_pipeline.selection.view_coverage import ViewCoverage, ranked_by_gain


def tiny_views(names) -> PinholeViews:
    """Pictures of one grey, all from one place: to be counted, not to be fitted."""
    grey = np.full((4, 4, 3), 0.5, np.float32)
    view = PinholeView("", grey, None, np.eye(4), (4.0, 4.0), (2.0, 2.0))
    views = tuple(dataclasses.replace(view, name=name) for name in names)
    return PinholeViews(views, Similarity(1.0, np.eye(3), np.zeros(3)))


def pool_of(problem, budget, forced=()) -> Pool:
    return Pool(problem, np.arange(len(problem.names)), tuple(forced), budget)


def no_coverage(size: int) -> ViewCoverage:
    return ViewCoverage(np.zeros((size, 1, 1), np.float32), np.ones(1))


def random_coverage(size: int, seed: int = 0) -> ViewCoverage:
    worth = np.random.default_rng(seed).random((size, 6, 4)).astype(np.float32)
    return ViewCoverage(worth, np.full(6, 1 / 6))


def look_by_distance(problem):
    """Quality falls with the distance to the nearest frame of the set."""
    centres = problem.centres_xyz

    def look(rows):
        apart = np.linalg.norm(centres[:, None] - centres[list(rows)], axis=2)
        return 30.0 - 10.0 * apart.min(axis=1)

    return look


def table_with_gaps(seed: int):
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(6, 9))
    table[rng.random((6, 9)) < 0.3] = np.nan
    return table, rng.random(9) + 0.1


@pytest.mark.parametrize("seed", range(4))
def test_two_way_effects_are_those_of_plain_least_squares(seed):
    table, weights = table_with_gaps(seed)
    sets, frames = np.nonzero(np.isfinite(table))
    design = np.zeros((len(sets) + 1, 6 + 9))
    design[np.arange(len(sets)), sets] = 1
    design[np.arange(len(sets)), 6 + frames] = 1
    root = np.sqrt(weights[frames])
    design[:-1] *= root[:, None]
    design[-1, :6] = 1e3  # the sets' mean is 0
    right = np.append(table[sets, frames] * root, 0.0)
    solution = np.linalg.lstsq(design, right, rcond=None)[0]
    of_sets, of_frames = two_way(table, weights)
    np.testing.assert_allclose(of_sets, solution[:6], atol=1e-8)
    np.testing.assert_allclose(of_frames, solution[6:], atol=1e-8)


def test_a_set_gains_nothing_by_taking_the_difficult_frames():
    difficult = np.array([0.0, 0.0, 0.0, 0.0, -8.0, -9.0])
    truth: dict[tuple[int, ...], float] = {(0, 1): 2.0, (4, 5): 0.0}
    probes = Probes(lambda rows: truth[rows] + difficult, np.ones(6))
    for rows in truth:
        probes.try_set(rows)
    effects = probes.effects()
    np.testing.assert_allclose(effects.of_sets, [1.0, -1.0], atol=1e-6)
    # The plain mean over the frames outside says the opposite.
    plain = [truth[rows] + np.delete(difficult, rows).mean() for rows in truth]
    assert plain[0] < plain[1]
    assert np.isnan(effects.relative[0, [0, 1]]).all()
    np.testing.assert_allclose(effects.relative[0, 2:], 1.0, atol=1e-9)


@pytest.mark.parametrize(("spread", "noise"), [(1.0, 0.0), (0.5, 2.0), (0.0, 1.0)])
def test_reliability_is_the_share_of_variance_that_is_no_noise(spread, noise):
    rng = np.random.default_rng(0)
    sets, frames = spread * rng.normal(size=400), rng.normal(size=40)
    table = sets[:, None] + frames + noise * rng.normal(size=(400, 40))
    table[rng.random(table.shape) < 0.25] = np.nan  # 30 judges are left
    weights = np.ones(40)
    of_sets, of_frames = two_way(table, weights)
    found = reliability(table - of_sets[:, None] - of_frames, of_sets, weights)
    by_hand = spread**2 / (spread**2 + noise**2 / 30)
    assert found == pytest.approx(by_hand, abs=0.15)


def test_reliability_by_hand():
    """Two sets, three frames: effects -2/3 and 2/3, residuals of 1/3 and 2/3.

    Their squares sum to 4/3 over 2 degrees of freedom; three judges each.
    """
    table = np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 5.0]])
    of_sets, of_frames = two_way(table, np.ones(3))
    np.testing.assert_allclose(of_sets, [-2 / 3, 2 / 3])
    residual = table - of_sets[:, None] - of_frames
    by_hand = 1 - (4 / 3) / 2 / 3 / (4 / 9)
    assert reliability(residual, of_sets, np.ones(3)) == pytest.approx(by_hand)


def test_a_frame_of_half_the_quality_has_half_the_voice():
    azimuth = np.radians(np.arange(0, 360, 45))
    centres = np.column_stack([np.cos(azimuth), np.sin(azimuth), 0 * azimuth])
    quality = np.where(np.arange(8) == 3, 0.5, 1.0)
    problem = random_problem(8, quality=quality, centres_xyz=centres)
    weights = judging_weights(pool_of(problem, 3))
    np.testing.assert_allclose(weights, 8 * quality / quality.sum())


def test_a_set_is_tried_once_whatever_its_order():
    asked = []

    def look(rows):
        asked.append(rows)
        return np.zeros(5)

    probes = Probes(look, np.ones(5))
    probes.try_set([3, 1])
    probes.try_set([1, 3])
    assert asked == probes.tried == [(1, 3)]


def test_a_place_of_lingering_has_one_voice():
    problem = random_problem(21, quality=np.ones(21))
    azimuth = np.radians(np.r_[np.linspace(0, 2, 11), np.linspace(30, 330, 10)])
    problem = dataclasses.replace(
        problem,
        centres_xyz=np.column_stack([np.cos(azimuth), np.sin(azimuth), 0 * azimuth]),
    )
    weights = judging_weights(pool_of(problem, 5))
    assert weights.mean() == pytest.approx(1.0)
    assert weights[:11].sum() < 0.2 * weights[11:].sum()
    np.testing.assert_allclose(weights[12:20], weights[12], rtol=0.1)


def test_frames_in_one_place_all_have_a_voice():
    problem = random_problem(8, quality=np.ones(8), centres_xyz=np.ones((8, 3)))
    np.testing.assert_allclose(judging_weights(pool_of(problem, 3)), 1.0)


def test_with_enough_trials_it_is_the_best_of_all_sets():
    problem = random_problem(8, quality=np.ones(8))
    coverage = random_coverage(8)
    options = SelectOptions(probes=1000, budget=3)
    weights = np.ones(8)

    def look(rows):
        rng = np.random.default_rng(rows)
        return 20.0 + rng.normal() + np.arange(8) + 0.1 * rng.normal(size=8)

    found = best_set(pool_of(problem, 3), coverage, Probes(look, weights), options)
    everything = Probes(look, weights)
    for rows in itertools.combinations(range(8), 3):
        everything.try_set(rows)
    worth = everything.effects().of_sets + np.array(
        [13.0 * coverage.value(rows) for rows in everything.tried]
    )
    assert found == everything.tried[int(worth.argmax())]


def test_what_no_frame_shows_counts_beside_what_the_frames_show():
    """Fields find frame 0 a tenth of a dB better; coverage, frames 5 to 7 by far."""
    problem = random_problem(8, quality=np.ones(8))
    worth = np.zeros((8, 8, 1), np.float32)
    worth[[5, 6, 7], [5, 6, 7]] = 1.0
    coverage = ViewCoverage(worth, np.full(8, 1 / 8))

    def look(rows):
        return np.full(8, 20.0 + 0.1 * (0 in rows))

    options = SelectOptions(probes=1000, budget=3)
    probes = Probes(look, np.ones(8))
    assert best_set(pool_of(problem, 3), coverage, probes, options) == (5, 6, 7)


def test_exchanges_bring_in_the_frame_that_the_best_set_shows_badly(monkeypatch):
    """Of two sets the first is better, but for frame 7, which it shows 8 dB worse."""
    starts = {(0, 1): [30.0] * 7 + [12.0], (2, 3): [20.0] * 8}
    monkeypatch.setattr(field_guided, "first_sets", lambda *_: list(starts))
    problem = random_problem(8, quality=np.ones(8))

    def look(rows):
        return np.array(starts.get(rows, [20.0] * 8))

    probes = Probes(look, np.ones(8))
    options = SelectOptions(probes=7, budget=2)
    best_set(pool_of(problem, 2), no_coverage(8), probes, options)
    exchanged = probes.tried[2:]
    assert len(exchanged) == 5
    assert all(7 in rows for rows in exchanged)


@pytest.mark.parametrize("seed", range(3))
def test_exchanges_find_a_better_set_than_geometry_proposes(seed):
    """Only fields can see that some frames are worthless; two of ten are not."""
    problem = random_problem(30, seed=seed, quality=np.ones(30))
    useful = np.random.default_rng(seed).permutation(30)[:12].tolist()

    def look(rows):
        return np.full(30, 20.0 + len(set(rows) & set(useful)))

    pool, coverage = pool_of(problem, 6), no_coverage(30)
    options = SelectOptions(probes=120, budget=6)
    probes = Probes(look, np.ones(30))
    best = best_set(pool, coverage, probes, options)
    starts = first_sets(pool, options, np.random.default_rng(options.seed))
    assert len(set(best) & set(useful)) > max(len(set(s) & set(useful)) for s in starts)
    assert len(probes) == 120


def test_a_set_without_a_field_is_passed_over():
    problem = random_problem(20, quality=np.ones(20))

    def look(rows):
        if 4 in rows:
            raise CaptureError("no foreground")
        return look_by_distance(problem)(rows)

    pool, coverage = pool_of(problem, 6), random_coverage(20)
    probes = Probes(look, np.ones(20))
    best = best_set(pool, coverage, probes, SelectOptions(probes=40))
    assert 4 not in best
    assert not any(4 in rows for rows in probes.tried)


def test_without_any_field_view_coverage_decides(caplog):
    problem = random_problem(20, quality=np.ones(20))

    def look(rows):
        raise CaptureError("no foreground")

    pool, coverage = pool_of(problem, 6), random_coverage(20)
    best = best_set(pool, coverage, Probes(look, np.ones(20)), SelectOptions(budget=6))
    usual = select(problem, SelectOptions(budget=6)).ranking
    assert {problem.names[i] for i in best} == set(usual)
    assert "no field can be fitted" in caplog.text


def test_where_fields_show_nothing_but_noise_view_coverage_decides():
    problem = random_problem(20, quality=np.ones(20))

    def look(rows):
        return np.random.default_rng(rows).normal(size=20)

    pool, coverage = pool_of(problem, 6), random_coverage(20)
    best = best_set(pool, coverage, Probes(look, np.ones(20)), SelectOptions(budget=6))
    usual = select(problem, SelectOptions(budget=6)).ranking
    assert {problem.names[i] for i in best} == set(usual)


def test_every_set_holds_the_forced_frames_and_the_budget():
    problem = random_problem(20, quality=np.ones(20))
    probes = Probes(look_by_distance(problem), np.ones(20))
    pool = pool_of(problem, 5, forced=(7, 2))
    best = best_set(pool, random_coverage(20), probes, SelectOptions(probes=40))
    assert best in probes.tried
    for rows in probes.tried:
        assert len(set(rows)) == 5
        assert {2, 7} <= set(rows)


def test_forced_frames_alone_are_the_answer():
    problem = random_problem(20, quality=np.ones(20))
    probes = Probes(look_by_distance(problem), np.ones(20))
    pool = pool_of(problem, 3, forced=(7, 2, 9))
    assert best_set(pool, random_coverage(20), probes, SelectOptions()) == (2, 7, 9)


def test_a_set_is_ranked_by_what_each_frame_adds():
    coverage = random_coverage(9)
    order = ranked_by_gain(coverage, [8, 1, 4, 6], first=[6])
    assert order[0] == 6
    assert set(order) == {8, 1, 4, 6}
    for k in range(1, 4):
        gains = [coverage.value([*order[:k], each]) for each in order[k:]]
        assert gains[0] == max(gains)


def test_without_photographs_view_coverage_decides(caplog):
    problem = random_problem()
    ours = select(problem, SelectOptions(strategy="field_guided", budget=6))
    other = select(problem, SelectOptions(strategy="view_coverage", budget=6))
    assert ours.ranking == other.ranking
    assert "24 of 24 usable frames have none" in caplog.text


def test_where_nearly_all_frames_are_chosen_view_coverage_decides():
    problem = random_problem(16)
    problem = dataclasses.replace(problem, views=tiny_views(problem.names))
    ours = select(problem, SelectOptions(strategy="field_guided", budget=13))
    other = select(problem, SelectOptions(strategy="view_coverage", budget=13))
    assert ours.ranking == other.ranking


def test_views_of_other_frames_are_refused():
    with pytest.raises(CaptureError, match="views of frames that it lacks"):
        random_problem(4, views=tiny_views(["elsewhere.jpg"]))


@pytest.mark.slow
def test_photographs_of_noise_are_not_chosen_though_their_poses_are_good():
    options = SampleOptions(
        seed=3, frames=16, width=48, height=64, voxel_mm=8, gaps_deg=()
    )
    photos = sample_photos(options)
    problem = problem_from_cameras(photos.cameras)
    spoilt = select(problem, SelectOptions(budget=5)).ranking[:2]
    noise = np.random.default_rng(0).integers(0, 256, (64, 48, 3), dtype=np.uint8)
    pictures = dict(photos.images) | dict.fromkeys(spoilt, noise)
    views = probe_views(dataclasses.replace(photos, images=pictures))
    problem = dataclasses.replace(problem, views=views)
    selection = select(
        problem, SelectOptions(strategy="field_guided", budget=5, probes=8)
    )
    assert not set(selection.ranking) & set(spoilt)
    assert len(selection.ranking) == 5


def test_two_runs_with_one_seed_try_the_same_sets():
    problem = random_problem(20, quality=np.ones(20))
    pool, coverage = pool_of(problem, 5), random_coverage(20)

    def tried(seed):
        probes = Probes(look_by_distance(problem), np.ones(20))
        best_set(pool, coverage, probes, SelectOptions(probes=30, seed=seed))
        return probes.tried

    assert tried(1) == tried(1) != tried(2)
