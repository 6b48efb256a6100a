"""Candidate pairs against brute force."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.twoview.options import TwoViewOptions
from mtcm_pipeline.twoview.pairs import candidate_pairs, pose_places, time_pairs
from synthetic import moved, orbit_cameras, random_similarity, smooth_embeddings


def nearest_by_loops(rows, count):
    pairs = set()
    for i in range(len(rows)):
        others = [
            (float(np.linalg.norm(rows[i] - rows[j])), j)
            for j in range(len(rows))
            if j != i
        ]
        pairs |= {(min(i, j), max(i, j)) for _, j in sorted(others)[:count]}
    return pairs


def of_source(pairs, source):
    return {(p.first, p.second) for p in pairs if source in p.sources}


def test_each_source_equals_brute_force_and_every_pair_comes_once():
    cameras = orbit_cameras(30)
    embeddings = smooth_embeddings(cameras)
    options = TwoViewOptions(
        pose_neighbours=4, embedding_neighbours=3, time_offsets=(1, 5)
    )
    pairs = candidate_pairs(cameras, 7 * embeddings, options)
    assert of_source(pairs, "pose") == nearest_by_loops(pose_places(cameras), 4)
    assert of_source(pairs, "embedding") == nearest_by_loops(embeddings, 3)
    expected = {(i, j) for i in range(30) for j in range(i, 30) if j - i in (1, 5)}
    assert of_source(pairs, "time") == expected
    rows = [(p.first, p.second) for p in pairs]
    assert len(set(rows)) == len(rows)
    assert rows == sorted(rows)
    assert all(i < j for i, j in rows)
    assert all(p.sources for p in pairs)


def test_blocks_of_rows_change_nothing(monkeypatch):
    cameras = orbit_cameras(40)
    whole = candidate_pairs(cameras, None, TwoViewOptions())
    monkeypatch.setattr("mtcm_pipeline.twoview.pairs._BLOCK", 7)
    assert candidate_pairs(cameras, None, TwoViewOptions()) == whole


def test_a_similarity_transform_changes_no_pair():
    cameras = orbit_cameras(35, seed=3)
    there = moved(cameras, random_similarity(4))
    options = TwoViewOptions(time_offsets=())
    assert candidate_pairs(cameras, None, options) == candidate_pairs(
        there, None, options
    )


@pytest.mark.parametrize("seed", range(3))
def test_distances_of_pose_places_are_the_same_in_every_world(seed):
    cameras = orbit_cameras(20, seed=seed, share=0.4)
    here = pose_places(cameras)
    there = pose_places(moved(cameras, random_similarity(seed)))
    np.testing.assert_allclose(pdist(there), pdist(here), rtol=1e-4)


def test_frames_without_an_embedding_still_have_the_other_partners():
    cameras = orbit_cameras(12)
    embeddings = smooth_embeddings(cameras)
    embeddings[4] = np.nan
    pairs = candidate_pairs(cameras, embeddings, TwoViewOptions())
    assert all(4 not in pair for pair in of_source(pairs, "embedding"))
    assert any(4 in pair for pair in of_source(pairs, "pose"))


@pytest.mark.parametrize("n", [0, 1, 2])
def test_tiny_captures(n):
    pairs = candidate_pairs(
        orbit_cameras(3).subset(["f000.jpg", "f001.jpg"][:n]), None, TwoViewOptions()
    )
    assert [(p.first, p.second) for p in pairs] == [(0, 1)][: max(0, n - 1)]


def test_time_pairs_by_hand():
    assert time_pairs(4, (1, 3)) == [(0, 1), (1, 2), (2, 3), (0, 3)]


def test_embeddings_of_another_capture_are_refused():
    with pytest.raises(CaptureError, match="5 embeddings for 6"):
        candidate_pairs(orbit_cameras(6), np.ones((5, 3)), TwoViewOptions())
