"""Cells of a photograph: counting by hand and round trips; turns by planted errors."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.twoview.cells import (
    cell_counts,
    cells_of_texts,
    cells_text,
    shares_of_rays,
)
from mtcm_pipeline.twoview.options import TwoViewOptions
from mtcm_pipeline.twoview.pairs import CandidatePair
from mtcm_pipeline.twoview.table import pair_table
from mtcm_pipeline.twoview.verification import VerifiedPair


def test_counts_by_hand():
    counts = cell_counts(np.array([[0.0, 0.0], [0.99, 0.0], [1.0, 1.0], [0.13, 0.0]]))
    assert counts[0, 0] == 1 and counts[0, 1] == 1 and counts[0, 7] == 1
    assert counts[7, 7] == 1 and counts.sum() == 4
    assert cell_counts(np.zeros((0, 2))).sum() == 0


def test_text_round_trip_and_what_is_no_text():
    flags = np.random.default_rng(0).random((5, 8, 8)) < 0.4
    texts = [cells_text(one) for one in flags]
    assert (cells_of_texts(texts) == flags).all()
    assert not cells_of_texts(["", np.nan, "#12"]).any()
    assert all(text.startswith("#") and len(text) == 17 for text in texts)


def test_rays_meet_the_picture_where_the_pinhole_says():
    camera = Camera("PINHOLE", 400, 200, (300.0, 300.0, 200.0, 100.0))
    shares = shares_of_rays(np.array([[0.0, 0.0], [0.5, -0.2]]), camera)
    assert shares == pytest.approx(np.array([[0.5, 0.5], [350 / 400, 40 / 200]]))


def test_the_turn_asked_of_a_frame_is_the_same_from_every_partner():
    rng = np.random.default_rng(1)
    rotations = Rotation.random(4, rng=rng).as_matrix()
    error = Rotation.from_rotvec(np.radians([3.0, -8.0, 5.0]))
    given = np.tile(np.eye(4), (4, 1, 1))
    given[:, :3, :3] = rotations
    given[:, :3, 3] = rng.normal(size=(4, 3))
    truth = given.copy()
    truth[0, :3, :3] = rotations[0] @ error.as_matrix()
    names = tuple("abcd")
    camera = Camera("PINHOLE", 400, 400, (400.0, 400.0, 200.0, 200.0))
    cameras = PosedCameras(names, given, (1,) * 4, {1: camera})
    verified = {}
    for other in (1, 2, 3):
        own = truth[other] @ np.linalg.inv(truth[0])
        xy = rng.uniform(-0.3, 0.3, (20, 2))
        every = np.ones(20, dtype=bool)
        verified[0, other] = VerifiedPair(xy, xy, every, own, 400.0, True)
    candidates = [CandidatePair(0, other, ("time",)) for other in (1, 2, 3)]
    table = pair_table(candidates, verified, cameras, TwoViewOptions())
    turns = table[["turn_x_deg", "turn_y_deg", "turn_z_deg"]].to_numpy()
    expected = -np.degrees(error.as_rotvec())
    assert turns == pytest.approx(np.tile(expected, (3, 1)), abs=1e-6)
    assert (table["cells_a"].str.len() == 17).all()
