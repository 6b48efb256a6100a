"""Points from matched features: where these are, coloured as the views show them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matched_points import NAMES, POINTS, shared_points
from tuning_cases import VIEWS, spoilt

from mtcm_pipeline.field.options import FieldOptions
from mtcm_pipeline.field.start import start_points
from mtcm_pipeline.scene.points import ScenePoints
from mtcm_pipeline.scene.views import PinholeViews
from mtcm_pipeline.scene.visibility import project
from mtcm_pipeline.tuning.matched_start import _one_a_cell, matched_points, matched_start
from mtcm_pipeline.tuning.matches import tracks_of

TRACKS = tracks_of(shared_points(noise_px=0.1, outliers=0.05), NAMES)
EVERYONE = np.ones(len(NAMES), bool)


def unmasked(views: PinholeViews) -> PinholeViews:
    return PinholeViews(tuple(replace(v, mask=None) for v in views.views), views.gauge)


def distances(xyz: np.ndarray) -> np.ndarray:
    """From each point to the nearest true one."""
    return np.linalg.norm(xyz[:, None] - POINTS[None], axis=2).min(axis=1)


def test_points_are_where_the_features_are():
    points = matched_points(unmasked(VIEWS), EVERYONE, TRACKS)
    assert len(points) >= 50
    assert np.median(distances(points.xyz)) < 2e-3
    # A pixel in the nearest of the views that share the point.
    sizes = np.stack(
        [project(view, points.xyz)[1] / np.mean(view.focal_px) for view in VIEWS.views]
    )
    assert (points.spacing >= sizes.min(axis=0) - 1e-9).all()
    assert (points.spacing <= np.sort(sizes, axis=0)[-2] + 1e-9).all()
    assert (points.spacing <= np.median(sizes, axis=0)).mean() > 0.9


def test_their_colours_are_the_mean_of_where_views_see_them():
    flat = tuple(
        replace(view, rgb=np.full_like(view.rgb, shade), mask=None)
        for view, shade in zip(VIEWS.views, np.linspace(0, 1, len(VIEWS)), strict=True)
    )
    views = PinholeViews(flat, VIEWS.gauge)
    two = EVERYONE.copy()
    two[2:] = False  # 0 and 1 / 23 by shade
    points = matched_points(views, two, TRACKS)
    assert len(points) > 20
    assert points.rgb == pytest.approx(0.5 / 23, abs=1e-6)


def test_a_view_that_is_not_trusted_moves_no_point():
    wrong = unmasked(spoilt([NAMES[3], NAMES[9]], 20.0))
    trusted = ~np.isin(NAMES, [NAMES[3], NAMES[9]])
    sound, moved = (
        matched_points(views, trusted, TRACKS) for views in (unmasked(VIEWS), wrong)
    )
    assert moved.xyz == pytest.approx(sound.xyz)


def test_what_masks_call_background_is_no_start():
    nothing = [replace(v, mask=np.zeros(v.rgb.shape[:2], "f4")) for v in VIEWS.views]
    views = PinholeViews(tuple(nothing), VIEWS.gauge)
    assert not len(matched_points(views, EVERYONE, TRACKS))


def test_features_that_crowd_are_one_point_of_the_start():
    # Sixty features within a tenth of a cell at each of ten places, many cells apart.
    rng = np.random.default_rng(2)
    places = 2.0 * np.stack([np.arange(10.0), np.arange(10) % 3, np.zeros(10)], axis=1)
    xyz = (places[:, None] + 0.5 + 0.005 * rng.uniform(size=(10, 60, 3))).reshape(-1, 3)
    crowd = ScenePoints(xyz, np.zeros((600, 3), "f4"), np.full(600, 0.1 / 8))
    rows = _one_a_cell(crowd, np.random.default_rng(0))
    assert len(rows) == 10
    assert {tuple(np.round(x - 0.5)) for x in xyz[rows]} == {tuple(x) for x in places}
    apart = replace(crowd, xyz=xyz * 1000)
    assert len(_one_a_cell(apart, np.random.default_rng(0))) == 600


def test_half_of_the_start_at_most_is_features_and_the_rest_as_without():
    views = unmasked(VIEWS)
    for gaussians in (400, 20):
        options = FieldOptions(gaussians=gaussians)
        found = matched_start(views, NAMES, TRACKS, options, seed=4)
        features = np.flatnonzero(np.diff(distances(found.xyz) > 0.02))[0] + 1
        assert features == pytest.approx(min(gaussians / 2, 50), abs=11)
        left = replace(options, gaussians=gaussians - features)
        rest = start_points(views, NAMES, left, seed=4)
        assert found.xyz[features:] == pytest.approx(rest.xyz)
    without = matched_start(views, NAMES, None, options, seed=4)
    assert without.xyz == pytest.approx(start_points(views, NAMES, options, seed=4).xyz)
