"""Pairs are kept by what they were computed from, and poses are no part of that."""

from dataclasses import replace

import numpy as np
import pytest
from twoview_scenes import DISTORTED, Scene, ring

from memory_store import MemoryStore
from mtcm_pipeline.capture.content_store import sealed, unsealed
from mtcm_pipeline.twoview import verification
from mtcm_pipeline.twoview.options import TwoViewOptions
from mtcm_pipeline.twoview.pair_store import (
    PairGeometry,
    book_from_bytes,
    book_to_bytes,
)
from mtcm_pipeline.twoview.rays import frame_rays
from mtcm_pipeline.twoview.verification import verify_pairs

HERE = TwoViewOptions(workers=0)
PAIRS = [(i, j) for i in range(4) for j in range(i + 1, 4)]


@pytest.fixture
def computed(monkeypatch):
    """How often a pair was computed, in a list of one number."""
    calls = [0]
    compute = verification.pair_geometry

    def counting(*arguments):
        calls[0] += 1
        return compute(*arguments)

    monkeypatch.setattr(verification, "pair_geometry", counting)
    return calls


def rays_of(cameras=None, rows=range(4)):
    cameras = cameras or ring(8, DISTORTED)
    scene = Scene(60)
    names = [cameras.names[row] for row in rows]
    return {
        row: frame_rays(scene.seen_by(cameras, name), cameras.camera_of(name))
        for row, name in enumerate(names)
    }


def same(one, other):
    assert one.keys() == other.keys()
    for pair in one:
        a, b = one[pair], other[pair]
        for name in ("xy_a", "xy_b", "inliers", "b_from_a"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
        assert (a.connected, a.reference_focal_px) == (b.connected, b.reference_focal_px)


def test_a_second_run_computes_no_pair_and_finds_the_same(computed):
    store = MemoryStore()
    without = verify_pairs(PAIRS, rays_of(), HERE)
    first = verify_pairs(PAIRS, rays_of(), HERE, store=store)
    before = computed[0]
    same(first, verify_pairs(PAIRS, rays_of(), HERE, store=store))
    assert computed[0] == before == 2 * len(PAIRS)
    same(first, without)
    assert all(pair.connected for pair in first.values())


def test_frames_are_known_in_any_other_row_and_only_new_pairs_are_computed(computed):
    store = MemoryStore()
    verify_pairs(PAIRS, rays_of(), HERE, store=store)
    later = rays_of(rows=[5, 0, 1, 2, 3])  # one frame more, before the others
    pairs = [(i, j) for i in range(5) for j in range(i + 1, 5)]
    computed[0] = 0
    found = verify_pairs(pairs, later, HERE, store=store)
    assert computed[0] == 4
    same(found, verify_pairs(pairs, later, HERE))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("ratio", 0.7),
        ("max_matches", 40),
        ("epipolar_px", 2.0),
        ("min_inlier_share", 0.3),
        ("max_trials", 100),
        ("seed", 1),
    ],
)
def test_options_that_decide_a_pair_make_another_key(computed, option, value):
    store = MemoryStore()
    verify_pairs(PAIRS, rays_of(), HERE, store=store)
    computed[0] = 0
    verify_pairs(PAIRS, rays_of(), replace(HERE, **{option: value}), store=store)
    assert computed[0] == len(PAIRS)


def test_options_that_only_judge_it_do_not_and_still_count(computed):
    store = MemoryStore()
    verify_pairs(PAIRS, rays_of(), HERE, store=store)
    computed[0] = 0
    strict = replace(HERE, min_inliers=61, error_factor=3.0, workers=1)
    found = verify_pairs(PAIRS, rays_of(), strict, store=store)
    assert computed[0] == 0
    assert not any(pair.connected for pair in found.values())


def test_intrinsics_count_and_poses_do_not(computed):
    store = MemoryStore()
    rays = rays_of()
    verify_pairs(PAIRS, rays, HERE, store=store)
    wider = replace(DISTORTED, params=(340.0, *DISTORTED.params[1:]))
    cameras = ring(8)
    other = {row: frame_rays(frame.features, wider) for row, frame in rays.items()}
    computed[0] = 0
    verify_pairs(PAIRS, {**rays, 0: other[0]}, HERE, store=store)
    assert computed[0] == 3  # the pairs of frame 0
    again = {r: frame_rays(f.features, DISTORTED) for r, f in rays.items()}
    computed[0] = 0
    verify_pairs(PAIRS, again, HERE, store=store)  # whatever the poses: no argument
    assert computed[0] == 0 and len(cameras) == 8


@pytest.mark.parametrize("harm", [lambda c: b"", lambda c: c[:-40], lambda c: b"x" + c])
def test_a_broken_entry_is_computed_again_and_mended(computed, harm):
    store = MemoryStore()
    first = verify_pairs(PAIRS, rays_of(), HERE, store=store)
    whole = dict(store)
    store.update({key: harm(content) for key, content in whole.items()})
    same(first, verify_pairs(PAIRS, rays_of(), HERE, store=store))
    computed[0] = 0
    verify_pairs(PAIRS, rays_of(), HERE, store=store)
    assert computed[0] == 0
    assert store.keys() == whole.keys()


def test_rows_that_the_frames_do_not_have_are_computed_again(computed):
    store = MemoryStore()
    first = verify_pairs(PAIRS, rays_of(), HERE, store=store)
    for key, content in store.items():
        beyond = {
            other: replace(pair, rows=pair.rows + 1000)
            for other, pair in book_from_bytes(unsealed(content)).items()
        }
        store[key] = sealed(book_to_bytes(beyond))
    same(first, verify_pairs(PAIRS, rays_of(), HERE, store=store))


def test_twins_among_the_photographs_do_not_overwrite_each_other(computed):
    store = MemoryStore()
    twins = rays_of(rows=[0, 0, 1, 2])
    pairs = [(0, 2), (1, 3), (2, 3)]  # each twin has a partner of its own
    verify_pairs(pairs, twins, HERE, store=store)
    computed[0] = 0
    verify_pairs(pairs, twins, HERE, store=store)
    assert computed[0] == 0


def test_what_was_found_before_a_kill_is_kept(computed):
    store = MemoryStore()
    pairs = [(i, j) for i in range(8) for j in range(i + 1, 8)]  # 28: two jobs
    rays = rays_of(rows=range(8))

    class Killed(BaseException):
        pass

    def kill(*step):
        raise Killed

    with pytest.raises(Killed):
        verify_pairs(pairs, rays, HERE, store=store, on_progress=kill)
    computed[0] = 0
    verify_pairs(pairs, rays, HERE, store=store)
    # Of the first 16 pairs, frame 2's are not complete: 7 + 6 are whole.
    assert computed[0] == 28 - 13


def _book():
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 900, (20, 2))
    return {
        b"a" * 32: PairGeometry(rows, rng.random(20) < 0.5, np.eye(4)),
        b"b" * 32: PairGeometry(np.zeros((0, 2), np.int64), np.zeros(0, bool), None),
        b"c" * 32: PairGeometry(rows[:5], np.zeros(5, bool), None),
    }


def _equal(one, other):
    return one.keys() == other.keys() and all(
        np.array_equal(one[key].rows, other[key].rows)
        and np.array_equal(one[key].inliers, other[key].inliers)
        and (one[key].b_from_a is None) == (other[key].b_from_a is None)
        for key in one
    )


def test_a_book_comes_back_as_it_was():
    assert _equal(book_from_bytes(book_to_bytes(_book())), _book())
    lonely = {b"b" * 32: _book()[b"b" * 32]}
    assert _equal(book_from_bytes(book_to_bytes(lonely)), lonely)
