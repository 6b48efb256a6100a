"""Diversity by hand, by brute force, and its invariances."""

import itertools

import numpy as np
import pytest
from rigs import rig, tokens_of

from mtcm_pipeline.viewpoints.angles import viewpoints_of
from mtcm_pipeline.viewpoints.diversity import (
    MEASURES,
    appearance_spread,
    cell_counts,
    covered_share,
    diversity_table,
    entropy_bits,
    good_baseline_share,
    largest_gap_deg,
    median_baseline_deg,
    nearest_other_deg,
    widest_azimuth_gap_deg,
)
from mtcm_pipeline.viewpoints.sphere import even_directions
from synthetic import moved, random_similarity


def units(azimuth_deg, elevation_deg=0.0):
    a, e = np.broadcast_arrays(np.radians(azimuth_deg), np.radians(elevation_deg))
    return np.stack([np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e)], axis=-1)


def random_units(n, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(n, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("radius_deg", [15, 30])
def test_a_cap_anywhere_holds_its_share_of_the_lattice(radius_deg):
    lattice = even_directions(10_000)
    assert np.allclose(np.linalg.norm(lattice, axis=1), 1)
    inside = random_units(300) @ lattice.T > np.cos(np.radians(radius_deg))
    expected = (1 - np.cos(np.radians(radius_deg))) / 2  # Archimedes
    assert np.abs(inside.mean(axis=1) - expected).max() < 1e-3


def test_caps_by_their_area():
    cap = (1 - np.cos(np.radians(15))) / 2  # share of the sphere (Archimedes)
    assert covered_share(units([20.0], 35.0)) == pytest.approx(cap, abs=5e-4)
    far_apart = units([0.0, 120.0, 240.0])
    assert covered_share(far_apart) == pytest.approx(3 * cap, abs=1e-3)
    assert covered_share(np.vstack([far_apart] * 2)) == covered_share(far_apart)
    assert np.isnan(covered_share(np.empty((0, 3))))


def test_gaps_by_hand():
    assert widest_azimuth_gap_deg(units([-170.0, 0.0, 20.0, 150.0])) == pytest.approx(170)
    assert widest_azimuth_gap_deg(units([7.0])) == pytest.approx(360)
    quarters = units([0.0, 90.0, 180.0, 270.0])
    assert largest_gap_deg(quarters, quarters) == pytest.approx(45, abs=1.5)
    half = units(np.arange(0, 181, 10.0))
    assert largest_gap_deg(half, half) == pytest.approx(90, abs=1.5)


def test_pairs_by_brute_force():
    views = random_units(25)
    angles = [
        np.degrees(np.arccos(np.clip(a @ b, -1, 1)))
        for a, b in itertools.combinations(views, 2)
    ]
    assert median_baseline_deg(views) == pytest.approx(np.median(angles))
    square = np.degrees(np.arccos(np.clip(views @ views.T, -1, 1)))
    np.fill_diagonal(square, np.inf)
    assert nearest_other_deg(views) == pytest.approx(square.min(axis=1))
    good = ((square >= 5) & (square <= 30)).any(axis=1).mean()
    assert good_baseline_share(views) == pytest.approx(good)


def test_appearance_spread_by_brute_force():
    vectors = random_units(12)
    pairs = [1 - a @ b for a, b in itertools.combinations(vectors, 2)]
    assert appearance_spread(vectors) == pytest.approx(np.mean(pairs))
    gone = np.vstack([vectors, np.full((2, 3), np.nan)])
    assert appearance_spread(gone) == pytest.approx(np.mean(pairs))
    assert np.isnan(appearance_spread(vectors[:1]))


def test_cells_and_their_entropy():
    views = np.vstack([units(np.arange(-180, 180, 45.0), e) for e in (-30, 0, 30)])
    views = np.vstack([views, units([0.0, 100.0], 75.0)])
    counts = cell_counts(views, 0.0)
    assert len(counts) == 25 and counts.tolist() == [1] * 24 + [2]
    assert entropy_bits(np.ones(8, int)) == pytest.approx(3)
    assert entropy_bits(np.array([5, 0, 0])) == 0
    assert entropy_bits(np.array([2, 1, 1])) == pytest.approx(1.5)
    assert np.isnan(entropy_bits(np.zeros(3, int)))
    turned = cell_counts(units([50.0, 60.0]), 45.0)
    assert turned.max() == 2  # both within 22.5 degrees of the new zero


def table_of(cameras, kept, chosen):
    tokens = tokens_of(cameras)
    views = viewpoints_of(tokens)
    sets = {"captured": np.ones(len(tokens), bool), "kept": kept, "chosen": chosen}
    return diversity_table(views, tokens.field("embedding"), sets, kept)


def test_before_and_after_on_a_turntable():
    cameras = rig(np.arange(0, 360, 10), 10)
    kept, chosen = np.arange(36) != 5, np.arange(36) % 9 == 0
    table = table_of(cameras, kept, chosen).set_index("measure")
    assert list(table.index) == list(MEASURES)
    sets = ["captured", "kept", "chosen"]
    assert table.loc["views", sets].tolist() == [36, 35, 4]
    gap = table.loc["widest_azimuth_gap", sets].tolist()
    assert gap == pytest.approx([10, 20, 90], abs=1e-4)
    assert table.loc["largest_gap_kept", "captured"] < 1e-6
    assert table.loc["largest_gap_kept", "chosen"] == pytest.approx(39.4, abs=0.3)
    assert table.loc["occupied_cells", sets].tolist() == [8, 8, 4]
    assert table.loc["cell_entropy", "chosen"] == pytest.approx(2)
    # Beside each of the four chosen, one frame on either side lies within 15 degrees.
    assert table.loc["kept_within_15", "chosen"] == pytest.approx(12 / 35)
    step = 2 * np.degrees(np.arcsin(np.cos(np.radians(10)) * np.sin(np.radians(5))))
    for measure in ("nearest_view_min", "nearest_view_mean", "nearest_view_max"):
        assert table.loc[measure, "captured"] == pytest.approx(step, abs=0.05)
    spheres = table.loc["covered_solid_angle", sets] / table.loc["covered_share", sets]
    assert spheres.tolist() == pytest.approx([4 * np.pi] * 3)


@pytest.mark.parametrize("seed", range(4))
def test_a_similarity_transform_of_the_capture_changes_no_measure(seed):
    rng = np.random.default_rng(seed)
    cameras = rig(
        rng.uniform(0, 300, 40), rng.uniform(-10, 70, 40), rng.uniform(2, 5, 40)
    )
    kept, chosen = rng.random(40) < 0.9, rng.random(40) < 0.3
    here = table_of(cameras, kept, chosen)
    there = table_of(moved(cameras, random_similarity(seed)), kept, chosen)
    # Embeddings of the test follow the world's axes and are compared elsewhere.
    rows = here["measure"] != "appearance_spread"
    sets = ["captured", "kept", "chosen"]
    assert np.allclose(here[sets][rows], there[sets][rows], atol=1e-6)


def test_sets_of_nothing_have_no_numbers():
    cameras = rig(np.arange(0, 360, 30), 10)
    nobody = np.zeros(12, bool)
    table = table_of(cameras, nobody, nobody).set_index("measure")
    assert table.loc["views", "chosen"] == 0
    for measure in set(MEASURES) - {"views", "occupied_cells"}:
        assert np.isnan(table.loc[measure, "chosen"]), measure
