"""A view finds its place against a field that stands still."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tuning_cases import VIEWS, ball

from mtcm_pipeline.field.camera import camera_of
from mtcm_pipeline.field.render import picture
from mtcm_pipeline.tuning.alignment import (
    AlignmentSettings,
    _Level,
    align,
    assessed,
    field_arrays,
)
from mtcm_pipeline.tuning.beliefs import calibration_factor, isotropic_belief
from mtcm_pipeline.tuning.registration import carried
from mtcm_pipeline.tuning.rigid import pose_distance, rigid_from_twist

FIELD = field_arrays(ball())
SETTINGS = AlignmentSettings((2.0, 1.0, 0.0), 0.5)


@pytest.mark.parametrize(("axis", "degrees"), [(0, 3.0), (1, -3.0), (1, 5.0)])
def test_a_carried_camera_comes_back(axis, degrees):
    view = VIEWS.views[4]
    wrong = carried(view.cam_from_world, axis, degrees, 1.0)
    assert pose_distance(wrong, view.cam_from_world)[0] == pytest.approx(abs(degrees))
    found = align(FIELD, view, wrong, SETTINGS)
    angle, distance = pose_distance(found.cam_from_world, view.cam_from_world)
    assert angle < 0.1
    assert distance < 0.002
    assert found.gain == pytest.approx(1.0, abs=0.01)


def test_a_gain_is_found_and_does_not_disturb_the_pose():
    view = VIEWS.views[4]
    shown = picture(ball(), camera_of(view))
    rgb = 0.7 * shown.image + 0.5 * (1 - shown.alpha)[..., None]
    darker = replace(view, rgb=np.asarray(rgb, np.float32))
    wrong = carried(view.cam_from_world, 1, 2.0, 1.0)
    found = align(FIELD, darker, wrong, SETTINGS)
    assert found.gain == pytest.approx(0.7, abs=0.01)
    assert pose_distance(found.cam_from_world, view.cam_from_world)[0] < 0.1
    held = replace(SETTINGS, fit_gain=False)
    assert align(FIELD, darker, wrong, held).gain == 1.0


def test_a_view_is_assessed_where_it_stands_with_its_brightness():
    view = VIEWS.views[4]
    gain, misfit = assessed(FIELD, view, view.cam_from_world, SETTINGS)
    assert gain == 1.0  # what a gain would add is not worth having
    wrong = carried(view.cam_from_world, 1, 3.0, 1.0)
    assert assessed(FIELD, view, wrong, SETTINGS)[1] > 20 * misfit
    shown = picture(ball(), camera_of(view))
    rgb = 0.7 * shown.image + 0.5 * (1 - shown.alpha)[..., None]
    darker = replace(view, rgb=np.asarray(rgb, np.float32))
    gain, found = assessed(FIELD, darker, view.cam_from_world, SETTINGS)
    assert gain == pytest.approx(0.7, abs=0.01)
    held = replace(SETTINGS, fit_gain=False)
    assert assessed(FIELD, darker, view.cam_from_world, held)[1] > 20 * found


def test_a_belief_that_is_sure_holds_against_the_picture():
    view = VIEWS.views[4]
    wrong = carried(view.cam_from_world, 1, 2.0, 1.0)
    found = align(FIELD, view, wrong, SETTINGS, isotropic_belief(wrong, 1e-4, 1e-6))
    assert pose_distance(found.cam_from_world, wrong)[0] < 0.01
    loose = align(FIELD, view, wrong, SETTINGS, isotropic_belief(wrong, 90.0, 10.0))
    assert pose_distance(loose.cam_from_world, view.cam_from_world)[0] < 0.1


def test_the_change_of_the_picture_is_that_of_finite_differences():
    """By rendered depth and gradient against renderings from two poses, blurred."""
    view = VIEWS.views[2]
    level = _Level(FIELD, view, 1.5, SETTINGS, None)
    state = level.look(view.cam_from_world, 1.0)
    jacobian = level._jacobian(state)
    for column in range(6):
        step = np.zeros(6)
        step[column] = 2e-3
        ahead, back = (
            level.look(rigid_from_twist(sign * step) @ view.cam_from_world, 1.0)
            for sign in (1, -1)
        )
        slope = ((ahead.image - back.image) / 4e-3).ravel()
        correlation = np.corrcoef(slope, jacobian[:, column])[0, 1]
        assert correlation > 0.9, column
        assert np.linalg.norm(jacobian[:, column]) == pytest.approx(
            np.linalg.norm(slope), rel=0.25
        )


def test_calibration_brings_the_median_to_six_degrees_of_freedom():
    rng = np.random.default_rng(0)
    spread = np.array([0.1, 0.2, 0.3, 0.1, 0.1, 0.5])
    twists = rng.normal(size=(4000, 6)) * spread
    honest = np.tile(np.diag(1 / spread**2), (4000, 1, 1))
    assert calibration_factor(twists, honest) == pytest.approx(1, rel=0.05)
    assert calibration_factor(twists, 100 * honest) == pytest.approx(0.01, rel=0.05)
    assert calibration_factor(np.zeros((0, 6)), np.zeros((0, 6, 6))) == 1
