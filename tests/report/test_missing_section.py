"""What is said where no view is proposed: the reason that holds, and no other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mtcm_pipeline.missing.find import find_missing
from mtcm_pipeline.missing.options import MissingOptions
from mtcm_pipeline.report.missing_section import missing_section
from mtcm_pipeline.tokens.build import build_tokens
from mtcm_pipeline.viewpoints.angles import viewpoints_of
from mtcm_pipeline.viewpoints.options import LabelOptions
from synthetic import frame_table, orbit_cameras, smooth_embeddings

SECTORS = "more than 25° from all of them"


def section(posed=12, kept=12, frames=12, share=0.5, **options):
    """Of a part of an orbit of which the first so many frames have a pose, are kept."""
    cameras = orbit_cameras(frames, share=share)
    table, embeddings = frame_table(cameras), smooth_embeddings(cameras)
    some = cameras.subset(cameras.names[:posed])
    table["has_pose"] = np.arange(frames) < posed
    tokens, gauge = build_tokens(table, embeddings, some)
    usable = np.arange(frames) < kept
    settings = MissingOptions(**options)
    found = find_missing(tokens, usable, gauge, settings, LabelOptions())
    views = viewpoints_of(tokens)
    return missing_section(views, usable, found.proposals, found.sectors, settings)


def test_what_is_proposed_needs_no_reason():
    found = section()
    assert len(found.proposals) == 5 and found.why_none == ""
    assert SECTORS in found.coverage and "No" not in found.coverage.split()
    assert len(found.sectors) >= 1


def test_who_asks_for_none_is_not_told_that_none_is_missing():
    found = section(count=0)
    assert found.proposals.empty and "missing.count=0" in found.why_none
    assert len(found.sectors) >= 1 and SECTORS in found.coverage


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"posed": 0}, "no frame has a pose"),
        ({"kept": 0}, "no frame with a pose was kept"),
        ({"posed": 6, "kept": 0}, "no frame with a pose was kept"),
        ({"posed": 1}, "one frame alone has a pose"),
        ({"posed": 0, "count": 0}, "no frame has a pose"),
    ],
)
def test_nothing_is_claimed_of_coverage_where_nothing_is_known(given, reason):
    found = section(**given)
    assert found.proposals.empty and found.sectors.empty
    assert "not known" in found.why_none and reason in found.why_none
    assert found.coverage == ""


def test_a_full_orbit_is_said_to_be_covered_and_what_ended_is_said_to_have_ended():
    full = section(24, 24, frames=24, share=1.0, uncovered_deg=60)
    assert full.sectors.empty and "no sector is more than 60°" in full.coverage
    cameras = orbit_cameras(6)
    tokens, _ = build_tokens(frame_table(cameras), smooth_embeddings(cameras), cameras)
    views = viewpoints_of(tokens)
    empty = pd.DataFrame(columns=[*section().proposals, "gain"])
    ended = missing_section(views, np.ones(6, bool), empty, empty, MissingOptions())
    assert "No further view is proposed" in ended.why_none
