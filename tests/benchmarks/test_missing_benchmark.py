"""Hidden parts and rivals of the missing-view benchmark, against what can be counted."""

from __future__ import annotations

import numpy as np
import pytest

from missing.missing_rigs import cameras_of, looking_at_origin
from mtcm_pipeline.benchmarks.missing_benchmark import COUNTS, measure
from mtcm_pipeline.benchmarks.missing_gain_benchmark import (
    CEILING,
    Asked,
    finished,
    gains,
)
from mtcm_pipeline.benchmarks.missing_gain_benchmark import COUNTS as GAIN_COUNTS
from mtcm_pipeline.benchmarks.missing_gain_benchmark import WAYS as GAIN_WAYS
from mtcm_pipeline.benchmarks.missing_gain_parts import POOLS as GAIN_POOLS
from mtcm_pipeline.benchmarks.missing_gain_parts import (
    Part,
    best_photographs,
    nearest_photographs,
    plan_part,
)
from mtcm_pipeline.benchmarks.missing_gain_tables import (
    JOINED,
    GainRow,
    agreement,
    by_part,
    summary,
    training_noise_db,
)
from mtcm_pipeline.benchmarks.missing_parts import (
    CAP,
    KINDS,
    OURS,
    RIVALS,
    Rest,
    hidden_part,
    largest_empty_caps,
    ours,
    ours_with_model,
)
from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.missing.foresight import Foresight
from mtcm_pipeline.viewpoints.sphere import azimuth_elevation_deg


def bearings(azimuth_deg, elevation_deg):
    a, e = np.radians(azimuth_deg), np.radians(elevation_deg)
    return np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)], axis=1)


AZIMUTH = np.tile(np.arange(0.0, 360.0, 15.0), 2)
TWO_RINGS = bearings(AZIMUTH, np.repeat([5.0, 35.0], 24))


@pytest.mark.parametrize("seed", range(5))
def test_a_hidden_sector_is_an_arc_of_30_to_90_degrees(seed):
    hidden = hidden_part(TWO_RINGS, "azimuth", np.random.default_rng(seed))
    arc = np.unique(np.round(AZIMUTH[hidden]))
    gaps = np.diff(np.append(np.sort(arc), np.sort(arc)[0] + 360.0))
    assert 360.0 - gaps.max() <= 90.0
    assert hidden.sum() >= 3
    # Both rings lose the same azimuths.
    np.testing.assert_array_equal(hidden[:24], hidden[24:])


def test_hidden_rings_are_the_highest_and_the_lowest():
    lifted = bearings(AZIMUTH, np.linspace(-20.0, 60.0, 48))
    for kind, better in (("high", np.greater), ("low", np.less)):
        hidden = hidden_part(lifted, kind, np.random.default_rng(0))
        _, elevation = azimuth_elevation_deg(lifted)
        assert better(elevation[hidden][:, None], elevation[~hidden]).all()
        assert 0.1 < hidden.mean() < 0.4


def test_the_largest_empty_cap_is_the_middle_of_the_only_gap():
    azimuths = np.array([a for a in range(0, 360, 10) if not 90 < a < 190])
    ring = bearings(azimuths, np.zeros(len(azimuths)))
    rest = Rest(ring, 2.0 * ring, -ring)
    found = largest_empty_caps(rest, 1, np.random.default_rng(0))
    azimuth, elevation = azimuth_elevation_deg(found)
    assert azimuth[0] == pytest.approx(140, abs=4)
    assert abs(elevation[0]) <= 6


def two_rings():
    return looking_inwards(TWO_RINGS)


def wavy_ring():
    """48 cameras around the middle, each at a height of its own, within 40 degrees."""
    return looking_inwards(bearings(np.arange(0.0, 360.0, 7.5), np.linspace(0, 40, 48)))


def looking_inwards(places):
    """Cameras at distance 3 that look at the middle."""
    return cameras_of([looking_at_origin(3.0 * place) for place in places])


def uncertain_in_front(names):
    return Foresight(lambda poses: np.where(poses[:, 0, 3] > 0, 50.0, 1.0))


