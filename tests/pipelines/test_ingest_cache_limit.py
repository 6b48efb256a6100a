"""What the cache holds beyond its limit goes at the end of ingest."""

import os

import pandas as pd
import pytest

from mtcm_pipeline.datasets.checkpoints import CheckpointFolder
from mtcm_pipeline.ingest.options import IngestOptions
from mtcm_pipeline.pipelines.ingest.nodes import shrink_the_cache
from mtcm_pipeline.pipelines.ingest.pipeline import create_pipeline


@pytest.mark.parametrize(
    ("limit_mb", "left"), [(None, ["new", "old"]), (0.003, ["new"]), (0.001, [])]
)
def test_the_least_recently_used_goes(tmp_path, limit_mb, left):
    cache = CheckpointFolder(tmp_path)
    for used_s, name in [(100.0, "old"), (200.0, "new")]:
        cache.write(name, b"x" * 2000)
        os.utime(tmp_path / name, (used_s, used_s))
    shrink_the_cache(pd.DataFrame(), cache, IngestOptions(cache_limit_mb=limit_mb))
    assert sorted(path.name for path in tmp_path.iterdir()) == left


def test_it_goes_after_all_nodes_of_ingest_that_use_it():
    nodes = create_pipeline().nodes
    users = [node.name for node in nodes if "content_cache" in node.inputs]
    assert users[-1] == "shrink_the_cache"
    assert len(users) == 4
