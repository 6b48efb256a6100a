"""What the evaluate nodes tell, and what they choose beside snapshots."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from mtcm_pipeline.pipelines.evaluate.nodes import _tell_refused, draw_snapshots
from mtcm_pipeline.selection.options import SelectOptions
from mtcm_pipeline.tokens.build import build_tokens
from synthetic import frame_table, orbit_cameras, smooth_embeddings


@pytest.mark.parametrize(("count", "more"), [(0, 0), (20, 0), (75, 55)])
def test_many_refused_frames_do_not_fill_the_console(caplog, count, more):
    names = [f"{row}.jpg" for row in range(count + 2)]
    usable = [False] * count + [True, True]
    scores = pd.DataFrame({"name": names, "usable": usable, "reason": "blurred"})
    caplog.set_level(logging.DEBUG)
    _tell_refused(scores)
    every = [r.getMessage() for r in caplog.records if "blurred" in r.getMessage()]
    assert every == [f"not usable: {name} (blurred)" for name in names[:count]]
    told = [r.getMessage() for r in caplog.records if r.levelno >= logging.INFO]
    assert len(told) == min(count, 20) + bool(more)
    if more:
        assert told[-1].startswith(f"not usable: {more} more")


@pytest.fixture
def no_pictures(monkeypatch):
    """They take seconds and are tested elsewhere."""
    for place in ("attention.attention_heatmap", "training.pose_deltas",
                  "training.recon_deltas"):  # fmt: skip
        monkeypatch.setattr(f"mtcm_pipeline.figures.{place}", lambda *given: None)


def choices(**said) -> list[dict]:
    """What stands beside two snapshots of twelve frames, the third of them faulty."""
    cameras = orbit_cameras(12)
    tokens, _ = build_tokens(frame_table(cameras), smooth_embeddings(cameras), cameras)
    latent = np.random.default_rng(0).normal(size=(2, 12, 16))
    snapshots = [SimpleNamespace(epoch=k, latent=latent[k]) for k in range(2)]
    bad = np.arange(12) == 2
    scores = pd.DataFrame({"name": cameras.names, "faulty": bad, "usable": ~bad})
    scores = scores.assign(fault_score=0.1, reason="", other="", degree_blurred=0.0)
    options = SelectOptions(budget=5, **said)
    files = draw_snapshots(snapshots, tokens, scores, {}, options)
    return [files[f"filtered_views_epoch{snapshot.epoch}.json"] for snapshot in snapshots]


@pytest.mark.usefixtures("no_pictures")
def test_where_the_strategy_fits_fields_another_chooses_and_the_file_says_so(caplog):
    usual, instead = choices(), choices(strategy="field_guided")
    assert [each["views"] for each in instead] == [each["views"] for each in usual]
    for each in instead:
        assert each["strategy"] == "view_coverage"
        assert each["instead_of"].startswith("field_guided")
    assert not any("instead_of" in each for each in usual)
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


@pytest.mark.usefixtures("no_pictures")
def test_snapshots_choose_by_the_users_word():
    for each in choices(keep=["f002.jpg"], drop=["f000.jpg"]):
        assert each["views"][0] == "f002.jpg" and "f000.jpg" not in each["views"]
