"""What the report's nodes hand to the figures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.missing.find import find_missing, suggested_poses
from mtcm_pipeline.missing.options import MissingOptions
from mtcm_pipeline.pipelines.report import create_pipeline, nodes
from mtcm_pipeline.pipelines.viewpoints.nodes import label_the_poses
from mtcm_pipeline.scene.points import ScenePoints
from mtcm_pipeline.selection.options import SelectOptions
from mtcm_pipeline.selection.user_word import final_scores, user_word
from mtcm_pipeline.tokens.build import build_tokens
from mtcm_pipeline.viewpoints.options import LabelOptions
from synthetic import frame_table, orbit_cameras, smooth_embeddings

NO_POINTS = ScenePoints(np.empty((0, 3)), np.empty((0, 3), np.float32), np.empty(0))


def outwards(cameras: PosedCameras) -> PosedCameras:
    """The same cameras, each turned about its own vertical axis to look away."""
    about = np.diag([-1.0, 1.0, -1.0, 1.0])
    return PosedCameras(
        cameras.names,
        about @ cameras.cam_from_world,
        cameras.camera_ids,
        cameras.cameras,
    )


def tables(names, drop=()):
    n = len(names)
    scores = pd.DataFrame(
        {
            "name": names,
            "fault_score": 0.1,
            "faulty": False,
            "usable": True,
            "reason": "",
            "other": "",
        }
    )
    selection = pd.DataFrame(
        {"name": names, "chosen": [i < 2 for i in range(n)], "reason": "because"}
    )
    word = user_word(SelectOptions(drop=list(drop)), names)
    return final_scores(scores, word), selection


def trace_of(figure, state):
    (trace,) = [t for t in figure.data if t.legendgroup == state and t.mode == "markers"]
    return trace, np.stack([np.asarray(trace[axis], float) for axis in "xyz"], axis=1)


def drawn(cameras, drop=()):
    tokens, gauge = build_tokens(
        frame_table(cameras), smooth_embeddings(cameras), cameras
    )
    scores, selection = tables(cameras.names, drop)
    usable = scores["usable"].to_numpy(dtype=bool)
    missing = find_missing(tokens, usable, gauge, MissingOptions(), LabelOptions())
    poses = suggested_poses(missing)
    options = LabelOptions()
    figure = nodes.draw_the_cameras(
        tokens, NO_POINTS, scores, selection, poses, gauge, options
    )
    return figure, missing, gauge


@pytest.mark.parametrize("turn", [lambda cameras: cameras, outwards])
def test_proposals_are_drawn_where_their_poses_stand(turn):
    """By distances to all cameras: no frame of reference takes part in them."""
    cameras = turn(orbit_cameras(12, share=0.5))
    figure, missing, gauge = drawn(cameras)
    _, proposed = trace_of(figure, "proposed")
    trace, kept = trace_of(figure, "usable")
    new = invert_rigid(missing.cam_from_world)[:, :3, 3]
    old = cameras.centres_xyz[[cameras.names.index(name) for name in trace.customdata]]
    assert len(new) == len(proposed) == 5
    here = np.linalg.norm(proposed[:, None] - kept, axis=2)
    there = np.linalg.norm(new[:, None] - old, axis=2)
    np.testing.assert_allclose(here, gauge.scale * there, rtol=1e-6, atol=1e-9)
    hover, _ = trace_of(figure, "proposed")
    for row, words in zip(missing.proposals.itertuples(), hover.hovertext, strict=True):
        assert f"from {row.from_frame}: {row.how}" in words


def test_outlines_of_proposals_point_where_their_cameras_look():
    cameras = outwards(orbit_cameras(12, share=0.5))
    figure, missing, gauge = drawn(cameras)
    _, proposed = trace_of(figure, "proposed")
    (outline,) = [t for t in figure.data if t.name == "proposed, outlines"]
    stroke = np.stack([np.asarray(outline[axis], float) for axis in "xyz"], axis=1)
    stroke = stroke.reshape(len(proposed), -1, 3)
    ahead = np.nanmean(stroke, axis=1) - proposed
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    looks = gauge.directions(invert_rigid(missing.cam_from_world)[:, :3, 2])
    # As seen from the other cameras' axes, so that no frame of reference takes part.
    np.testing.assert_allclose(ahead @ ahead.T, looks @ looks.T, atol=0.02)


def test_without_proposals_the_cameras_are_drawn_alone():
    cameras = orbit_cameras(4)
    tokens, gauge = build_tokens(
        frame_table(cameras), smooth_embeddings(cameras), cameras
    )
    given = (tokens, NO_POINTS, *tables(cameras.names), [], gauge, LabelOptions())
    figure = nodes.draw_the_cameras(*given)
    assert "proposed" not in {trace.legendgroup for trace in figure.data}


def test_what_the_user_dropped_has_a_state_of_its_own_in_space():
    cameras = orbit_cameras(8, share=0.5)
    figure, _, _ = drawn(cameras, drop=["f005.jpg"])
    mine, _ = trace_of(figure, "dropped by you")
    assert list(mine.customdata) == ["f005.jpg"] and "dropped by you (1)" in mine.name
    others = [t for t in figure.data if t.customdata is not None and t is not mine]
    for other in others:
        assert other.marker.symbol != mine.marker.symbol
        assert other.marker.color != mine.marker.color


def test_the_report_is_written_last_and_knows_all_that_the_summary_does():
    *_, summary, report = create_pipeline().nodes
    assert (summary.outputs, report.outputs) == (["run_summary"], ["report"])
    assert set(summary.inputs) <= set(report.inputs)


@pytest.mark.parametrize("front", [True, False])
def test_names_for_sides_without_a_front_are_warned_of(front, caplog):
    cameras = orbit_cameras(6)
    tokens, _ = build_tokens(frame_table(cameras), smooth_embeddings(cameras), cameras)
    names = {"left profile": "north side", "high angle": "from the roof"}
    where = {"front_frame": "f000.jpg"} if front else {}
    label_the_poses(tokens, LabelOptions(names=names, **where))
    warned = [r.message for r in caplog.records if r.levelname == "WARNING"]
    assert bool(warned) != front
    for text in warned:
        assert "'left profile'" in text and "labels.front_frame" in text
        assert "labels.front_azimuth_deg" in text and "high angle" not in text
