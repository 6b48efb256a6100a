import numpy as np
import pytest

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.tokens.build import build_tokens, sequence_times
from mtcm_pipeline.tokens.layout import FIELDS, Tokens
from mtcm_pipeline.tokens.standardise import Standardiser
from synthetic import (
    frame_table,
    moved,
    orbit_cameras,
    random_similarity,
    smooth_embeddings,
)


@pytest.fixture
def parts():
    cameras = orbit_cameras(30)
    return frame_table(cameras), smooth_embeddings(cameras), cameras


def test_tokens_do_not_depend_on_the_world_frame(parts):
    frames, embeddings, cameras = parts
    tokens, _ = build_tokens(frames, embeddings, cameras)
    other, _ = build_tokens(frames, embeddings, moved(cameras, random_similarity(3)))
    assert np.allclose(tokens.values, other.values, atol=1e-7)


def test_absent_parts_are_nan_and_flagged_never_zero(parts):
    frames, embeddings, cameras = parts
    frames = frames.assign(
        timestamp_s=frames["timestamp_s"].where(frames.index != 4),
        mask_area=frames["mask_area"].where(frames.index != 5),
    )
    embeddings = embeddings.copy()
    embeddings[6] = np.nan
    posed = cameras.subset([n for i, n in enumerate(cameras.names) if i != 7])
    tokens, _ = build_tokens(frames, embeddings, posed)
    absent = {(int(r), FIELDS[c]) for r, c in np.argwhere(~tokens.present)}
    assert absent == {(4, "timestamp"), (5, "mask_area"), (6, "embedding"), (7, "pose")}
    assert np.isnan(tokens.field("pose")[7]).all()
    assert (tokens.values != 0).any()


def test_a_token_says_what_the_design_says(parts):
    frames, embeddings, cameras = parts
    tokens, gauge = build_tokens(frames, embeddings, cameras)
    assert tokens.values.shape == (30, 394)
    assert np.allclose(np.linalg.norm(tokens.field("embedding"), axis=1), 1)
    centres = gauge.points(cameras.centres_xyz)
    assert np.allclose(tokens.field("pose")[:, :3], centres)
    quats = tokens.field("pose")[:, 3:]
    assert np.allclose(np.linalg.norm(quats, axis=1), 1) and (quats[:, 0] >= 0).all()
    assert np.allclose(tokens.field("timestamp")[:, 0], np.arange(30))
    assert np.allclose(tokens.field("focal"), 350 / 400)


def test_without_any_pose_there_are_tokens_and_the_gauge_is_the_identity(parts):
    frames, embeddings, cameras = parts
    tokens, gauge = build_tokens(frames, embeddings, cameras.subset([]))
    assert not tokens.has("pose").any()
    assert np.allclose(gauge.points(np.eye(3)), np.eye(3))


def test_times_are_ranks_by_timestamp_only_if_all_have_one():
    assert np.allclose(sequence_times(np.array([30.0, 10.0, 1e9])), [0.5, 0.0, 1.0])
    assert np.allclose(sequence_times(np.array([30.0, np.nan, 10.0])), [0.0, 0.5, 1.0])


def test_flags_that_disagree_with_values_are_refused(parts):
    tokens, _ = build_tokens(*parts)
    present = tokens.present.copy()
    present[0, 0] = False
    with pytest.raises(CaptureError, match="embedding"):
        Tokens(tokens.names, tokens.values, present, tokens.times)


def test_standardising_is_undone_and_balances_the_fields(parts):
    tokens, _ = build_tokens(*parts)
    standardiser = Standardiser.fit(tokens)
    rows = standardiser.apply(tokens.values)
    assert np.allclose(standardiser.invert(rows), tokens.values)
    embedding_size = np.median(np.linalg.norm(rows[:, :384], axis=1)) / np.sqrt(384)
    centre_size = np.median(np.linalg.norm(rows[:, 384:387], axis=1)) / np.sqrt(3)
    assert embedding_size == pytest.approx(1.0) and centre_size == pytest.approx(1.0)


def test_a_constant_field_stays_finite(parts):
    frames, embeddings, cameras = parts
    tokens, _ = build_tokens(frames.assign(focal_px=350.0), embeddings, cameras)
    rows = Standardiser.fit(tokens).apply(tokens.values)
    assert np.allclose(rows[:, 393], 0.0)