@pytest.mark.parametrize("foresee", [None, uncertain_in_front])
def test_every_way_is_measured_the_same_number_of_times(foresee):
    rows = list(measure(two_rings(), "rings", 1, foresee))
    ways = len(RIVALS) + (1 if foresee is None else 2)
    assert len(rows) == len(KINDS) * ways * len(COUNTS)
    for row in rows:
        assert row.nearest_deg <= row.mean_deg
        assert (row.near_share > 0) == (row.nearest_deg < 15.0)
        if row.proposals == 1 or row.way == "repeat the last pose":
            assert row.nearest_deg == row.mean_deg


def test_a_model_draws_our_proposals_to_where_it_knows_little():
    ring = bearings(np.arange(0.0, 360.0, 30.0), np.zeros(12))
    rest = Rest(ring, 2.0 * ring, -ring, uncertain_in_front(()))
    rng = np.random.default_rng(0)
    assert (ours_with_model(rest, 3, rng)[:, 0] > 0).all()
    plain = Rest(ring, 2.0 * ring, -ring)
    np.testing.assert_array_equal(ours_with_model(plain, 3, rng), ours(rest, 3, rng))


def photos_of(cameras):
    pixels = np.zeros((30, 40, 3), np.uint8)
    return PosedPhotos("rings", cameras, dict.fromkeys(cameras.names, pixels), {}, {})


def test_nobody_is_trained_on_and_looked_at():
    cameras = two_rings()
    photos = photos_of(cameras)
    hidden = np.zeros(48, dtype=bool)
    hidden[3:10] = hidden[27:34] = True
    names = np.array(cameras.names)
    part = plan_part(photos, hidden, np.random.default_rng(0))
    tests = {*part.hole_tests, *part.rest_tests}
    assert set(part.hole_tests) < set(names[hidden])
    assert not tests & {*part.trained, *part.pools["any"]}
    assert set(part.pools["hidden"]) == set(names[hidden]) - tests
    assert not set(part.trained) & {*names[hidden], *part.pools["any"]}
    assert tests | {*part.trained, *part.pools["any"]} == set(names)


def test_each_proposal_gets_a_photograph_of_its_own():
    places = dict(zip("abc", bearings([0.0, 10.0, 90.0], [0.0] * 3), strict=True))
    added, apart = nearest_photographs(bearings([1.0, 2.0], [0.0, 0.0]), places)
    assert added == ["a", "b"] and apart == pytest.approx((1 + 8) / 2)
    many, _ = nearest_photographs(bearings([1.0] * 5, [0.0] * 5), places)
    assert many == ["a", "b", "c"]


def part_on_a_ring():
    """Trained at 0 degrees, looked at at 90; three photographs may be added."""
    names = ("t", "q", "near", "half", "far")
    places = bearings([0.0, 90.0, 80.0, 60.0, -90.0], [0.0] * 5)
    pools = dict.fromkeys(GAIN_POOLS, ("far", "half", "near"))
    return Part(("q",), (), ("t",), pools, dict(zip(names, places, strict=True)))


def test_the_expected_gain_is_that_of_the_nearest_view():
    part = part_on_a_ring()
    gain = np.exp(-30 / 20) - np.exp(-90 / 20)
    assert part.expected_gain(["half"]) == pytest.approx(gain, abs=1e-9)
    assert part.expected_gain(["far", "half"]) == pytest.approx(gain, abs=1e-9)
    assert part.expected_gain(["far"]) == part.expected_gain([]) == 0.0


def test_the_best_photographs_are_those_nearest_to_what_is_looked_at():
    part = part_on_a_ring()
    assert best_photographs(part, "hidden", 1) == ["near"]
    assert sorted(best_photographs(part, "any", 5)) == ["far", "half", "near"]


def test_without_fits_every_part_still_has_its_expected_gains():
    asked = Asked(seeds=1, pools=("hidden",), fits=False)
    rows = list(gains(photos_of(wavy_ring()), asked, uncertain_in_front))
    assert len(rows) == len(KINDS) * asked.rows_a_part
    assert np.isnan([row.hole_gain_db for row in rows]).all()
    single = [row for row in rows if row.proposals == 1]
    best = {row.kind: row.expected_gain for row in single if row.way == CEILING}
    assert all(0 <= row.expected_gain <= best[row.kind] for row in single)
    assert all(len(row.added.split(JOINED)) == row.proposals for row in rows)
    # What was only expected is not taken for measured.
    assert finished(rows, asked) == rows
    assert finished(rows, Asked(seeds=1, pools=("hidden",))) == []


