import numpy as np
import pytest

from mtcm_pipeline.mtcm.masking import (
    SWAP_GROUPS,
    apply_swaps,
    draw_hidden,
    draw_swaps,
    interleaved_folds,
)
from mtcm_pipeline.tokens.layout import FIELD_SLICES, FIELDS, TOKEN_WIDTH

N = 50
AZIMUTHS = np.linspace(-np.pi, np.pi, N, endpoint=False)


def hide(mode, seed, present=None, azimuths_rad=AZIMUTHS):
    present = np.ones((N, len(FIELDS)), bool) if present is None else present
    rng = np.random.default_rng(seed)
    return draw_hidden(present, azimuths_rad, ratio=0.3, modes=[mode], rng=rng)


@pytest.mark.parametrize("mode", ["frame", "field", "span", "sector"])
def test_about_the_ratio_is_hidden_and_only_what_is_present(mode):
    present = np.random.default_rng(1).random((N, len(FIELDS))) < 0.8
    shares = []
    for seed in range(40):
        hidden = hide(mode, seed, present)
        assert not (hidden & ~present).any() and hidden.any()
        shares.append(hidden.any(axis=1).mean() if mode != "field" else hidden.mean())
    expected = 0.3 if mode != "field" else 0.3 * 0.8
    assert np.mean(shares) == pytest.approx(expected, abs=0.05)


def test_a_span_is_contiguous_and_a_sector_is_contiguous_in_azimuth():
    for seed in range(20):
        frames = hide("span", seed).any(axis=1)
        assert np.sum(np.diff(np.r_[frames, frames[0]].astype(int)) != 0) == 2
        shuffled = np.random.default_rng(seed).permutation(N)
        frames = hide("sector", seed, azimuths_rad=AZIMUTHS[shuffled]).any(axis=1)
        around = np.empty(N, bool)
        around[shuffled] = frames
        assert np.sum(np.diff(np.r_[around, around[0]].astype(int)) != 0) == 2


def test_a_sector_without_poses_falls_back_to_frames():
    assert hide("sector", 0, azimuths_rad=np.full(N, np.nan)).any()


def test_swapped_entries_come_from_the_named_frame_and_hidden_ones_stay():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(N, TOKEN_WIDTH))
    present = np.ones((N, len(FIELDS)), bool)
    hidden = hide("field", 3)
    source = draw_swaps(present, hidden, ratio=0.5, rng=rng)
    swapped, _ = apply_swaps(rows, present, source)
    assert (source != np.arange(N)[:, None]).any()
    for group, fields in enumerate(SWAP_GROUPS.values()):
        columns = [FIELDS.index(name) for name in fields]
        moved = source[:, group] != np.arange(N)
        assert not hidden[source[moved, group]][:, columns].any()  # nothing leaks
    for group, fields in enumerate(SWAP_GROUPS.values()):
        for name in fields:
            where = FIELD_SLICES[name]
            assert np.array_equal(swapped[:, where], rows[source[:, group], where])
            untouched = hidden[:, FIELDS.index(name)]
            assert np.array_equal(swapped[untouched][:, where], rows[untouched][:, where])


def test_folds_hide_every_frame_once():
    assert (np.sum(interleaved_folds(13, 5), axis=0) == 1).all()
    assert (np.sum(interleaved_folds(3, 5), axis=0) == 1).all()
