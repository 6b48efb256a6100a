"""The project's own instruments: pools, filters, a fit, and what selectors are told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.consistency.options import ScoreOptions
from mtcm_pipeline.errors import ParameterError
from mtcm_pipeline.judge.matched import MatchMemory
from mtcm_pipeline.scene.views import pinhole_views
from mtcm_pipeline.selection.registry import STRATEGIES
from mtcm_pipeline.trials import photo_filters
from mtcm_pipeline.trials.bench import CleanCapture
from mtcm_pipeline.trials.filters import keep_all, keep_sound, keep_where
from mtcm_pipeline.trials.fitting import FitTask, Outcome, task_of
from mtcm_pipeline.trials.instruments import fit_and_compare
from mtcm_pipeline.trials.options import BenchmarkOptions
from mtcm_pipeline.trials.photo_filters import sharp_and_verified
from mtcm_pipeline.trials.plan import BEST_OF_RANDOM, POOLS, SELECTORS, UNBALANCED
from mtcm_pipeline.trials.pools import make_pool
from mtcm_pipeline.trials.run import scores_of
from mtcm_pipeline.trials.selectors import (
    Choice,
    choose,
    selection_problem,
    sharpest_in_time,
    sharpness_by_name,
)
from trial_cases import orbit_photos


@pytest.fixture(scope="module")
def photos() -> PosedPhotos:
    return orbit_photos(40)


def others():
    return (orbit_photos(20, "elsewhere"),)


def test_every_selector_is_a_strategy_or_made_of_them():
    made = {"sharpest_in_time", BEST_OF_RANDOM}
    assert set(SELECTORS) - made <= set(STRATEGIES)


@pytest.mark.parametrize("name", POOLS)
def test_pools_keep_what_they_are_given_and_know_their_faults(photos, name):
    before = {n: image.copy() for n, image in photos.images.items()}
    pool = make_pool(name, photos, 1, others)
    again = make_pool(name, photos, 1, others)
    assert pool.photos.names == again.photos.names
    assert pool.bad == again.bad
    assert pool.bad <= set(pool.photos.names)
    assert all((photos.images[n] == image).all() for n, image in before.items())
    if name in ("clean", *UNBALANCED):
        assert not pool.bad
    else:
        wanted = 0.3 if name == "subtle_30" else int(name.split("_")[1]) / 100
        assert len(pool.bad) == pytest.approx(wanted * 40, abs=1.5)
    unspoilt = set(pool.photos.names) - pool.bad - {"close_ups"}
    if name.startswith(("gross", "block")):
        for each in unspoilt & set(photos.names):
            np.testing.assert_array_equal(
                pool.photos.cameras.pose_of(each), photos.cameras.pose_of(each)
            )
            assert (pool.photos.images[each] == photos.images[each]).all()


def test_an_unknown_pool_is_refused(photos):
    with pytest.raises(ParameterError, match="muddy"):
        make_pool("muddy", photos, 0, others)


def test_a_blurred_frame_is_dropped_by_the_checks(photos):
    blurred = photos.names[11]
    soft = gaussian_filter(photos.images[blurred].astype(float), (2, 2, 0))
    images = dict(photos.images) | {blurred: soft.astype(np.uint8)}
    pool = replace(photos, images=images)
    verdict = sharp_and_verified(pool, np.eye(40), MatchMemory())
    assert blurred not in verdict.kept
    assert verdict.trust[blurred] == 0.0
    assert len(verdict.kept) >= 36


def test_blurred_is_to_the_checks_what_it_is_to_a_run(photos, monkeypatch):
    """A mild blur, and the one limit on either side of its share of sharpness."""
    name = photos.names[11]
    soft = gaussian_filter(photos.images[name].astype(float), (0.4, 0.4, 0))
    images = dict(photos.images) | {name: soft.astype(np.uint8)}
    pool = replace(photos, images=images)
    sharpness = sharpness_by_name(pool)
    usual = np.median([sharpness[other] for other in pool.names])
    share, memory = sharpness[name] / usual, MatchMemory()
    assert 0.3 < share < 0.85
    for limit, kept in ((0.85 * share, True), (1.15 * share, False)):
        options = ScoreOptions(blur_limit=limit)
        monkeypatch.setattr(
            photo_filters, "ScoreOptions", lambda options=options: options
        )
        verdict = sharp_and_verified(pool, np.eye(40), memory)
        assert (name in verdict.kept) == kept


def test_selectors_choose_among_kept_frames_only(photos):
    bad = set(photos.names[::3])
    verdict = keep_sound(photos.names, bad)
    embeddings = np.random.default_rng(0).normal(size=(40, 8))
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    problem = selection_problem(photos, verdict, embeddings)
    sharpness = dict.fromkeys(photos.names, 1.0)
    for selector in set(SELECTORS) - {BEST_OF_RANDOM}:
        chosen = choose(Choice(selector, 6), problem, sharpness)
        assert len(set(chosen)) == 6
        assert not set(chosen) & bad


def test_the_sharpest_of_each_stretch_by_hand():
    sharpness = {"a": 1.0, "b": 3.0, "c": 2.0, "d": 0.5, "e": 0.6, "f": 0.1}
    assert sharpest_in_time(tuple("abcdef"), sharpness, 3) == ("b", "c", "e")
    assert sharpest_in_time(tuple("ab"), sharpness, 5) == ("a", "b")


def test_a_subset_is_known_whatever_its_order_and_not_after_a_change(photos):
    options = BenchmarkOptions(longer_side_px=32)
    views = pinhole_views(photos, 32)
    hidden = views.subset(photos.names[30:33])

    def subset(names, of=views, test=hidden):
        return task_of(of, names, test, options, seed=0).subset

    first = subset(["f001.jpg", "f005.jpg", "f009.jpg"])
    assert first == subset(["f009.jpg", "f001.jpg", "f005.jpg"])
    assert first != subset(["f001.jpg", "f005.jpg", "f010.jpg"])
    images = dict(photos.images)
    images["f005.jpg"] = 255 - images["f005.jpg"]
    changed = pinhole_views(replace(photos, images=images), 32, views.gauge)
    assert first != subset(["f001.jpg", "f005.jpg", "f009.jpg"], changed)
    assert first == subset(["f001.jpg", "f009.jpg", "f005.jpg"], views)
    others = views.subset(photos.names[30:34])
    assert first != subset(["f001.jpg", "f005.jpg", "f009.jpg"], test=others)


def test_content_changes_with_pictures_masks_and_poses(photos):
    def content(**changes):
        return CleanCapture(replace(photos, **changes), lambda *_: 0.0).content

    name = photos.names[3]
    mask = np.ones((24, 32), bool)
    cameras = photos.cameras.subset([*photos.names[1:], photos.names[0]])
    poses = np.array(photos.cameras.cam_from_world)
    poses[3, 0, 3] += 1e-6
    known = {
        content(),
        content(images=dict(photos.images) | {name: 255 - photos.images[name]}),
        content(masks={name: mask}),
        content(masks={name: ~mask}),
        content(cameras=cameras),
        content(cameras=replace(photos.cameras, cam_from_world=poses)),
    }
    assert len(known) == 6
    assert content() in known


def test_the_worst_view_is_told_inside_the_masks_where_all_have_one():
    outcome = Outcome((30.0, 20.0), (25.0, 28.0), (0.9, 0.7), cpu_s=1.0)
    scores = scores_of(outcome)
    assert (scores.psnr, scores.masked_psnr, scores.worst) == (25.0, 26.5, 25.0)
    bare = scores_of(replace(outcome, masked_psnr=(25.0, float("nan"))))
    assert bare.worst == 20.0
    assert np.isnan(bare.masked_psnr)


def test_a_fit_looks_at_every_hidden_view_and_repeats_itself(photos):
    views = pinhole_views(photos, 32)
    task = FitTask(
        views.subset(photos.names[:6]), views.subset(photos.names[6:9]), 50, 3, seed=1
    )
    first, second = fit_and_compare(task), fit_and_compare(task)
    assert len(first.psnr) == len(first.ssim) == 3
    assert np.isfinite(first.psnr).all()
    assert np.isnan(first.masked_psnr).all()
    assert first.primary == first.psnr == second.psnr


def test_selectors_are_told_how_sure_the_filter_is_of_each_frame(photos):
    trust = np.linspace(0, 1, 40)
    verdict = keep_where(photos.names, trust >= 0.5, trust)
    problem = selection_problem(photos, verdict)
    np.testing.assert_allclose(problem.quality, trust)
    assert problem.eligible.tolist() == (trust >= 0.5).tolist()


def test_a_verdict_of_no_filter_makes_every_frame_eligible(photos):
    problem = selection_problem(photos, keep_all(photos.names))
    assert problem.eligible.all()
    assert (problem.quality == 1.0).all()
    assert problem.seconds is None
