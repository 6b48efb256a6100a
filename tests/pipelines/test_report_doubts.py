"""What is said of the poses as a whole: in the log at once, and kept for the report."""

import pandas as pd

from memory_store import MemoryStore
from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.pipelines.ingest.nodes import verify_the_geometry
from mtcm_pipeline.pipelines.report import nodes
from mtcm_pipeline.twoview.options import TwoViewOptions
from synthetic import orbit_cameras


def test_every_warning_is_a_row_and_a_line_of_the_log(monkeypatch, caplog):
    cameras = orbit_cameras(3)
    frames = pd.DataFrame({"name": cameras.names, "timestamp_s": float("nan")})
    pairs = pd.DataFrame({"name_a": [], "name_b": []})
    said = ("sides lie on top of each other: 100%", "the path breaks")
    monkeypatch.setattr(nodes, "pose_warnings", lambda *_, **__: said)
    doubts = nodes.doubt_the_poses_as_a_whole(
        frames, cameras, SparsePoints.empty(), pairs, TwoViewOptions()
    )
    assert tuple(doubts["warning"]) == said
    assert tuple(record.getMessage() for record in caplog.records) == said
    assert all(record.levelname == "WARNING" for record in caplog.records)


def test_without_pairs_every_pose_is_unknown_and_nothing_is_stored():
    cameras = orbit_cameras(3)
    frames = pd.DataFrame({"name": cameras.names, "timestamp_s": float("nan")})
    cache = MemoryStore()
    pairs, poses = verify_the_geometry(
        {}, {}, {}, frames, cameras, None, SparsePoints.empty(), cache,
        TwoViewOptions(enabled=False),
    )  # fmt: skip
    assert len(pairs) == 0
    assert set(poses["pose_verdict"]) == {"unknown"}
    assert cache == {}
