"""Held-out frames: spread, random, reproducible."""

from __future__ import annotations

import numpy as np
import pytest

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.field.held_out import choose_held_out

NAMES = [f"{i}.png" for i in range(40)]
LINE = np.stack([np.arange(40.0), np.zeros(40), np.zeros(40)], 1)


def test_farthest_frames_halve_the_largest_gap_by_brute_force():
    chosen = choose_held_out(NAMES, LINE, 4, random_share=0.0, seed=1)
    places = sorted(LINE[NAMES.index(name), 0] for name in chosen)
    # Farthest-point sampling: no frame is farther from the chosen than they are apart.
    nearest = [min(abs(x - p) for p in places) for x in LINE[:, 0]]
    assert max(nearest) <= min(np.diff(places))
    assert {"0.png", "39.png"} <= set(chosen)


def test_a_share_is_drawn_at_random_and_nothing_twice():
    seen = [choose_held_out(NAMES, LINE, 8, random_share=0.5, seed=s) for s in range(20)]
    for chosen in seen:
        assert len(set(chosen)) == 8
        assert list(chosen) == sorted(chosen, key=NAMES.index)
    assert len(set(seen)) == 20
    assert len({name for chosen in seen for name in chosen}) > 30
    assert seen[3] == choose_held_out(NAMES, LINE, 8, random_share=0.5, seed=3)


@pytest.mark.parametrize(("candidates", "count"), [(0, 5), (3, 5), (3, 0), (1, 1)])
def test_there_may_be_fewer_candidates_than_wanted(candidates, count):
    chosen = choose_held_out(
        NAMES[:candidates], LINE[:candidates], count, random_share=0.5, seed=0
    )
    assert len(chosen) == min(candidates, count)


def test_centres_that_do_not_fit_are_refused():
    with pytest.raises(CaptureError, match="40 names"):
        choose_held_out(NAMES, LINE[:3], 2, random_share=0.5, seed=0)
