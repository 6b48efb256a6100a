"""Poorer versions of a spoilt capture: what must stay, what must go."""

from __future__ import annotations

import numpy as np
import pandas as pd
from judge_cases import evidence_of

from mtcm_pipeline.judge.observations import observe
from mtcm_pipeline.judge.scenarios import Scenario
from mtcm_pipeline.judge.thinning import SPARSE, thinned


def scenario() -> Scenario:
    evidence = evidence_of(30)
    kind = np.full(30, "", dtype=object)
    other = np.full(30, "", dtype=object)
    kind[[4, 9, 21]] = "duplicate"
    other[[4, 9, 21]] = [evidence.names[row] for row in (3, 8, 20)]
    truth = pd.DataFrame(
        {"name": evidence.names, "kind": kind, "strength": "", "severity": np.nan,
         "other": other}
    )  # fmt: skip
    return Scenario("cup", "plan", 1, evidence, truth)


def test_frames_truth_and_pairs_stay_together():
    whole = scenario()
    for seed in range(20):
        poor = thinned(whole, seed)
        names = poor.evidence.names
        assert tuple(poor.truth["name"]) == names and 18 <= len(names) <= 30
        rows = [whole.evidence.names.index(name) for name in names]
        assert np.array_equal(poor.evidence.small, whole.evidence.small[rows])
        assert set(poor.evidence.pairs["name_a"]) <= set(names)
        copies = poor.truth[poor.truth["kind"] == "duplicate"]
        assert set(copies["other"]) <= set(names)
        assert np.isfinite(observe(poor.evidence).inputs()[0]).all()


def test_pairs_that_come_apart_know_nothing_and_the_others_stay_verified():
    whole = scenario()
    shares = []
    for seed in range(20):
        pairs = thinned(whole, seed).evidence.pairs
        connected = pairs["connected"].to_numpy(bool)
        shares.append(connected.mean())
        assert (pairs["verified_inliers"][connected] >= 15).all()
        assert (pairs["verified_inliers"][~connected] <= 14).all()
        assert pairs["median_epipolar_error_px"][~connected].isna().all()
        assert pairs["median_epipolar_error_px"][connected].notna().all()
        assert (pairs["cells_a"][~connected] == "").all()
    assert 0.25 < min(shares) < 0.5 and max(shares) > 0.85
    sparse = [thinned(whole, seed, SPARSE).evidence.pairs for seed in range(20)]
    left = [pairs["connected"].mean() for pairs in sparse]
    assert min(left) < 0.2 and 0.55 < max(left) < 0.75


def test_a_version_repeats_itself_and_leaves_the_whole_as_it_is():
    whole = scenario()
    before = whole.evidence.pairs.copy()
    one, same, another = thinned(whole, 1), thinned(whole, 1), thinned(whole, 2)
    assert one.evidence.pairs.equals(same.evidence.pairs)
    assert one.evidence.names != another.evidence.names
    pd.testing.assert_frame_equal(whole.evidence.pairs, before)
