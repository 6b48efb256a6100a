from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.twoview.evidence import TwoViewEvidence
from mtcm_pipeline.twoview.pose_evidence import observation_table, pose_evidence

POINTS = SparsePoints(
    xyz=np.zeros((3, 3)),
    rgb=np.zeros((3, 3), np.uint8),
    error_px=np.array([0.5, 1.5, -1.0]),
    track_point=np.array([0, 1, 2, 1]),
    track_image=np.array(["a", "a", "a", "b"]),
    track_xy=np.zeros((4, 2)),
)


def test_observations_by_hand():
    images = np.array(["a", "b", "c"])
    model = replace(POINTS, model_images=images)
    table = observation_table(["a", "b", "c"], model).set_index("name")
    assert table["observations"].tolist() == [3, 1, 0]
    assert table["reprojection_error_px"]["a"] == 1.0  # the unknown error is left out
    assert table["reprojection_error_px"]["b"] == 1.5
    assert np.isnan(table["reprojection_error_px"]["c"])
    seen = observation_table(["a", "b"], POINTS)  # of a model that names no images
    assert seen["observations"].tolist() == [3, 1]
    empty = observation_table(["a"], SparsePoints.empty())
    assert empty[["observations", "reprojection_error_px"]].isna().all(axis=None)


@pytest.mark.parametrize("images", [["a", "b"], []])
def test_a_frame_that_the_model_lacks_was_never_asked(images):
    model = replace(POINTS, model_images=np.array(images, dtype=np.str_))
    table = observation_table(["a", "absent", "b"], model)
    assert table["observations"].isna().tolist() == [False, True, False]
    assert table["reprojection_error_px"].isna().tolist() == [False, True, False]


def test_without_evidence_every_pose_is_unknown():
    pairs, frames = pose_evidence(["a", "b"], None, SparsePoints.empty())
    assert len(pairs) == 0 and "name_a" in pairs
    assert frames["pose_verdict"].tolist() == ["unknown", "unknown"]
    assert frames["pose_doubt"].tolist() == [0.5, 0.5]


def test_rows_follow_the_capture_and_frames_without_pose_are_unknown():
    found = pd.DataFrame(
        {"name": ["c", "a"], "pose_verdict": ["wrong", "right"], "pose_doubt": [0.9, 0.1]}
    )
    evidence = TwoViewEvidence(pd.DataFrame({"name_a": ["a"]}), found)
    _, frames = pose_evidence(["a", "b", "c"], evidence, POINTS)
    assert frames["name"].tolist() == ["a", "b", "c"]
    assert frames["pose_verdict"].tolist() == ["right", "unknown", "wrong"]
    assert frames["pose_doubt"].tolist() == [0.1, 0.5, 0.9]
