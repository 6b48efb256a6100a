"""Planted faults on a synthetic orbit, whose truth is known by construction."""

import numpy as np
import pandas as pd
import pytest

from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.consistency.evidence import gather_evidence
from mtcm_pipeline.consistency.options import ScoreOptions
from mtcm_pipeline.consistency.scores import robust_z, score_frames
from mtcm_pipeline.mtcm.results import HiddenPrediction
from mtcm_pipeline.tokens.build import build_tokens
from synthetic import frame_table, orbit_cameras, smooth_embeddings

N = 40
OPTIONS = ScoreOptions()


def no_prediction(n):
    """An MTCM that is equally unsurprised by every frame."""
    ones = np.ones((n, 5))
    return HiddenPrediction(
        np.zeros((n, 394)), ones, np.zeros((n, 5)), np.ones(n), np.ones(n), np.ones(n)
    )


def clean_quality(n=N):
    return pd.DataFrame(
        {
            "sharpness_ratio": np.ones(n),
            "luminance_ratio": np.ones(n),
            "mask_area_ratio": np.ones(n),
            "duplicate_of": [""] * n,
            "pose_verdict": ["unknown"] * n,
            "pose_doubt": [0.5] * n,
        }
    )


def presence(n=N, **columns):
    base = {"has_image": True, "has_pose": True, "has_embedding": True}
    return pd.DataFrame({**base, **columns}, index=range(n))


def verdict(cameras, embeddings, quality=None, presence_table=None, frames=None):
    frames = frame_table(orbit_cameras(N)) if frames is None else frames
    tokens, _ = build_tokens(frames, embeddings, cameras)
    evidence = gather_evidence(tokens, no_prediction(N), 6)
    quality = clean_quality() if quality is None else quality
    table = presence() if presence_table is None else presence_table
    return score_frames(evidence, quality, table, OPTIONS)


def with_pose(cameras, row, world_from_cam):
    matrices = np.array(cameras.world_from_cam)
    matrices[row] = world_from_cam
    return PosedCameras(
        cameras.names, invert_rigid(matrices), cameras.camera_ids, cameras.cameras
    )


def test_a_clean_capture_loses_no_frame():
    cameras = orbit_cameras(N)
    scores = verdict(cameras, smooth_embeddings(cameras))
    assert not scores["faulty"].any() and scores["usable"].all()
    assert (scores["reason"] == "").all() and (scores["fault_score"] < 0.5).all()


def test_a_wrong_pose_is_found_and_named():
    cameras = orbit_cameras(N)
    wrong = with_pose(cameras, 12, cameras.world_from_cam[25])
    scores = verdict(wrong, smooth_embeddings(cameras))
    assert list(scores.index[scores["faulty"]]) == [12]
    assert scores["reason"][12] == "pose disagrees with its neighbours in time"


def test_swapped_poses_without_a_sequence_disagree_with_appearance():
    cameras = orbit_cameras(N)
    order = np.random.default_rng(0).permutation(N)
    shuffled = frame_table(cameras).assign(timestamp_s=1e9 + np.argsort(order) * 1.0)
    matrices = np.array(cameras.world_from_cam)
    matrices[[5, 27]] = matrices[[27, 5]]
    wrong = PosedCameras(
        cameras.names, invert_rigid(matrices), cameras.camera_ids, cameras.cameras
    )
    scores = verdict(wrong, smooth_embeddings(cameras), frames=shuffled)
    assert {5, 27} <= set(scores.index[scores["faulty"]])
    assert scores["reason"][5].startswith("pose disagrees")


def test_a_foreign_subject_is_found_and_named():
    cameras = orbit_cameras(N)
    embeddings = smooth_embeddings(cameras)
    stranger = np.random.default_rng(5).normal(size=384)
    embeddings[20] = stranger / np.linalg.norm(stranger)
    scores = verdict(cameras, embeddings)
    assert list(scores.index[scores["faulty"]]) == [20]
    assert scores["reason"][20] == "foreign subject"


def test_frame_quality_speaks_in_words():
    cameras = orbit_cameras(N)
    quality = clean_quality()
    quality.loc[3, "sharpness_ratio"] = 0.3
    quality.loc[4, "luminance_ratio"] = 2.0
    quality.loc[5, "luminance_ratio"] = 0.5
    quality.loc[8, "duplicate_of"] = "f007.jpg"
    scores = verdict(cameras, smooth_embeddings(cameras), quality)
    assert scores["reason"][3] == "blurred"
    assert scores["reason"][4] == scores["reason"][5] == "exposure"
    assert scores["reason"][8] == "duplicate of f007.jpg"
    assert scores["other"][8] == "f007.jpg"
    assert list(scores.index[scores["faulty"]]) == [3, 4, 5, 8]


