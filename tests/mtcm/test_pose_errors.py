"""Errors of hidden poses, where the convention for a quaternion's sign tears."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from mtcm_pipeline.mtcm.prediction import as_signed
from mtcm_pipeline.tokens.layout import QUATERNION, TOKEN_WIDTH


def test_turns_that_are_near_each_other_are_near_as_numbers():
    rng = np.random.default_rng(0)
    turns = Rotation.random(2000, rng=rng)
    axes = rng.normal(size=(2000, 3))
    axes *= np.radians(6.0) / np.linalg.norm(axes, axis=1, keepdims=True)
    truth, values = np.zeros((2, 2000, TOKEN_WIDTH))
    for rows, which in ((truth, turns), (values, Rotation.from_rotvec(axes) * turns)):
        quats = which.as_quat(scalar_first=True)
        rows[:, QUATERNION] = quats * np.where(quats[:, :1] < 0, -1.0, 1.0)
    truth[:, 0], values[:, 0] = 1.0, 2.0
    before = ((values - truth)[:, QUATERNION] ** 2).sum(axis=1)
    after = as_signed(values, truth) - truth
    # |q - q'|² = 2 - 2 cos(angle / 2) for unit quaternions of matching signs.
    expected = 2.0 - 2.0 * np.cos(np.radians(3.0))
    assert (before > 3.9).any()  # the convention has torn some apart
    np.testing.assert_allclose((after[:, QUATERNION] ** 2).sum(axis=1), expected)
    assert (after[:, 0] == 1.0).all()


def test_a_pose_that_is_absent_stays_absent():
    values, truth = np.ones((2, TOKEN_WIDTH)), np.full((2, TOKEN_WIDTH), np.nan)
    np.testing.assert_array_equal(as_signed(values, truth), values)
