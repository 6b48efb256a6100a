"""Areas and recalls against scikit-learn and counting."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from mtcm_pipeline.benchmarks.fault_metrics import (
    caught_at_loss,
    threshold_at_loss,
    won_pairs,
)


def test_the_share_of_won_pairs_is_the_roc_area():
    rng = np.random.default_rng(0)
    bad = rng.random(200) < 0.3
    scores = np.round(rng.normal(bad * 1.0, 1.0), 1)  # with ties
    won, pairs = won_pairs(scores, bad, ~bad)
    assert won / pairs == pytest.approx(roc_auc_score(bad, scores))


def test_thresholds_lose_no_more_than_asked():
    sound = np.arange(100.0)
    assert threshold_at_loss(sound, 0.05) == 94.0
    assert (sound > threshold_at_loss(sound, 0.02)).sum() == 2
    assert threshold_at_loss(np.array([]), 0.05) == -np.inf
    scores = np.concatenate([sound, [94.5, 94.0, 1.0]])
    bad = np.arange(103) >= 100
    assert caught_at_loss(scores, bad, ~bad, 0.05) == 1