def test_a_capture_without_a_part_to_hide_is_refused():
    one_height = looking_inwards(bearings(np.arange(0.0, 360.0, 40.0), np.zeros(9)))
    with pytest.raises(CaptureError, match="too small"):
        next(gains(photos_of(one_height), Asked(seeds=1, fits=False), uncertain_in_front))


def gain_row(part, way, gain, *, count=1, pool="hidden", fit_seed=0, added=None):
    """Each way is led to photographs of its own where none are named."""
    capture, seed = part
    named = way if added is None else added
    about = (capture, "high", seed, fit_seed, way, count, pool, named, 1.0)
    return GainRow(*about, gain / 10.0, 20.0, gain, 0.0)


def gain_rows(capture, seed, ahead):
    return [
        gain_row(
            (capture, seed), way, 1.0 + ahead * (way == OURS), count=count, pool=pool
        )
        for way in GAIN_WAYS
        for count in GAIN_COUNTS
        for pool in GAIN_POOLS
    ]


def cells_of(table):
    return {column.header: list(column.cells) for column in table.columns}


def test_a_part_that_was_cut_off_is_measured_again():
    whole, cut = gain_rows("a", 0, 0.0), gain_rows("a", 1, 0.0)[:-1]
    assert finished([*whole, *cut], Asked(seeds=2)) == whole


def test_less_asked_than_known_keeps_what_is_known():
    whole, cut = gain_rows("a", 0, 0.0), gain_rows("a", 1, 0.0)[:-1]
    only = Asked(seeds=2, ways=(OURS, CAP), pools=("hidden",))
    # The row that the second part lacks is not one of those asked for.
    assert finished([*whole, *cut], only) == [*whole, *cut]
    assert finished([*whole, *cut], Asked(seeds=2, fit_seeds=2)) == []


def test_differences_are_paired_by_part():
    rows = gain_rows("a", 0, 0.5) + gain_rows("a", 1, 0.5) + gain_rows("b", 0, 0.5)
    cells = cells_of(summary(rows))
    assert cells["hole_gain_db"][0] == "+1.50 (+1.50 to +1.50)"
    assert cells["ours − it"][1] == "+0.50 (+0.50 to +0.50)"
    assert cells["same"][1] == "0%"


def test_parts_with_the_same_photographs_are_told_apart():
    rows = []
    for seed in range(4):  # in two of four parts both ways take a.jpg
        shared = "a.jpg" if seed < 2 else None
        rows.append(gain_row(("a", seed), OURS, 2.0, added=shared))
        gain = 2.0 if seed < 2 else 1.0
        rows.append(gain_row(("a", seed), CAP, gain, added=shared))
    cells = cells_of(summary(rows))
    assert cells["same"] == ["", "50%"]
    assert cells["ours − it"][1].startswith("+0.50 ")
    assert cells["where not the same"][1].startswith("+1.00 ")
    every = [gain_row(("a", 0), way, 1.0, added="a") for way in (OURS, CAP)]
    assert cells_of(summary(every))["where not the same"][1] == "–"


def test_trainings_of_a_set_count_as_their_mean_and_tell_the_noise():
    twice = [
        gain_row(("a", 0), way, gain, fit_seed=seed, added=added)
        for way, added in ((OURS, "x"), (CAP, "x"), ("third", "y"))
        for seed, gain in enumerate((1.0, 3.0) if added == "x" else (2.0, 2.0))
    ]
    assert by_part(twice)["hole_gain_db"].tolist() == [2.0, 2.0, 2.0]
    # Variances 2 of x, which counts once, and 0 of y.
    assert training_noise_db(twice) == pytest.approx(1.0)
    assert np.isnan(training_noise_db(twice[::2]))


def test_gains_as_expected_agree():
    rows = [
        gain_row(("a", seed), OURS, gain, added=f"{seed}.jpg")
        for seed, gain in enumerate((0.5, 1.0, 3.0))
    ]
    assert agreement(rows) == pytest.approx(1.0)
    assert np.isnan(agreement(rows[:2]))
