"""The finetune pipeline on a generated turntable, in memory."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from field_scenes import ball, views_of
from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.mtcm.results import HiddenPrediction
from mtcm_pipeline.pipelines.finetune import create_pipeline
from mtcm_pipeline.pipelines.finetune.nodes import hold_test_frames_out
from mtcm_pipeline.selection.options import SelectOptions
from mtcm_pipeline.selection.problem import Selection
from mtcm_pipeline.selection.user_word import final_scores, user_word
from mtcm_pipeline.tokens.build import build_tokens
from mtcm_pipeline.tokens.layout import FIELDS
from mtcm_pipeline.tuning.doubts import doubt_of_judgement
from mtcm_pipeline.tuning.options import FinetuneOptions
from mtcm_pipeline.tuning.persistence import head_from_tensors
from mtcm_pipeline.tuning.registration import carried
from mtcm_pipeline.tuning.rigid import pose_distance
from mtcm_pipeline.twoview.options import TwoViewOptions

VIEWS = views_of(ball(), 18, masked=True)
# The capture's own world: larger, turned and elsewhere.
WORLD = Similarity(7.0, np.diag([-1.0, 1.0, -1.0]), np.array([30.0, -2.0, 5.0]))
BAD = VIEWS.names[6]
CHOSEN = [name for i, name in enumerate(VIEWS.names) if i % 2]
OPTIONS = FinetuneOptions(
    longer_side_px=40, gaussians=300, steps=120, held_out=3, validation_views=2,
    meta_every=15, use_matches=False,
)  # fmt: skip


def png(pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(np.round(pixels * 255), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def cameras(spoil: bool = True) -> PosedCameras:
    view = VIEWS.views[0]
    camera = Camera(
        "PINHOLE", view.width, view.height, (*view.focal_px, *view.principal_px)
    )
    poses = [
        carried(v.cam_from_world, 1, 3.0, 1.0) if spoil and v.name == BAD else
        v.cam_from_world for v in VIEWS.views
    ]  # fmt: skip
    return PosedCameras(
        VIEWS.names, WORLD.cam_from_world(np.stack(poses)), (1,) * len(VIEWS), {1: camera}
    )


def content(options=OPTIONS) -> dict:
    posed, n = cameras(), len(VIEWS)
    frames = pd.DataFrame({"name": VIEWS.names, "width": 40, "height": 32})
    frames[["timestamp_s", "mask_area", "focal_px"]] = np.nan
    vectors = np.random.default_rng(0).normal(size=(n, 384)).astype(np.float32)
    tokens, gauge = build_tokens(frames, vectors, posed)
    nothing = np.full(n, 0.05)
    predicted = HiddenPrediction(
        tokens.values, np.zeros((n, len(FIELDS))), np.zeros((n, len(FIELDS))),
        nothing, np.full(n, 3.0), nothing,
    )  # fmt: skip
    bad = [name == BAD for name in VIEWS.names]
    scores = pd.DataFrame({"name": VIEWS.names, "faulty": bad})
    scores["usable"] = ~scores["faulty"]
    scores["user"] = ""
    scores["fault_probability"] = np.where(bad, 0.97, 0.02)
    scores["field"] = np.where(bad, "pose", "none")
    scores["kind"] = np.where(bad, "rotation", "")
    return {
        "selection": Selection("x", tuple(CHOSEN), (0.0,) * 9, ("",) * 9),
        "final_scores": scores,
        "cameras": posed,
        "gauge": gauge,
        "image_pairs": pd.DataFrame({"name_a": [], "name_b": []}),
        "content_cache": None,
        "tokens": tokens,
        "hidden_predictions": predicted,
        "frame_representations": vectors[:, :8].astype(float),
        "raw_images": {v.name: (lambda v=v: png(v.rgb)) for v in VIEWS.views},
        "raw_masks": {v.name: (lambda v=v: png(v.mask)) for v in VIEWS.views},
        "made_masks": {},
        "params:two_view": TwoViewOptions(workers=0),
        "params:finetune": options,
    }


def run(given: dict) -> dict:
    for node in create_pipeline().nodes:
        given |= node.run({name: given[name] for name in node.inputs})
    return given


@pytest.fixture(scope="module")
def results():
    return run(content())


def test_test_frames_are_usable_and_not_selected(results):
    split = results["finetune_split"]
    held_out = set(split.loc[split["role"] == "held out", "name"])
    assert len(held_out) == 3
    assert not held_out & {*CHOSEN, BAD}
    assert set(results["view_weights"]["name"]) == set(VIEWS.names) - held_out


def test_refined_poses_are_in_the_captures_own_world(results):
    refined, given, true = results["refined_cameras"], cameras(), cameras(spoil=False)
    assert refined.names == given.names
    before = pose_distance(given.pose_of(BAD), true.pose_of(BAD))
    after = pose_distance(refined.pose_of(BAD), true.pose_of(BAD))
    assert before == pytest.approx((3.0, 7 * 2 * np.sin(np.radians(1.5)) * 1.03), rel=0.1)
    assert after[0] < 0.75 * before[0]
    assert after[1] < 0.75 * before[1]
    for name in set(VIEWS.names) - {BAD}:
        assert refined.pose_of(name) == pytest.approx(given.pose_of(name), abs=1e-6)


def test_weights_curves_and_the_head_are_there(results):
    weights = results["view_weights"].set_index("name")
    assert ((weights["weight"] > 0) & (weights["weight"] <= 1)).all()
    assert len(results["finetune_curve"]) == OPTIONS.steps
    head, names = head_from_tensors(
        results["tuned_head"].tensors, results["tuned_head"].metadata
    )
    assert names == tuple(weights.index)
    assert head().detach().numpy() == pytest.approx(weights["weight"].to_numpy())
    assert isinstance(results["finetune_curves"], Figure)
    quality = results["finetune_quality"]
    assert len(quality) == 3
    assert quality[["psnr_before", "psnr_after"]].to_numpy().min() > 12


def test_nothing_held_out_gives_an_empty_comparison_and_a_picture():
    given = content(replace(OPTIONS, held_out=0, steps=30, gaussians=50))
    found = run(given)
    assert len(found["finetune_quality"]) == 0
    assert isinstance(found["finetune_curves"], Figure)


def test_photographs_that_are_gone_are_reported():
    given = content()
    given["raw_images"] = {}
    with pytest.raises(CaptureError, match=r"15 of the 15 .* gone .*run ingest"):
        run(given)


def test_a_frame_that_the_user_keeps_is_as_little_doubted_as_any():
    judged = content()["final_scores"].assign(fault_score=0.1, reason="", other="")
    word = user_word(SelectOptions(keep=[BAD]), VIEWS.names)
    doubt = doubt_of_judgement(final_scores(judged, word), [BAD, VIEWS.names[0]])
    assert doubt.fault_probability.tolist() == pytest.approx([0.0, 0.02])
    assert doubt.kept.all() and doubt.curable.all()


def test_a_frame_that_the_user_dropped_is_neither_learned_from_nor_a_judge():
    given = content()
    dropped = [VIEWS.names[1], VIEWS.names[2], BAD]  # chosen, left over, faulty
    named = given["final_scores"]["name"].isin(dropped)
    final = given["final_scores"].assign(user=np.where(named, "drop", ""))
    final["usable"] &= ~named
    split = hold_test_frames_out(
        given["selection"], final, given["cameras"], given["gauge"], OPTIONS
    )
    assert set(split["name"]) == set(VIEWS.names) - set(dropped)
