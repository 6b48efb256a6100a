"""Predictions of hidden tokens: measures, masks and sums by hand."""

from __future__ import annotations

from dataclasses import fields, replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from mtcm_pipeline.figures.hidden_tokens import hidden_token_figure
from mtcm_pipeline.mtcm.fold_prediction import heard_residual
from mtcm_pipeline.mtcm.hidden_token_evaluation import (
    MTCM,
    HiddenTokenRow,
    evaluation_rows,
    hidden_frames,
    measures,
    without_order,
)
from mtcm_pipeline.mtcm.hidden_token_summary import summary
from mtcm_pipeline.mtcm.options import TrainOptions
from mtcm_pipeline.mtcm.residual_prediction import ask
from mtcm_pipeline.mtcm.trained_alone import PlainAlone, ResidualAlone
from mtcm_pipeline.regressors.registry import Prediction, simple_predictors
from mtcm_pipeline.tokens.build import build_tokens
from mtcm_pipeline.tokens.layout import CENTRE, FIELDS, QUATERNION
from synthetic import frame_table, orbit_cameras, smooth_embeddings

N = 30


def tokens_of(n):
    cameras = orbit_cameras(n)
    return build_tokens(frame_table(cameras), smooth_embeddings(cameras), cameras)[0]


@pytest.fixture(scope="module")
def tokens():
    return tokens_of(N)


@pytest.fixture(scope="module")
def few():
    """Tokens of a capture short enough to ask every method about."""
    return tokens_of(20)


def test_measures_of_predictions_that_are_off_by_known_amounts(tokens):
    hidden = np.zeros_like(tokens.present)
    hidden[:6] = True
    values = tokens.values.copy()
    values[:6, CENTRE] += [0.3, 0.0, 0.4]  # half a unit
    quarter = np.array([np.cos(np.pi / 8), 0.0, 0.0, np.sin(np.pi / 8)])  # 45 degrees
    w, x, y, z = values[:6, QUATERNION].T
    values[:6, QUATERNION] = np.stack(
        [
            w * quarter[0] - z * quarter[3],
            x * quarter[0] + y * quarter[3],
            y * quarter[0] - x * quarter[3],
            z * quarter[0] + w * quarter[3],
        ],
        axis=1,
    )
    found = measures(tokens, hidden, Prediction(values, np.zeros(hidden.shape)))
    assert found["embedding R2"] == pytest.approx(1.0)
    assert found["embedding cosine"] == pytest.approx(1.0)
    assert found["position"] == pytest.approx(0.5)
    assert found["rotation"] == pytest.approx(45.0, abs=1e-6)

    shown = tokens.values[6:, :384].mean(axis=0)
    values[:6, :384] = shown
    found = measures(tokens, hidden, Prediction(values, np.zeros(hidden.shape)))
    assert found["embedding R2"] == pytest.approx(0.0)


def test_a_fifth_is_hidden_and_a_sector_is_a_run_of_azimuths(tokens):
    azimuth = np.arctan2(tokens.values[:, CENTRE][:, 1], tokens.values[:, CENTRE][:, 0])
    around = np.argsort(azimuth)
    for seed in range(10):
        assert hidden_frames(tokens, "random", seed).sum() == N // 5
        sector = hidden_frames(tokens, "sector", seed)[around]
        assert sector.sum() == N // 5
        assert (sector != np.roll(sector, 1)).sum() == 2


def test_a_pile_has_no_timestamps_and_every_order_is_as_likely(tokens):
    pile = without_order(tokens, 0)
    assert not pile.present[:, FIELDS.index("timestamp")].any()
    assert sorted(pile.times) == pytest.approx(np.linspace(0, 1, N))
    assert not np.array_equal(np.argsort(pile.times), np.argsort(tokens.times))
    again = without_order(tokens, 0)
    assert np.array_equal(pile.times, again.times)


def test_the_gain_is_against_the_best_simple_method_by_hand():
    best, other = list(simple_predictors())[:2]
    values = {best: (0.4, 0.6), other: (0.9, 0.8), MTCM: (0.3, 0.4)}
    rows = pd.DataFrame(
        [
            (capture, True, "random", 0, "pose", method, "position", of[index])
            for method, of in values.items()
            for index, capture in enumerate(("one", "two"))
        ],
        columns=[field.name for field in fields(HiddenTokenRow)],
    )
    (line,) = summary(rows).to_dict("records")
    assert line["best"] == best
    assert line["gain"] == pytest.approx(0.15)  # mean of 0.1 and 0.2
    assert line["noise"] == pytest.approx(0.05)
    # Where more is better, the best is the largest and a gain is upwards.
    (line,) = summary(rows.assign(measure="embedding R2")).to_dict("records")
    assert line["best"] == other
    assert line["gain"] == pytest.approx(-0.5)


def test_every_method_answers_and_the_picture_takes_the_rows(few):
    rows = pd.DataFrame([vars(row) for row in evaluation_rows({"one": few}, 1, "none")])
    methods = set(rows["method"])
    assert {*simple_predictors(), "kernel prior", MTCM} <= methods
    counts = rows.groupby("method").size()
    assert counts.nunique() == 1
    # An untrained residual is the prior, whatever its gate.
    table = rows.pivot_table(
        values="value",
        index=["ordered", "mask", "hidden", "measure"],
        columns="method",
    )
    np.testing.assert_allclose(table[MTCM], table["kernel prior"], atol=1e-5)
    assert len(hidden_token_figure(rows).axes) == 10


@pytest.mark.parametrize("kind", [PlainAlone, ResidualAlone])
def test_what_is_trained_alone_never_sees_what_is_hidden(few, kind):
    hidden = np.zeros_like(few.present)
    hidden[3:9, FIELDS.index("pose")] = True
    method = kind(TrainOptions(epochs=3, d_model=32, heads=4, tasks=2))
    here = method.predict(few, hidden)
    values = few.values.copy()
    values[3:9, CENTRE] += 4.0
    there = method.predict(replace(few, values=values), hidden)
    np.testing.assert_array_equal(here.values, there.values)
    asked = np.isfinite(here.values[:, CENTRE]).all(axis=1)
    assert np.array_equal(np.flatnonzero(asked), np.arange(3, 9))
    assert np.isnan(here.values[:, :384]).all()


def test_a_residual_is_not_heard_where_nothing_tells_of_the_frame():
    residual = torch.ones(3, 2)
    part = SimpleNamespace(name="centre", believed=np.array([0.0, 0.4, 1.0]))
    output = SimpleNamespace(residuals={"centre": residual})
    heard = heard_residual(part, output)
    np.testing.assert_array_equal(heard, [[0.0, 0.0], [1.0, 1.0], [1.0, 1.0]])


def test_nothing_tells_of_whole_frames_of_noise_and_the_prior_is_the_mean(tokens):
    rng = np.random.default_rng(2)
    values = tokens.values.copy()
    values[:, :384] = rng.normal(size=(N, 384))
    noise = without_order(replace(tokens, values=values), 3)
    order = np.argsort(noise.times)
    noise = replace(noise, values=noise.values[order], times=noise.times[order])
    hidden = np.zeros_like(noise.present)
    hidden[[2, 9, 20]] = noise.present[[2, 9, 20]]
    part = next(p for p in ask(noise, hidden).view.parts if p.name == "embedding")
    shown = np.delete(noise.values[:, :384], [2, 9, 20], axis=0)
    assert (part.believed == 0.0).all()
    np.testing.assert_allclose(part.prior, np.tile(shown.mean(axis=0), (3, 1)), atol=1e-9)
