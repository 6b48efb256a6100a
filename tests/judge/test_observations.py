"""Evidence by hand, by planting, and under changes that must not matter."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from judge_cases import evidence_of

from mtcm_pipeline.judge.capture_evidence import CaptureEvidence
from mtcm_pipeline.judge.counterparts import counterparts, in_context
from mtcm_pipeline.judge.mask_evidence import foreground_by_partners
from mtcm_pipeline.judge.neighbourhoods import beside, quantile, robust_z
from mtcm_pipeline.judge.novelty_evidence import novelty_columns
from mtcm_pipeline.judge.observations import input_names, observe
from mtcm_pipeline.judge.photo_facts import NUMBERS, photo_numbers


def test_evidence_survives_its_file():
    evidence = evidence_of(14)
    again = CaptureEvidence.from_bytes(evidence.to_bytes())
    assert again.names == evidence.names
    pd.testing.assert_frame_equal(again.pairs, evidence.pairs, check_dtype=False)
    a, b = observe(evidence), observe(again)
    assert np.allclose(a.raw, b.raw, equal_nan=True) and np.allclose(a.pairs, b.pairs)


def test_absent_evidence_is_flagged_and_never_a_value():
    seen = observe(evidence_of(masks=False))
    values, present = seen.inputs()
    mask = np.array(["mask" in n and "area" not in n for n in input_names(seen.columns)])
    unlike = np.array([n.endswith("mask_unlike") for n in input_names(seen.columns)])
    assert mask.any() and not present[:, unlike].any()
    assert (values[~present] == 0).all() and np.isfinite(values).all()


def test_without_withholds_columns():
    seen = observe(evidence_of())
    blind = seen.without(("gp_", "novel_"))
    assert np.isnan(blind.column("gp_looks")).all()
    assert np.isfinite(blind.column("dull_sharpness_pose")).all()
    assert np.isfinite(seen.column("gp_looks")).all()


def test_a_dull_frame_stands_out_in_sharpness_and_nowhere_in_light():
    evidence = evidence_of()
    numbers = evidence.numbers.copy()
    for name in ("sharpness", "sharpness_half"):
        numbers[7, NUMBERS.index(name)] /= 3.0
    seen = observe(replace(evidence, numbers=numbers))
    assert seen.column("dull_sharpness_pose").argmax() == 7
    assert seen.column("dull_sharpness_pose")[7] == pytest.approx(np.log(3.0), abs=0.2)
    light = seen.column("light_pose")
    assert light[7] == pytest.approx(observe(evidence).column("light_pose")[7])


def test_detail_that_is_lost_in_one_direction_is_seen_whatever_the_direction():
    evidence = evidence_of()
    numbers = evidence.numbers.copy()
    for name in ("detail_xx", "detail_yy"):
        numbers[:, NUMBERS.index(name)] = 1.0
    turn = np.array([[np.cos(0.7), -np.sin(0.7)], [np.sin(0.7), np.cos(0.7)]])
    moments = turn @ np.diag([1.0, 0.1]) @ turn.T
    for name, value in zip(
        ("detail_xx", "detail_xy", "detail_yy"),
        (moments[0, 0], moments[0, 1], moments[1, 1]),
        strict=True,
    ):
        numbers[5, NUMBERS.index(name)] = value
    seen = observe(replace(evidence, numbers=numbers))
    assert seen.column("dull_direction")[5] == pytest.approx(np.log(10.0), abs=1e-3)
    assert seen.column("dull_one_direction")[5] == pytest.approx(np.log(10.0), abs=1e-3)


def looked_up(evidence, partners):
    """Novelty, and the foreground that partners say."""
    flat = (len(evidence), 196, -1)
    found = counterparts(evidence.patches.reshape(flat), partners)
    around = counterparts(in_context(evidence.patches).reshape(flat), partners)
    return (
        novelty_columns(found, around),
        foreground_by_partners(found, evidence.mask_cells),
    )


def test_novelty_against_brute_force():
    evidence = evidence_of(6)
    partners = np.array([[(i + 1) % 6, (i + 2) % 6, -1] for i in range(6)])
    columns, foreground = looked_up(evidence, partners)
    found = columns["novel_mean"]
    flat = evidence.patches.reshape(6, 196, -1).astype(np.float64)
    for row in range(6):
        likeness = [
            (flat[row] @ flat[other].T).max(axis=1) for other in partners[row, :2]
        ]
        second = np.sort(likeness, axis=0)[0]
        assert found[row] == pytest.approx(np.log((1 - second).mean() + 1e-3), abs=2e-3)
        said = [
            evidence.mask_cells[other].ravel()[(flat[row] @ flat[other].T).argmax(axis=1)]
            for other in partners[row, :2]
        ]
        weighted = np.average(said, axis=0, weights=np.exp(8.0 * np.array(likeness)))
        assert foreground[row].ravel() == pytest.approx(weighted, abs=0.02)


def test_what_is_new_in_one_frame_is_found_though_another_has_it_too():
    evidence = evidence_of(12)
    patches = evidence.patches.copy()
    thing = np.random.default_rng(5).normal(size=(3, 3, 152))
    thing /= np.linalg.norm(thing, axis=2, keepdims=True)
    for row in (4, 5):
        patches[row, 2:5, 6:9] = thing
    partners = np.array([[j for j in range(12) if j != i][:8] for i in range(12)])
    columns, _ = looked_up(replace(evidence, patches=patches), partners)
    found = columns["novel_place"]
    assert set(np.argsort(-found)[:2]) == {4, 5}


def test_beside_and_robust_z_by_hand():
    neighbours = np.array([[1, 2], [0, 2], [0, -1]])
    values = np.array([1.0, 5.0, np.nan])
    assert beside(values, neighbours)[:2].tolist() == [-4.0, 4.0]
    z = robust_z(np.array([0.0, 1.0, 2.0, 3.0, 100.0]), 0.1)
    assert z[2] == 0.0 and z[3] == pytest.approx(1 / 1.4826)
    assert robust_z(np.full(4, 2.0), 0.5).tolist() == [0.0] * 4


@pytest.mark.parametrize("q", [0.0, 0.25, 0.5, 0.9, 1.0])
def test_quantiles_of_what_is_known_against_numpy(q):
    rng = np.random.default_rng(1)
    values = rng.normal(size=(40, 7, 3))
    values[rng.random(values.shape) < 0.4] = np.nan
    values[3], values[4, 1:], values[5, 0] = np.nan, np.nan, np.inf
    finite = np.where(np.isfinite(values), values, np.nan)
    for axis in (1, 2):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # all NaN
            expected = np.nanquantile(finite, q, axis=axis)
        assert np.allclose(quantile(values, q, axis), expected, equal_nan=True)


def test_blur_in_one_direction_lowers_that_moment():
    rng = np.random.default_rng(0)
    sharp = rng.integers(0, 256, (80, 80, 3)).astype(np.uint8)
    across = np.mean([np.roll(sharp, k, axis=1) for k in range(7)], axis=0)
    plain = photo_numbers(sharp, None)
    blurred = photo_numbers(across.astype(np.uint8), None)
    ratio = {n: blurred[i] / plain[i] for i, n in enumerate(NUMBERS)}
    assert ratio["sharpness"] < 1 and ratio["detail_xx"] < 0.6 * ratio["detail_yy"]
    assert np.isnan(plain[NUMBERS.index("mask_area")])


def test_pairs_that_disagree_are_summed_up_for_their_frame():
    evidence = evidence_of()
    pairs = evidence.pairs.copy()
    mine = (pairs["name_a"] == "f010.jpg") | (pairs["name_b"] == "f010.jpg")
    pairs.loc[mine, "median_epipolar_error_px"] = 20.0
    seen = observe(replace(evidence, pairs=pairs))
    for column in ("disagree_all", "majority", "trust", "excess_all"):
        assert seen.column(column).argmax() == 10, column
    assert seen.column("part_apart")[10] == 1.0
