"""From tokens and scores to the problem: by hand, on cameras that are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.selection.assemble import assemble_problem, frame_quality
from mtcm_pipeline.surrogate.geometry import ViewGeometry
from mtcm_pipeline.tokens.build import build_tokens
from synthetic import frame_table, orbit_cameras, smooth_embeddings

N = 12
CAMERAS = orbit_cameras(N)


def tokens_of(frames: pd.DataFrame | None = None, cameras=CAMERAS):
    table = frame_table(CAMERAS) if frames is None else frames
    return build_tokens(table, smooth_embeddings(CAMERAS), cameras)


def scores_of(**columns) -> pd.DataFrame:
    base = {"usable": True, "reason": "", "fault_score": 0.0, "degree_blurred": 0.0}
    return pd.DataFrame({"name": CAMERAS.names, **base, **columns})


def assembled(scores=None, tokens=None, geometry=None):
    tokens = tokens_of()[0] if tokens is None else tokens
    scores = scores_of() if scores is None else scores
    return assemble_problem(tokens, np.eye(N), scores, geometry)


def test_poses_are_those_of_the_cameras_in_the_gauge():
    tokens, gauge = tokens_of()
    problem = assembled(tokens=tokens)
    np.testing.assert_allclose(problem.centres_xyz, gauge.points(CAMERAS.centres_xyz))
    np.testing.assert_allclose(
        problem.directions, gauge.directions(CAMERAS.viewing_directions), atol=1e-9
    )
    np.testing.assert_array_equal(problem.times, np.arange(N) / (N - 1))
    np.testing.assert_array_equal(problem.seconds, np.arange(N))


def test_what_a_frame_lacks_is_absent_and_no_zero():
    frames = frame_table(CAMERAS)
    frames.loc[3, "timestamp_s"] = np.nan
    posed = CAMERAS.subset([n for n in CAMERAS.names if n != "f005.jpg"])
    problem = assembled(tokens=tokens_of(frames, posed)[0])
    assert problem.seconds is None  # one time is unknown, so none counts
    assert np.isnan(problem.centres_xyz[5]).all()
    assert np.isnan(problem.directions[5]).all()
    assert np.isfinite(np.delete(problem.directions, 5, axis=0)).all()


def test_frames_that_may_not_be_used_say_why():
    usable, reason = np.arange(N) != 2, np.where(np.arange(N) == 2, "blurred", "")
    problem = assembled(scores_of(usable=usable, reason=reason))
    np.testing.assert_array_equal(problem.eligible, usable)
    assert problem.reasons_out == {"f002.jpg": "blurred"}


def test_quality_is_trust_times_sharpness_times_completeness_by_hand():
    frames = frame_table(CAMERAS)
    frames.loc[4, ["timestamp_s", "mask_area"]] = np.nan
    tokens = tokens_of(frames)[0]
    fault, blur = np.zeros(N), np.zeros(N)
    fault[1], blur[2] = 0.4, 2.0
    expected = np.ones(N)
    expected[1], expected[2], expected[4] = 0.6, np.exp(-1.0), 0.3 * 0.3
    scores = scores_of(fault_score=fault, degree_blurred=blur)
    np.testing.assert_allclose(frame_quality(tokens, scores), expected)
    np.testing.assert_allclose(assembled(scores, tokens).quality, expected)


def test_what_most_frames_lack_is_held_against_none():
    frames = frame_table(CAMERAS)
    frames.loc[4:, "mask_area"] = np.nan
    assert (frame_quality(tokens_of(frames)[0], scores_of()) == 1.0).all()


def test_geometry_comes_in_the_order_of_the_tokens_and_may_be_unknown():
    names = CAMERAS.names[::-1]
    seen = np.arange(N)[:, None] == np.arange(N)
    geometry = ViewGeometry(names, np.zeros((N, 3)), np.ones(N), np.zeros((N, 3)), seen)
    problem = assembled(geometry=geometry)
    assert problem.geometry.names == CAMERAS.names
    np.testing.assert_array_equal(problem.geometry.seen, seen[::-1])
    assert assembled(geometry=ViewGeometry.unknown()).geometry is None


def test_scores_of_other_frames_are_refused():
    other = replace(tokens_of()[0], names=tuple(f"x{i}" for i in range(N)))
    with pytest.raises(CaptureError, match="run evaluate again"):
        assembled(tokens=other)