def test_matched_features_outweigh_the_other_witnesses():
    cameras = orbit_cameras(N)
    wrong = with_pose(cameras, 12, cameras.world_from_cam[25])
    quality = clean_quality()
    quality.loc[12, ["pose_verdict", "pose_doubt"]] = ["right", 0.1]
    assert not verdict(wrong, smooth_embeddings(cameras), quality)["faulty"].any()
    quality = clean_quality()
    quality.loc[30, ["pose_verdict", "pose_doubt"]] = ["wrong", 0.9]
    scores = verdict(cameras, smooth_embeddings(cameras), quality)
    assert list(scores.index[scores["faulty"]]) == [30]
    assert scores["reason"][30] == "geometry not verified"
    quality.loc[12, ["pose_verdict", "pose_doubt"]] = ["wrong", 0.9]
    scores = verdict(wrong, smooth_embeddings(cameras), quality)
    assert scores["reason"][12] == "pose disagrees with its neighbours in time"


def test_a_copy_takes_the_place_of_an_original_that_cannot_be_used():
    cameras = orbit_cameras(N)
    quality = clean_quality()
    quality.loc[[9, 11], "duplicate_of"] = "f008.jpg"
    table = presence(has_pose=np.arange(N) != 8)
    posed = cameras.subset([n for n in cameras.names if n != "f008.jpg"])
    scores = verdict(posed, smooth_embeddings(cameras), quality, table)
    assert scores["reason"][8] == "no pose"
    assert scores["usable"][9] and scores["reason"][11] == "duplicate of f009.jpg"
    assert scores["usable"].sum() == N - 2


def test_limits_are_where_the_options_say():
    cameras = orbit_cameras(N)
    quality = clean_quality()
    quality.loc[3, "sharpness_ratio"] = OPTIONS.blur_limit * 1.01
    quality.loc[4, "sharpness_ratio"] = OPTIONS.blur_limit * 0.99
    scores = verdict(cameras, smooth_embeddings(cameras), quality)
    assert list(scores["faulty"][[3, 4]]) == [False, True]
    assert scores["fault_score"][[3, 4]].to_numpy() == pytest.approx(0.5, abs=0.02)


def test_what_all_frames_do_is_no_fault():
    cameras = orbit_cameras(N)
    quality = clean_quality()
    flicker = np.exp(np.random.default_rng(0).normal(scale=0.4, size=N))
    quality["luminance_ratio"] = flicker  # a flash: single frames differ by up to 2.5
    scores = verdict(cameras, smooth_embeddings(cameras), quality)
    assert (np.maximum(flicker, 1 / flicker) > OPTIONS.exposure_limit).sum() >= 5
    assert not scores["faulty"].any()


def test_absent_parts_are_no_fault_but_without_pose_or_image_a_frame_is_unusable():
    cameras = orbit_cameras(N)
    embeddings = smooth_embeddings(cameras)
    embeddings[7] = np.nan
    posed = cameras.subset([n for n in cameras.names if n != cameras.names[8]])
    quality = clean_quality()
    quality.loc[9, ["sharpness_ratio", "luminance_ratio"]] = np.nan
    table = presence(has_pose=np.arange(N) != 8, has_image=np.arange(N) != 9)
    scores = verdict(posed, embeddings, quality, table)
    assert not scores["faulty"].any()
    assert scores["reason"][8] == "no pose" and scores["reason"][9] == "image unreadable"
    assert list(scores.index[~scores["usable"]]) == [8, 9]


def test_robust_z_ignores_units_and_outliers():
    errors = np.exp(np.random.default_rng(0).normal(size=201))
    z = robust_z(errors)
    assert np.median(z) == pytest.approx(0, abs=1e-9)
    assert np.allclose(robust_z(1000 * errors), z, atol=0.02)
    spoilt = errors.copy()
    spoilt[:20] = 1e6
    assert np.abs(robust_z(spoilt)[30:] - z[30:]).max() < 0.5
    assert np.isnan(robust_z(np.full(4, np.nan))).all()


def test_an_empty_mask_is_bad_and_a_missing_one_is_not():
    quality = clean_quality()
    quality.loc[[6, 8], "mask_area_ratio"] = [0.0, np.nan]
    cameras = orbit_cameras(N)
    table = verdict(cameras, smooth_embeddings(cameras), quality)
    assert np.flatnonzero(table["faulty"]).tolist() == [6]
    assert table["reason"][6] == "mask bad"
