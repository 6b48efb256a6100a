"""The judge's table and predicted tokens as doubts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.capture.rotations import matrix_from_quat
from mtcm_pipeline.tokens.layout import CENTRE, QUATERNION, TOKEN_WIDTH
from mtcm_pipeline.tuning.doubts import (
    beliefs_of,
    doubt_of_judgement,
    leading_components,
)

JUDGED = pd.DataFrame(
    {
        "name": ["a", "b", "c", "d", "e"],
        "fault_probability": [0.02, 0.97, 0.9, 0.95, np.nan],
        "faulty": [False, True, True, True, True],
        "field": ["none", "pose", "embedding", "embedding", "none"],
        "kind": ["", "rotation", "defocus", "exposure", ""],
    }
)


def test_poses_exposures_and_the_undecided_may_be_cured_pictures_not():
    doubt = doubt_of_judgement(JUDGED, ["d", "a", "b", "c", "e"])
    assert doubt.curable.tolist() == [True, True, True, False, False]
    assert doubt.fault_probability == pytest.approx([0.95, 0.02, 0.97, 0.9, 1.0])
    assert doubt.features.shape == (5, 1)
    assert doubt.features[1, 0] == pytest.approx(np.log(0.02 / 0.98))


def test_a_frame_that_the_judge_does_not_know_counts_as_sound():
    doubt = doubt_of_judgement(JUDGED, ["a", "unknown"])
    assert doubt.fault_probability == pytest.approx([0.02, 0.0])


def test_representations_come_in_by_their_leading_directions():
    rows = np.random.default_rng(0).normal(size=(5, 20)) * ([10.0] * 2 + [0.1] * 18)
    doubt = doubt_of_judgement(JUDGED, list("abcde"), representations=rows)
    assert doubt.features.shape == (5, 5)
    kept = leading_components(rows, 4)
    assert (kept**2).sum() == pytest.approx(((rows - rows.mean(0)) ** 2).sum(), rel=0.01)


def test_predicted_tokens_become_beliefs_and_absent_ones_nothing():
    values = np.full((2, TOKEN_WIDTH), np.nan)
    quat = np.array([0.9, 0.1, -0.4, 0.2])
    values[0, CENTRE] = [0.5, -1.0, 2.0]
    values[0, QUATERNION] = quat / np.linalg.norm(quat)
    found = beliefs_of(["a", "b"], values, np.radians([5.0, 5.0]), ["a", "b"])
    assert set(found) == {"a"}
    world_from_cam = invert_rigid(found["a"].cam_from_world)
    assert world_from_cam[:3, 3] == pytest.approx([0.5, -1.0, 2.0])
    assert world_from_cam[:3, :3] == pytest.approx(
        matrix_from_quat(values[0, QUATERNION][None])[0]
    )
    sigmas = 1 / np.sqrt(np.diag(found["a"].information))
    assert sigmas == pytest.approx(np.radians(5.0))
