import numpy as np
import pytest

from mtcm_pipeline.errors import CaptureError, ParameterError
from mtcm_pipeline.sfm.options import SfmOptions
from mtcm_pipeline.sfm.pairs import choose_pairs, exhaustive_pairs, regular_as_video

VIDEO = list(np.arange(300) / 3.0)
SMALL = SfmOptions(exhaustive_max_frames=20)


def test_all_pairs_are_all_pairs_once_each():
    found = exhaustive_pairs(120)
    assert len(found) == 120 * 119 // 2 == len(set(found))
    assert all(0 <= i < j < 120 for i, j in found)


def test_auto_takes_what_the_capture_is():
    assert choose_pairs(20, SMALL).strategy == "exhaustive"
    vectors = np.random.default_rng(0).normal(size=(30, 8))
    assert choose_pairs(30, SMALL, embeddings=vectors).strategy == "retrieval"
    assert choose_pairs(300, SMALL, times_s=VIDEO).strategy == "sequential"
    large = choose_pairs(30, SMALL)
    assert large.strategy == "exhaustive" and "435 pairs" in large.note


@pytest.mark.parametrize(
    ("times", "video"),
    [
        (VIDEO, True),
        (VIDEO[::-1], True),
        (list(np.cumsum(np.random.default_rng(0).uniform(0.2, 0.4, 50))), True),
        ([0.0, 4.0, 9.0, 11.0, 30.0], False),  # photographs by hand
        ([0.0] * 10, False),
        ([0.0, 1.0, np.nan, 3.0], False),
        (None, False),
    ],
)
def test_videos_are_told_by_their_times(times, video):
    assert regular_as_video(times) is video


def test_sequential_pairs_follow_time_and_close_loops():
    count = 100
    shuffled = np.random.default_rng(1).permutation(count)
    times = shuffled / 3.0  # row r was taken at place shuffled[r]
    options = SfmOptions(matching="sequential", sequential_overlap=4, loop_period=20)
    choice = choose_pairs(count, options, times_s=list(times))
    places = {tuple(sorted((shuffled[i], shuffled[j]))) for i, j in choice.pairs}
    offsets = {1, 2, 3, 4, 8, 16, 32, 64}
    near = {(a, a + d) for a in range(count) for d in offsets if a + d < count}
    stops = range(0, count, 20)
    loops = {(a, b) for a in stops for b in stops if a < b}
    assert places == near | loops


def test_retrieval_finds_the_nearest_by_brute_force():
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(40, 16))
    vectors[5] = np.nan
    options = SfmOptions(matching="retrieval", retrieval_neighbours=3, loop_period=1000)
    found = set(choose_pairs(40, options, embeddings=vectors).pairs)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for i in set(range(40)) - {5}:
        others = [j for j in range(40) if j not in (i, 5)]
        best = sorted(others, key=lambda j: -float(unit[i] @ unit[j]))[:3]
        assert {(min(i, j), max(i, j)) for j in best} <= found
    assert any(5 in pair for pair in found)  # by its neighbours in the sequence


def test_what_does_not_fit_is_refused():
    with pytest.raises(ParameterError, match="needs embeddings"):
        choose_pairs(10, SfmOptions(matching="retrieval"))
    with pytest.raises(CaptureError, match="3 times for 10 images"):
        choose_pairs(10, SfmOptions(), times_s=[0.0, 1.0, 2.0])
