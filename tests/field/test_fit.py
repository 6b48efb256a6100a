"""A field fitted to pictures of a field: what must come back, and what must not."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from field_scenes import ball, views_of
from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.field.fit import ViewOrder, fit_field
from mtcm_pipeline.field.gaussians import SH_CONSTANT
from mtcm_pipeline.field.loss import best_gain, photometric_loss, targets_of
from mtcm_pipeline.field.options import FieldOptions
from mtcm_pipeline.field.quality import compare, summary
from mtcm_pipeline.field.relocation import relocate
from mtcm_pipeline.field.render import Rendered
from mtcm_pipeline.field.start import gaussians_at, sparse_start, start_points
from mtcm_pipeline.scene.points import ScenePoints
from mtcm_pipeline.scene.views import PinholeViews

QUICK = FieldOptions(gaussians=400, steps=120)
VIEWS = views_of(ball())
TRAIN = [name for name in VIEWS.names if name not in ("03.png", "07.png")]
HELD_OUT = ["03.png", "07.png"]


def on_the_ball(count: int = 400, seed: int = 1) -> ScenePoints:
    random = np.random.default_rng(seed)
    xyz = random.normal(0, 1, (count, 3))
    xyz *= 0.25 / np.linalg.norm(xyz, axis=1, keepdims=True)
    return ScenePoints(xyz, np.full((count, 3), 0.5, np.float32), np.full(count, 0.02))


def with_rgb(views: PinholeViews, name: str, rgb) -> PinholeViews:
    changed = [
        dataclasses.replace(view, rgb=np.asarray(rgb, np.float32))
        if view.name == name
        else view
        for view in views.views
    ]
    return PinholeViews(tuple(changed), views.gauge)


@pytest.fixture(scope="module")
def fitted():
    return fit_field(VIEWS, TRAIN, QUICK, seed=0, start=on_the_ball())


def test_held_out_views_are_predicted(fitted):
    total = summary(compare(fitted, VIEWS, HELD_OUT))
    start = dataclasses.replace(fitted, gaussians=gaussians_at(on_the_ball(), QUICK))
    before = summary(compare(start, VIEWS, HELD_OUT))
    assert total.worst_psnr > before.worst_psnr + 6
    assert total.worst_psnr > 24
    assert len(fitted.losses) == QUICK.steps
    assert fitted.losses[-20:].mean() < 0.5 * fitted.losses[:20].mean()


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(fitted):
    again = fit_field(VIEWS, TRAIN, QUICK, seed=0, start=on_the_ball())
    other = fit_field(VIEWS, TRAIN, QUICK, seed=1, start=on_the_ball())
    for field in dataclasses.fields(fitted.gaussians):
        first, second, third = (
            getattr(each.gaussians, field.name) for each in (fitted, again, other)
        )
        assert np.array_equal(first, second), field.name
        assert not np.array_equal(first, third), field.name
    assert np.array_equal(fitted.losses, again.losses)


def test_nothing_of_a_held_out_view_leaks():
    noise = np.random.default_rng(0).random(VIEWS.views[0].rgb.shape)
    spoilt = with_rgb(with_rgb(VIEWS, "03.png", noise), "07.png", noise)
    options = FieldOptions(gaussians=100, steps=5)
    clean, other = (fit_field(each, TRAIN, options, seed=0) for each in (VIEWS, spoilt))
    assert np.array_equal(clean.gaussians.means_xyz, other.gaussians.means_xyz)
    assert np.array_equal(clean.losses, other.losses)


def test_a_view_of_weight_0_is_as_if_it_were_not_there():
    noise = np.random.default_rng(0).random(VIEWS.views[0].rgb.shape)
    spoilt = with_rgb(VIEWS, TRAIN[2], noise)
    options = FieldOptions(gaussians=100, steps=10)
    without = [name for name in TRAIN if name != TRAIN[2]]
    start = on_the_ball(100)
    weighted = fit_field(
        spoilt, TRAIN, options, seed=0, start=start, weights={TRAIN[2]: 0.0}
    )
    left_out = fit_field(spoilt, without, options, seed=0, start=start)
    assert np.array_equal(weighted.gaussians.means_xyz, left_out.gaussians.means_xyz)


def test_a_small_weight_lets_wrong_views_do_little_harm():
    spoilt = VIEWS
    for name in TRAIN[:3]:
        spoilt = with_rgb(spoilt, name, 1 - VIEWS.subset([name]).views[0].rgb)
    start = on_the_ball()
    equal, weighted = (
        fit_field(spoilt, TRAIN, QUICK, seed=0, start=start, weights=weights)
        for weights in (None, dict.fromkeys(TRAIN[:3], 0.02))
    )
    harmed, saved = (summary(compare(f, VIEWS, HELD_OUT)) for f in (equal, weighted))
    assert saved.mean_psnr > harmed.mean_psnr + 3


@pytest.mark.parametrize("weights", [[1, 1, 1, 1, 1], [3, 1, 2, 0.5, 0.1]])
def test_views_are_looked_at_in_proportion_to_their_weights(weights):
    shares = np.array(weights) / np.sum(weights)
    order = ViewOrder(shares, torch.Generator().manual_seed(0))
    views = [order.next_view() for _ in range(200)]
    for looks in (5, 37, 200):
        counts = np.bincount(views[:looks], minlength=5)
        assert np.abs(counts - looks * shares).max() < 1.5
    if len(set(weights)) == 1:
        rounds = np.array(views).reshape(-1, 5)
        assert (np.sort(rounds, axis=1) == np.arange(5)).all()
        assert len({tuple(each) for each in rounds.tolist()}) > 20


def test_views_of_nearly_equal_weights_come_in_another_order_each_round():
    shares = np.linspace(0.96, 1.0, 30)
    order = ViewOrder(shares / shares.sum(), torch.Generator().manual_seed(0))
    views = np.array([order.next_view() for _ in range(900)])
    gaps = [np.diff(np.flatnonzero(views == view)) for view in range(30)]
    # Two places by chance in rounds of 30 differ by 30 / sqrt(6); in one order, by none.
    assert np.concatenate(gaps).std() == pytest.approx(30 / np.sqrt(6), rel=0.1)


@pytest.mark.parametrize("low", [0.9, 0.5])
def test_views_of_one_lower_weight_do_not_come_one_after_another(low):
    weights = np.ones(58)
    weights[-6:] = low  # neighbours, as a capture's doubtful frames often are
    order = ViewOrder(weights / weights.sum(), torch.Generator().manual_seed(0))
    lower = np.array([order.next_view() for _ in range(5800)]) >= 52
    after_one = lower[1:][lower[:-1]].mean()
    assert after_one < 1.3 * lower.mean()


def test_a_round_goes_on_without_views_that_lose_their_share():
    order = ViewOrder(np.full(6, 1 / 6), torch.Generator().manual_seed(0))
    seen = [order.next_view() for _ in range(3)]
    held_out = [view for view in range(6) if view not in seen][:1]
    order.reweigh(np.where(np.isin(np.arange(6), held_out), 0.0, 0.2))
    rest = [order.next_view() for _ in range(2)]
    assert sorted(seen + held_out + rest) == list(range(6))
    order.reweigh(np.full(6, 1 / 6))
    assert order.next_view() == held_out[0]  # all that the round still lacks


def test_a_view_without_a_share_is_never_looked_at():
    order = ViewOrder(np.array([0.6, 0.0, 0.4]), torch.Generator().manual_seed(0))
    assert 1 not in [order.next_view() for _ in range(100)]
    order.reweigh(np.array([0.0, 0.5, 0.5]))
    assert 0 not in [order.next_view() for _ in range(100)]


def test_the_room_behind_a_turntable_is_not_reconstructed():
    views = views_of(ball(), masked=True)
    fitted = fit_field(views, TRAIN, QUICK, seed=0, start=on_the_ball())
    for quality in compare(fitted, views, HELD_OUT):
        assert quality.masked_psnr > 20
        assert quality.psnr > 20  # before plain grey: nothing stands outside the mask


def test_exposure_is_told_apart_from_the_scene():
    factors = dict.fromkeys(TRAIN, 1.0) | {TRAIN[1]: 0.5, TRAIN[4]: 1.4}
    views = VIEWS
    for name, factor in factors.items():
        views = with_rgb(views, name, VIEWS.subset([name]).views[0].rgb * factor)
    options = dataclasses.replace(QUICK, exposure_gains=True)
    fitted = fit_field(views, TRAIN, options, seed=0, start=on_the_ball())
    for name, factor in factors.items():
        assert fitted.gains[name] == pytest.approx(factor, rel=0.1)
    assert np.median(list(fitted.gains.values())) == pytest.approx(1, abs=0.01)


def test_without_gains_every_view_has_gain_1(fitted):
    assert set(fitted.gains) == set(TRAIN)
    assert all(gain == 1 for gain in fitted.gains.values())


def test_views_of_several_sizes_are_fitted_together():
    small = views_of(ball(), width=24, height=18)
    mixed = PinholeViews((*VIEWS.views[:5], *small.views[5:]), VIEWS.gauge)
    fitted = fit_field(mixed, mixed.names, QUICK, seed=0, start=on_the_ball())
    assert summary(compare(fitted, mixed, mixed.names)).worst_psnr > 20


def test_progress_is_told_step_by_step():
    told: list[tuple[int, float]] = []
    options = FieldOptions(gaussians=20, steps=4)
    fitted = fit_field(
        VIEWS,
        TRAIN,
        options,
        seed=0,
        start=on_the_ball(20),
        on_step=lambda *said: told.append(said),
    )
    assert told == [(i + 1, float(loss)) for i, loss in enumerate(fitted.losses)]


def test_start_points_of_its_own_lie_on_the_subject():
    points = start_points(VIEWS, TRAIN, QUICK, seed=0)
    distance = np.linalg.norm(points.xyz, axis=1)
    assert np.median(np.abs(distance - 0.25)) < 0.1


@pytest.mark.parametrize(
    ("names", "weights", "message"),
    [
        (["00.png"], None, "at least 2 views and there is '00.png'"),
        ([], None, "there is none"),
        (["00.png", "00.png"], None, "'00.png' is twice"),
        (["00.png", "xx.png"], None, "no view of 'xx.png'"),
        (["00.png", "01.png"], {"01.png": -1.0}, "frame '01.png' is -1.0"),
        (["00.png", "01.png"], {"01.png": float("nan")}, "frame '01.png' is nan"),
        (["00.png", "01.png"], {"01.png": 0.0}, "there is '00.png'"),
    ],
)
def test_what_cannot_be_fitted_is_refused_by_name(names, weights, message):
    with pytest.raises(CaptureError, match=message):
        fit_field(VIEWS, names, QUICK, seed=0, weights=weights)


# ------------------------------------------------------------------- its parts


def uniform(value: float, alpha: float, size=(16, 20)) -> Rendered:
    return Rendered(
        torch.full((*size, 3), value * alpha), torch.full(size, alpha), torch.zeros(size)
    )


def plain_target(value: float, mask=None, size=(16, 20), **more):
    view = dataclasses.replace(
        VIEWS.views[0], rgb=np.full((*size, 3), value, np.float32), mask=mask
    )
    (target,) = targets_of(PinholeViews((view,), VIEWS.gauge))
    return dataclasses.replace(target, **more)


L1 = FieldOptions(ssim_share=0.0)


def test_loss_of_uniform_pictures_by_hand():
    loss = photometric_loss(uniform(0.4, 0.5), plain_target(0.7), L1, background=0.2)
    assert float(loss) == pytest.approx(0.7 - (0.2 + 0.1))
    gained = photometric_loss(
        uniform(0.4, 0.5), plain_target(0.7), L1, background=0.2, gain=2.0
    )
    assert float(gained) == pytest.approx(0.7 - (0.4 + 0.1))


def test_the_best_gain_brightens_the_field_and_not_what_is_behind_it():
    rendered, truth = uniform(0.4, 0.5), plain_target(0.1 + 1.5 * 0.2)
    assert best_gain(rendered, truth, 0.2) == pytest.approx(1.5)
    assert best_gain(uniform(0.0, 0.0), truth, 0.2) == 1.0
    assert best_gain(rendered, plain_target(50.0), 0.2) == 4.0
    half = np.zeros((16, 20), np.float32)
    half[:8] = 1
    spoilt = plain_target(0.4, half)
    spoilt.rgb[8:] = 1.0
    assert best_gain(rendered, spoilt, 0.2) == pytest.approx(1.5)


def test_outside_the_mask_only_transparency_is_free():
    mask = np.zeros((16, 20), np.float32)
    target = plain_target(0.7, mask)
    for alpha, expected in ((0.0, 0.0), (1.0, 0.5)):
        loss = photometric_loss(uniform(0.7, alpha), target, L1, background=0.2)
        assert float(loss) == pytest.approx(expected)


def test_a_view_whose_mask_is_missing_counts_only_where_the_field_is():
    target = plain_target(0.7, unknown=True)
    for alpha in (0.0, 0.5, 1.0):
        loss = photometric_loss(uniform(0.4, alpha), target, L1, background=0.2)
        image = 0.4 * alpha + 0.2 * (1 - alpha)
        assert float(loss) == pytest.approx(alpha * abs(0.7 - image))


def test_masks_are_expected_where_most_views_have_one():
    masked = views_of(ball(), 4, masked=True).views
    bare = VIEWS.views
    for views, expected in (((*masked[:3], bare[3]), True), ((*bare[:3], masked[3]), 0)):
        targets = targets_of(PinholeViews(views, VIEWS.gauge))
        assert sum(target.unknown for target in targets) == bool(expected)


def moving_parts(logits):
    n = len(logits)
    parameters = {
        "means_xyz": torch.arange(3.0 * n).reshape(n, 3),
        "log_scales": torch.full((n, 3), -3.0),
        "opacity_logits": torch.tensor(logits),
    }
    for parameter in parameters.values():
        parameter.requires_grad_()
    optimiser = torch.optim.Adam(list(parameters.values()))
    sum(p.sum() for p in parameters.values()).backward()
    optimiser.step()
    return parameters, optimiser


def test_the_dead_move_to_the_living_and_hide_as_much_together():
    parameters, optimiser = moving_parts([3.0, -9.0, -9.0, -9.0])
    before = {name: p.detach().clone() for name, p in parameters.items()}
    count = relocate(
        parameters, optimiser, FieldOptions(), torch.Generator().manual_seed(0)
    )
    assert count == 3
    opacity = torch.sigmoid(parameters["opacity_logits"]).detach()
    together = 1 - torch.prod(1 - opacity)
    assert float(together) == pytest.approx(
        float(torch.sigmoid(before["opacity_logits"][0])), abs=1e-3
    )
    apart = (parameters["means_xyz"] - before["means_xyz"][0]).detach().norm(dim=1)
    assert float(apart.max()) < 0.5  # a few standard deviations of 0.05
    for parameter in parameters.values():
        assert not optimiser.state[parameter]["exp_avg"].any()


def test_nothing_moves_where_all_live_or_none():
    for logits in ([1.0, 2.0], [-9.0, -9.0]):
        parameters, optimiser = moving_parts(logits)
        before = {name: p.detach().clone() for name, p in parameters.items()}
        random = torch.Generator().manual_seed(0)
        assert relocate(parameters, optimiser, FieldOptions(), random) == 0
        for name, parameter in parameters.items():
            assert torch.equal(parameter, before[name])


def test_first_sizes_follow_the_gaps_between_points():
    grid = np.stack(np.meshgrid(*[np.arange(5.0)] * 3), -1).reshape(-1, 3) * 0.1
    points = ScenePoints(grid, np.zeros((125, 3), np.float32), np.full(125, 0.05))
    gaussians = gaussians_at(points, QUICK)
    assert gaussians.scales == pytest.approx(0.1, rel=1e-5)
    assert gaussians.opacities == pytest.approx(QUICK.start_opacity)
    seen_from_anywhere = 0.5 + SH_CONSTANT * gaussians.harmonics[:, 0]
    assert seen_from_anywhere == pytest.approx(0.0, abs=1e-6)
    assert not gaussians.harmonics[:, 1:].any()
    narrow = dataclasses.replace(points, spacing=np.full(125, 0.001))
    assert gaussians_at(narrow, QUICK).scales == pytest.approx(0.008, rel=1e-5)


def tracks(xyz, observers: list[list[str]]) -> SparsePoints:
    pairs = [(i, name) for i, names in enumerate(observers) for name in names]
    n = len(xyz)
    return SparsePoints(
        np.asarray(xyz, float),
        np.full((n, 3), 255, np.uint8),
        np.ones(n),
        np.array([i for i, _ in pairs], np.int64),
        np.array([name for _, name in pairs], np.str_),
        np.zeros((len(pairs), 2)),
    )


def test_sfm_points_need_two_of_the_selected_views_and_lie_before_them():
    first, second, held_out = "00.png", "01.png", "03.png"
    chosen = VIEWS.subset([first, second])
    sparse = tracks(
        [[0, 0, 0], [0.1, 0, 0], [0, 0.1, 0], [5, 0, 0]],
        [[first, second], [first, held_out], [first, second, held_out], [first, second]],
    )
    points = sparse_start(chosen, sparse)
    assert points.xyz.tolist() == [[0, 0, 0], [0, 0.1, 0]]
    assert (points.rgb == 1).all()
    centre = VIEWS.subset([first]).views[0]
    pixel = np.linalg.norm(centre.centre_xyz) / np.mean(centre.focal_px)
    assert points.spacing[0] == pytest.approx(pixel, rel=0.1)


def test_few_sfm_points_are_not_trusted_and_many_come_first():
    names = TRAIN[:3]
    random = np.random.default_rng(0)
    xyz = random.normal(0, 0.05, (60, 3))
    sparse = tracks(xyz, [names] * 60)
    trusting = dataclasses.replace(QUICK, gaussians=80, least_sparse_points=50)
    points = start_points(VIEWS, names, trusting, seed=0, sparse=sparse)
    assert np.array_equal(points.xyz[:60], xyz)
    assert len(points) == 80
    fewer = dataclasses.replace(trusting, gaussians=40)
    few = start_points(VIEWS, names, fewer, seed=0, sparse=sparse)
    assert len(few) == 40
    assert set(map(tuple, few.xyz)) < set(map(tuple, xyz))
    wary = dataclasses.replace(trusting, least_sparse_points=61)
    swept = start_points(VIEWS, names, wary, seed=0, sparse=sparse)
    plain = start_points(VIEWS, names, wary, seed=0)
    assert np.array_equal(swept.xyz, plain.xyz)
