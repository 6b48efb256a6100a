"""The whole, on exact scenes, on rendered bytes and on a real capture."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.transform import Rotation
from twoview_scenes import DISTORTED, Scene, ring, with_pose

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.twoview.evidence import judge_poses, time_order, two_view_evidence
from mtcm_pipeline.twoview.options import TwoViewOptions
from synthetic import moved, random_similarity

HERE = TwoViewOptions(workers=0)
FOX = Path(__file__).parents[2].parent / "shared" / "captures" / "fox"


def judged(cameras, truth, options=HERE):
    """Features from the true cameras, poses judged as given."""
    return judge_poses(cameras, None, Scene().features(truth), options)


def test_exact_projections_agree_everywhere():
    cameras = ring(camera=DISTORTED)
    evidence = judged(cameras, cameras)
    assert evidence.pairs["connected"].all()
    assert (evidence.pairs["epipolar_agreement"] == 1).all()
    assert (evidence.pairs["matches_agreement"] == 1).all()
    assert evidence.pairs["median_epipolar_error_px"].max() < 1e-3  # float32 places
    assert evidence.pairs["rotation_disagreement_deg"].max() < 0.5
    assert (evidence.frames["pose_verdict"] == "right").all()


@pytest.mark.parametrize("degrees", [4.0, 30.0])
def test_turning_one_camera_makes_exactly_its_pairs_disagree(degrees):
    truth = ring(camera=DISTORTED)
    turned = truth.world_from_cam[5].copy()
    axis = np.array([0.5, 0.6, 0.62])
    turned[:3, :3] @= Rotation.from_rotvec(np.radians(degrees) * axis).as_matrix()
    evidence = judged(with_pose(truth, 5, turned), truth)
    pairs = evidence.pairs
    of_it = (pairs["name_a"] == "f005.jpg") | (pairs["name_b"] == "f005.jpg")
    assert of_it.any()
    assert (pairs.loc[of_it, "median_epipolar_error_px"] > HERE.epipolar_px).all()
    assert (pairs.loc[of_it, "epipolar_agreement"] < 0.5).all()
    np.testing.assert_allclose(
        pairs.loc[of_it, "rotation_disagreement_deg"], degrees, rtol=0.05, atol=0.3
    )
    assert (pairs.loc[~of_it, "epipolar_agreement"] == 1).all()
    verdicts = evidence.frames.set_index("name")["pose_verdict"]
    assert verdicts[verdicts == "wrong"].index.tolist() == ["f005.jpg"]
    assert (verdicts.drop("f005.jpg") == "right").all()


def test_all_pairs_of_a_turned_frame_ask_for_the_same_turn_in_the_worlds_axes():
    truth = ring(camera=DISTORTED)
    vector_deg = 6.0 * np.array([0.48, -0.6, 0.64])
    turned = truth.world_from_cam[5].copy()
    turn = Rotation.from_rotvec(np.radians(vector_deg)).as_matrix()
    turned[:3, :3] = turn @ turned[:3, :3]
    pairs = judged(with_pose(truth, 5, turned), truth).pairs
    turns = pairs[["turn_x_deg", "turn_y_deg", "turn_z_deg"]].to_numpy()
    first = (pairs["name_a"] == "f005.jpg").to_numpy()
    second = (pairs["name_b"] == "f005.jpg").to_numpy()
    assert first.any() and second.any()
    np.testing.assert_allclose(turns[first], [-vector_deg] * first.sum(), atol=0.5)
    np.testing.assert_allclose(turns[second], [vector_deg] * second.sum(), atol=0.5)
    np.testing.assert_allclose(turns[~first & ~second], 0.0, atol=0.5)


def test_poses_of_another_capture_blame_no_frame_and_are_called_that(caplog):
    truth = ring(16)
    order = np.random.default_rng(0).permutation(16)
    shuffled = PosedCameras(
        truth.names, truth.cam_from_world[order], truth.camera_ids, truth.cameras
    )
    with caplog.at_level("WARNING"):
        evidence = judged(shuffled, truth)
    assert (evidence.frames["pose_verdict"] == "unknown").all()
    assert "contradict nearly all" in caplog.text


def test_swapped_poses_are_found():
    truth = ring(14)
    world_from_cam = truth.world_from_cam
    swapped = with_pose(with_pose(truth, 3, world_from_cam[9]), 9, world_from_cam[3])
    frames = judged(swapped, truth).frames.set_index("name")
    wrong = frames.index[frames["pose_verdict"] == "wrong"].tolist()
    assert wrong == ["f003.jpg", "f009.jpg"]


def test_a_similarity_transform_of_the_world_changes_nothing():
    truth = ring(camera=DISTORTED)
    turned = truth.world_from_cam[4].copy()
    turned[:3, 3] += 0.7
    cameras = with_pose(truth, 4, turned)
    move = random_similarity(3)
    one, other = judged(cameras, truth), judged(moved(cameras, move), truth)
    turn = ["turn_x_deg", "turn_y_deg", "turn_z_deg"]
    pd.testing.assert_frame_equal(
        one.pairs.drop(columns=turn), other.pairs.drop(columns=turn), rtol=1e-6, atol=1e-6
    )
    # A turn is a vector in the world's axes, so it turns with them.
    np.testing.assert_allclose(
        one.pairs[turn].to_numpy() @ move.rotation.T, other.pairs[turn], atol=1e-4
    )
    pd.testing.assert_frame_equal(one.frames, other.frames, rtol=1e-6, atol=1e-6)


def test_two_frames_given_in_one_place_are_judged_by_their_rotation():
    truth = ring()
    doubled = with_pose(truth, 2, truth.world_from_cam[1])
    pairs = judged(doubled, truth).pairs
    row = pairs[(pairs["name_a"] == "f001.jpg") & (pairs["name_b"] == "f002.jpg")].iloc[0]
    assert row["median_epipolar_error_px"] > 3
    assert np.isnan(row["direction_disagreement_deg"])


def test_frames_without_features_are_unknown_and_named():
    cameras = ring()
    features = Scene().features(cameras)
    del features["f007.jpg"]
    problems = {"f007.jpg": "cut off"}
    frames = judge_poses(cameras, None, features, HERE, problems=problems).frames
    row = frames.set_index("name").loc["f007.jpg"]
    assert (row["pose_verdict"], row["features"], row["problem"]) == (
        "unknown",
        0,
        "cut off",
    )


def test_time_order_by_hand():
    names = ("r_10.png", "r_2.png", "r_1.png")
    assert time_order(names, None) == [2, 1, 0]
    assert time_order(names, np.array([1.0, 2.0, 3.0])) == [0, 1, 2]
    assert time_order(names, np.array([1.0, np.nan, 3.0])) == [2, 1, 0]
    assert time_order(names, np.array([5.0, 5.0, 1.0])) == [2, 1, 0]


def test_arguments_that_do_not_belong_together_are_refused():
    cameras = ring(3)
    images = {name: lambda: b"" for name in cameras.names}
    with pytest.raises(CaptureError, match="no image for 3 posed frames"):
        two_view_evidence({}, {}, cameras)
    with pytest.raises(CaptureError, match="2 embeddings"):
        two_view_evidence(images, {}, cameras, np.zeros((2, 4)))
    with pytest.raises(CaptureError, match="4 times"):
        two_view_evidence(images, {}, cameras, None, np.zeros(4))


@pytest.fixture(scope="module")
def fox():
    """12 frames of a real capture, as image loaders and cameras."""
    if not FOX.is_dir():
        pytest.skip(f"no real captures at {FOX.parent}")
    from mtcm_pipeline.formats.nerfstudio import read_transforms

    files = {path.name: path for path in (FOX / "images").iterdir()}
    content = json.loads((FOX / "transforms.json").read_text(encoding="utf-8"))
    reading = read_transforms(content, set(files), image_size=lambda name: (225, 400))
    cameras = reading.cameras.subset(sorted(reading.cameras.names)[:12])
    return {name: files[name].read_bytes for name in cameras.names}, cameras


def test_a_real_capture_agrees_and_a_turned_camera_does_not(fox):
    images, truth = fox
    turned = truth.world_from_cam[6].copy()
    turned[:3, :3] @= Rotation.from_euler("y", 5, degrees=True).as_matrix()
    frames = two_view_evidence(
        images, {}, with_pose(truth, 6, turned), options=HERE
    ).frames.set_index("name")
    wrong = frames.index[frames["pose_verdict"] == "wrong"].tolist()
    assert wrong == [truth.names[6]]
    assert frames["pose_doubt"].drop(wrong).max() < 0.4


def test_the_order_of_the_frames_changes_nothing(fox):
    images, cameras = fox
    cameras = cameras.subset(cameras.names[:6])
    backwards: PosedCameras = cameras.subset(cameras.names[::-1])
    embeddings = np.random.default_rng(0).normal(size=(6, 8))
    times = np.array([3.0, 1.0, 2.0, 9.0, 7.0, 8.0])
    one = two_view_evidence(images, {}, cameras, embeddings, times, options=HERE)
    other = two_view_evidence(
        images, {}, backwards, embeddings[::-1], times[::-1], options=HERE
    )
    pd.testing.assert_frame_equal(one.pairs, other.pairs)
    pd.testing.assert_frame_equal(one.frames, other.frames)
    assert one.frames["name"].tolist() == [cameras.names[i] for i in (1, 2, 0, 4, 5, 3)]
