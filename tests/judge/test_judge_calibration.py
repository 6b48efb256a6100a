"""Probabilities and thresholds against counting."""

from __future__ import annotations

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
    fitted = calibrated(*drawn, adaptation=0.0)
    sound = np.concatenate([values[~bad] for values, bad in zip(*drawn, strict=True)])
    for percent in (0.5, 2.0, 10.0):
        lost = 100 * (sound > fitted.threshold(percent)).mean()
        assert percent - 0.3 <= lost <= percent + 0.05


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


def test_round_trip_and_bounds(drawn):
    fitted = calibrated(*drawn)
    assert Calibration.from_dict(fitted.to_dict()) == fitted
    with pytest.raises(ParameterError, match="max_good_lost_percent"):
        fitted.threshold(50.0)


def test_reliability_counts_every_frame_once():
    rows = reliability(np.array([0.05, 0.06, 0.95, 1.0]), np.array([0, 1, 1, 1]) > 0)
    assert rows == [(pytest.approx(0.055), 0.5, 2), (pytest.approx(0.975), 1.0, 2)]
