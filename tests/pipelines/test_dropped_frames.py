"""What the user dropped covers no side and counts nowhere as kept: nodes, in memory."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd

from mtcm_pipeline.missing.options import MissingOptions
from mtcm_pipeline.pipelines.missing.nodes import propose_missing_views
from mtcm_pipeline.pipelines.select.nodes import take_the_users_word
from mtcm_pipeline.pipelines.viewpoints.nodes import measure_the_diversity
from mtcm_pipeline.selection.options import SelectOptions
from mtcm_pipeline.tokens.build import build_tokens
from mtcm_pipeline.viewpoints.options import LabelOptions
from synthetic import frame_table, orbit_cameras, smooth_embeddings

CAMERAS = orbit_cameras(40, share=1.0)
ARC = list(CAMERAS.names[10:20])  # a quarter of the turn, from 90 degrees on


def final(**said) -> pd.DataFrame:
    table = frame_table(CAMERAS).assign(has_image=True, has_pose=True)
    scores = pd.DataFrame({"name": CAMERAS.names, "faulty": False, "usable": True})
    scores = scores.assign(fault_score=0.1, reason="", other="", degree_blurred=0.0)
    return take_the_users_word(scores, table, SelectOptions(**said))


def captured():
    frames = frame_table(CAMERAS)
    return build_tokens(frames, smooth_embeddings(CAMERAS), CAMERAS)


def missing_sectors(table: pd.DataFrame) -> pd.DataFrame:
    tokens, gauge = captured()
    untrained = SimpleNamespace(options=SimpleNamespace(threads=1))
    options = MissingOptions(use_model=False)
    return propose_missing_views(
        tokens, gauge, table, untrained, options, LabelOptions()
    )[1:]


def test_a_side_that_only_dropped_frames_show_is_to_be_shot_again():
    covered, _ = missing_sectors(final())
    proposals, sectors = missing_sectors(final(drop=ARC))
    assert covered["nearest_deg"].max() < 30
    # The frames on both sides of the arc are 99 degrees apart.
    farthest = proposals.loc[proposals["nearest_deg"].idxmax()]
    assert 40 < farthest["nearest_deg"] < 50 and 90 < farthest["azimuth_deg"] < 180
    largest = sectors.loc[sectors["solid_angle_sr"].idxmax()]
    assert 90 < largest["azimuth_deg"] < 180
    assert not set(proposals["from_frame"]) & set(ARC)


def test_kept_views_are_counted_without_those_dropped():
    tokens, _ = captured()
    chosen = pd.DataFrame({"chosen": np.arange(40) < 5})
    table = measure_the_diversity(tokens, final(drop=ARC), chosen, LabelOptions())
    counted = table.set_index("measure").loc["views"]
    assert (counted["captured"], counted["kept"], counted["chosen"]) == (40, 30, 5)
