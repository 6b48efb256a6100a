"""The reconstruct pipeline on a generated turntable, in memory."""

from __future__ import annotations

import io
import logging

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from field_scenes import ball, views_of
from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.field.camera import FieldCamera
from mtcm_pipeline.field.options import ReconstructOptions
from mtcm_pipeline.field.quality import psnr
from mtcm_pipeline.field.render import picture
from mtcm_pipeline.field.transform import transformed
from mtcm_pipeline.pipelines.reconstruct import create_pipeline
from mtcm_pipeline.pipelines.reconstruct.nodes import hold_frames_out
from mtcm_pipeline.selection.options import SelectOptions
from mtcm_pipeline.selection.problem import Selection
from mtcm_pipeline.selection.user_word import final_scores, user_word
from mtcm_pipeline.tokens.gauge import canonical_gauge

VIEWS = views_of(ball(), 14, masked=True)
# The capture's own world: larger, turned and elsewhere.
WORLD = Similarity(7.0, np.diag([-1.0, 1.0, -1.0]), np.array([30.0, -2.0, 5.0]))
CHOSEN = [name for i, name in enumerate(VIEWS.names) if i % 3 != 1]
OPTIONS = ReconstructOptions(longer_side_px=40, gaussians=300, steps=150, held_out=3)


def png(pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(np.round(pixels * 255), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def cameras() -> PosedCameras:
    view = VIEWS.views[0]
    camera = Camera(
        "PINHOLE", view.width, view.height, (*view.focal_px, *view.principal_px)
    )
    poses = WORLD.cam_from_world(np.stack([v.cam_from_world for v in VIEWS.views]))
    return PosedCameras(VIEWS.names, poses, (1,) * len(VIEWS), {1: camera})


def run(chosen, usable=None, options=OPTIONS) -> dict:
    posed = cameras()
    good = VIEWS.names if usable is None else usable
    content = {
        "selection": Selection(
            "x", tuple(chosen), (0.0,) * len(chosen), ("",) * len(chosen)
        ),
        "final_scores": pd.DataFrame(
            {"name": VIEWS.names, "usable": [name in good for name in VIEWS.names]}
        ),
        "cameras": posed,
        "gauge": canonical_gauge(posed),
        "sparse_points": SparsePoints.empty(),
        "raw_images": {v.name: (lambda v=v: png(v.rgb)) for v in VIEWS.views},
        "raw_masks": {v.name: (lambda v=v: png(v.mask)) for v in VIEWS.views},
        "made_masks": {},
        "params:reconstruct": options,
    }
    for node in create_pipeline().nodes:
        content |= node.run({name: content[name] for name in node.inputs})
    return content


@pytest.fixture(scope="module")
def results():
    return run(CHOSEN, usable=VIEWS.names[:13])


def test_frames_held_out_are_usable_and_not_selected(results):
    split = results["reconstruction_split"]
    held_out = split.loc[split["role"] == "held out", "name"].tolist()
    assert split["name"].tolist() == [*CHOSEN, *held_out]
    assert len(held_out) == 3
    assert set(held_out) < set(VIEWS.names[:13]) - set(CHOSEN)


def test_quality_has_a_row_a_held_out_frame(results):
    quality = results["reconstruction_quality"]
    assert list(quality.columns) == ["frame", "psnr", "masked_psnr", "ssim"]
    split = results["reconstruction_split"]
    assert set(quality["frame"]) == set(split.loc[split["role"] == "held out", "name"])
    assert quality["masked_psnr"].min() > 15
    assert len(results["reconstruction_curve"]) == OPTIONS.steps
    assert isinstance(results["reconstruction_pictures"], Figure)


def test_the_splats_lie_in_the_captures_own_world(results):
    splats = results["reconstruction_splats"]
    opaque = splats.opacities > 0.5
    centre = WORLD.points(np.zeros(3))
    distance = np.linalg.norm(splats.means_xyz[opaque] - centre, axis=1)
    assert np.median(distance) == pytest.approx(0.25 * WORLD.scale, rel=0.25)
    # Seen from a chosen frame's own camera (near plane aside), it is that photograph.
    view = VIEWS.views[2]
    shrunk = Similarity(1 / WORLD.scale, np.eye(3), centre)
    camera = FieldCamera(
        shrunk.cam_from_world(cameras().pose_of(view.name)),
        view.focal_px,
        view.principal_px,
        view.width,
        view.height,
    )
    shown = picture(transformed(splats, shrunk), camera)
    assert psnr(view.rgb, shown.image, view.mask) > 18


def test_nothing_left_to_hold_out_is_said_and_the_field_is_fitted(caplog):
    quick = ReconstructOptions(longer_side_px=40, gaussians=30, steps=2)
    with caplog.at_level(logging.WARNING):
        found = run(VIEWS.names, options=quick)
    assert "none is left to judge the field by" in caplog.text
    assert len(found["reconstruction_quality"]) == 0
    assert len(found["reconstruction_splats"]) == len(found["reconstruction_field"]) > 0


@pytest.mark.parametrize("chosen", [[], ["00.png"]])
def test_too_small_a_selection_is_refused_with_a_remedy(chosen):
    with pytest.raises(CaptureError, match=r"needs at least 2: raise select.budget"):
        run(chosen)


def test_a_frame_that_the_user_dropped_judges_nothing():
    """All that is left to hold out but one frame is dropped: that one is held out."""
    left = [name for name in VIEWS.names if name not in CHOSEN]
    scores = pd.DataFrame({"name": VIEWS.names, "usable": True, "faulty": False})
    scores = scores.assign(fault_score=0.0, reason="", other="")
    options = SelectOptions(drop=left[1:])
    final = final_scores(scores, user_word(options, VIEWS.names))
    split = hold_frames_out(
        Selection("x", tuple(CHOSEN), (0.0,) * len(CHOSEN), ("",) * len(CHOSEN)),
        final,
        cameras(),
        canonical_gauge(cameras()),
        OPTIONS,
    )
    assert split.loc[split["role"] == "held out", "name"].tolist() == left[:1]
