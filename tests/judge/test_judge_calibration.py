"""Probabilities and thresholds against counting."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mtcm_pipeline.errors import ParameterError
from mtcm_pipeline.judge.calibration import Calibration, calibrated, reliability


@pytest.fixture(scope="module")
def drawn():
    rng = np.random.default_rng(0)
    logits, faulty = [], []
    for _ in range(12):
        bad = rng.random(300) < 0.3
        logits.append(rng.normal(np.where(bad, 2.0, -2.0), 1.2))
        faulty.append(bad)
    return logits, faulty


def test_the_threshold_loses_what_was_asked_on_the_same_draw(drawn):
    names = [f"capture {number % 2}" for number in range(len(drawn[0]))]
    fitted = calibrated(*drawn, adaptation=0.0, captures=names)
    sound = np.concatenate([values[~bad] for values, bad in zip(*drawn, strict=True)])
    for percent in (0.5, 2.0, 10.0):
        lost = 100 * (sound > fitted.threshold(percent)).mean()
        assert percent - max(0.3, 0.1 * percent) <= lost <= percent + 0.05


def test_captures_that_differ_widely_raise_the_threshold_until_all_are_safe():
    rng = np.random.default_rng(1)
    shifts = [0.0] * 7 + [3.0] * 3
    logits = [rng.normal(shift, 1.0, 400) for shift in shifts]
    sound = [np.zeros(400, dtype=bool) for _ in shifts]
    reading = calibrated(logits, sound, adaptation=0.0)
    lost = [100 * (v > reading.threshold(2.0)).mean() for v in logits]
    assert max(lost) <= 4.0 + 0.3


def test_what_is_chosen_follows_captures_that_are_shifted_or_stretched():
    """Captures whose sound frames differ by a shift and a factor: a common threshold
    loses many of some; the chosen reading loses about the same of all."""
    rng = np.random.default_rng(2)
    logits, faulty = [], []
    for _ in range(16):
        bad = rng.random(400) < 0.3
        values = rng.normal(0.0, 1.0, 400) + 8.0 * bad
        logits.append(rng.uniform(-3.0, 3.0) + rng.uniform(0.5, 2.0) * values)
        faulty.append(bad)
    chosen = calibrated(logits, faulty)
    plain = calibrated(logits, faulty, adaptation=0.0)

    def most_lost(reading: Calibration) -> float:
        limit = reading.threshold(2.0) if reading is chosen else plain_limit
        return max(
            100 * (reading.adapted(v)[~b] > limit).mean()
            for v, b in zip(logits, faulty, strict=True)
        )

    values = np.concatenate([v[~b] for v, b in zip(logits, faulty, strict=True)])
    plain_limit = float(np.quantile(values, 0.98))  # the mean loss, without the guard
    assert chosen.adaptation > 0.5 and chosen.widening > 0.0
    assert most_lost(chosen) < 0.7 * most_lost(plain)


def test_one_name_for_all_versions_of_a_capture_counts_it_once():
    rng = np.random.default_rng(3)
    shifts, sizes = (2.0, 0.0, 0.0, 0.0), (50, 600, 50, 600)
    logits = [rng.normal(m, 1.0, n) for m, n in zip(shifts, sizes, strict=True)]
    sound = [np.zeros(n, dtype=bool) for n in sizes]
    apart = calibrated(logits, sound, adaptation=0.0, captures=["a", "b", "c", "d"])
    joined = calibrated(logits, sound, adaptation=0.0, captures=["a", "a", "b", "b"])
    pairs = [np.concatenate(logits[:2]), np.concatenate(logits[2:])]
    both = calibrated(pairs, [np.zeros(650, dtype=bool)] * 2, adaptation=0.0)
    assert joined.threshold(5.0) == both.threshold(5.0) < apart.threshold(5.0)


def test_probabilities_are_frequencies(drawn):
    """A Gaussian pair of classes has a logistic posterior, known in closed form."""
    fitted = calibrated(*drawn, adaptation=0.0)
    at = np.array([-2.0, 0.0, 1.0, 3.0])
    log_odds = np.log(0.3 / 0.7) + 4.0 * at / 1.2**2
    truth = 1.0 / (1.0 + np.exp(-log_odds))
    assert np.abs(fitted.probability(at) - truth).max() < 0.12
    assert (np.diff(fitted.probability(np.linspace(-9, 9, 200))) >= 0).all()


def test_full_adaptation_takes_off_what_a_whole_capture_shares(drawn):
    fitted = calibrated(*drawn, adaptation=1.0)
    values = drawn[0][0]
    assert np.allclose(fitted.adapted(values + 5.0), fitted.adapted(values))


def test_a_margin_moves_thresholds_and_probabilities_alike(drawn):
    plain = calibrated(*drawn)
    odder = replace(plain, margin=1.5)
    at = np.linspace(-4.0, 4.0, 30)
    assert np.allclose(odder.probability(at + 1.5), plain.probability(at))
    assert odder.threshold(2.0) == pytest.approx(plain.threshold(2.0) + 1.5)


def test_round_trip_and_bounds(drawn):
    fitted = calibrated(*drawn)
    assert Calibration.from_dict(fitted.to_dict()) == fitted
    with pytest.raises(ParameterError, match="max_good_lost_percent"):
        fitted.threshold(50.0)


def test_reliability_counts_every_frame_once():
    rows = reliability(np.array([0.05, 0.06, 0.95, 1.0]), np.array([0, 1, 1, 1]) > 0)
    assert rows == [(pytest.approx(0.055), 0.5, 2), (pytest.approx(0.975), 1.0, 2)]
