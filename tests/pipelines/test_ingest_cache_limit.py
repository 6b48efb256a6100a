"""What the cache holds beyond its limit goes at the end of ingest."""

import os

import numpy as np
import pandas as pd
import pytest

from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.datasets.checkpoints import CheckpointFolder
from mtcm_pipeline.ingest.embeddings import EmbeddingTable
from mtcm_pipeline.ingest.options import IngestOptions
from mtcm_pipeline.pipelines.ingest.nodes import verify_the_geometry
from mtcm_pipeline.twoview.options import TwoViewOptions
from synthetic import orbit_cameras


@pytest.mark.parametrize(
    ("limit_mb", "left"), [(None, ["new", "old"]), (0.003, ["new"]), (0.001, [])]
)
def test_the_least_recently_used_goes(tmp_path, limit_mb, left):
    cache = CheckpointFolder(tmp_path)
    for used_s, name in [(100.0, "old"), (200.0, "new")]:
        cache.write(name, b"x" * 2000)
        os.utime(tmp_path / name, (used_s, used_s))
    cameras = orbit_cameras(3)
    embeddings = EmbeddingTable(cameras.names, np.full((3, 384), np.nan), ("",) * 3)
    frames = pd.DataFrame({"name": cameras.names, "timestamp_s": np.nan})
    verify_the_geometry(
        {}, {}, {}, frames, cameras, embeddings, SparsePoints.empty(), cache,
        TwoViewOptions(enabled=False), IngestOptions(cache_limit_mb=limit_mb),
    )  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == left
