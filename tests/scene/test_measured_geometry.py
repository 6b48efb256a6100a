"""From thumbnails to what each view sees, on a scene that is known; the select node."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
import pytest
from rendered_scenes import FOCAL, RADIUS, orbit_views

from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.formats.masks import encode_mask
from mtcm_pipeline.ingest.thumbnail_masks import thumbnail_masks
from mtcm_pipeline.pipelines.select.nodes import measure_the_views, select_views
from mtcm_pipeline.scene.thumbnails import thumbnail_photos
from mtcm_pipeline.selection.options import SelectOptions
from mtcm_pipeline.surrogate.geometry import (
    ViewGeometry,
    focal_lengths_px,
    measure_geometry,
)
from mtcm_pipeline.tokens.build import build_tokens
from mtcm_pipeline.tokens.gauge import canonical_gauge

VIEWS = orbit_views(14, masks=True)
# Photographs twice as large as the thumbnails that are left of them.
LENS = Camera("PINHOLE", 144, 144, (2 * FOCAL, 2 * FOCAL, 72.0, 72.0))
CAMERAS = PosedCameras(
    VIEWS.names,
    np.stack([view.cam_from_world for view in VIEWS.views]),
    (1,) * len(VIEWS),
    {1: LENS},
)
THUMBNAILS = {v.name: (255 * v.rgb).astype(np.uint8) for v in VIEWS.views}
MASKS = {
    v.name: (lambda v=v: encode_mask(np.kron(v.mask, np.ones((2, 2))) > 0.5))
    for v in VIEWS.views
}
SCORES = pd.DataFrame({"name": VIEWS.names, "usable": True, "user": ""})


def test_masks_come_in_the_thumbnails_size_and_broken_ones_are_left_out():
    files = dict(MASKS) | {VIEWS.names[2]: lambda: b"no picture"}
    small = thumbnail_masks(CAMERAS, THUMBNAILS, files)
    assert set(small) == set(VIEWS.names) - {VIEWS.names[2]}
    np.testing.assert_array_equal(small[VIEWS.names[0]], VIEWS.views[0].mask > 0.5)


@pytest.mark.parametrize("masked", [True, False])
def test_each_view_sees_its_own_side_of_the_sphere(masked):
    masks = thumbnail_masks(CAMERAS, THUMBNAILS, MASKS) if masked else None
    photos = thumbnail_photos(CAMERAS, THUMBNAILS, masks)
    gauge = canonical_gauge(CAMERAS)
    geometry = measure_geometry(photos, gauge=gauge)
    world = gauge.inverse()
    xyz, centres = world.points(geometry.points_xyz), world.points(geometry.centres_xyz)
    on = np.abs(np.linalg.norm(xyz, axis=1) - RADIUS) < 0.03
    if masked:
        assert on.mean() > 0.9
    facing = np.einsum("npc,pc->np", centres[:, None] - xyz, xyz)[:, on] / RADIUS
    seen = geometry.seen[:, on]
    assert seen[facing > 0.3].mean() > 0.9
    assert seen[facing < -0.3].mean() < 0.1
    assert geometry.focal_px == pytest.approx(np.full(len(VIEWS), FOCAL), rel=0.02)


def test_focal_lengths_are_those_of_the_photographs_however_small_it_is_measured():
    photos = thumbnail_photos(CAMERAS, THUMBNAILS)
    geometry = measure_geometry(photos, longer_side_px=36)
    assert geometry.focal_px == pytest.approx(np.full(len(VIEWS), FOCAL), rel=0.02)


def test_frames_that_are_not_trusted_are_asked_but_not_believed():
    spoilt = dict(THUMBNAILS)
    spoilt[VIEWS.names[5]] = np.zeros_like(spoilt[VIEWS.names[5]])
    photos = thumbnail_photos(CAMERAS, spoilt)
    trusted = [name for name in VIEWS.names if name != VIEWS.names[5]]
    geometry = measure_geometry(photos, trusted=trusted)
    again = measure_geometry(thumbnail_photos(CAMERAS, THUMBNAILS), trusted=trusted)
    np.testing.assert_array_equal(geometry.points_xyz, again.points_xyz)
    assert geometry.seen[5].mean() > 0.2


def test_the_node_measures_every_posed_frame():
    geometry = measure_the_views(
        CAMERAS,
        canonical_gauge(CAMERAS),
        THUMBNAILS,
        MASKS,
        {},
        SCORES,
        SelectOptions(),
    )
    assert geometry.names == VIEWS.names
    assert (geometry.seen.mean(axis=1) > 0.2).all()


SMALL = Camera("PINHOLE", 72, 72, (FOCAL, FOCAL, 36.0, 36.0))
HUGE = Camera("PINHOLE", 1152, 1152, (16 * FOCAL, 16 * FOCAL, 576.0, 576.0))


def with_lenses(*lenses: Camera) -> PosedCameras:
    """The same poses; the lenses take turns."""
    turns = tuple(1 + row % len(lenses) for row in range(len(VIEWS)))
    numbered = dict(enumerate(lenses, start=1))
    return PosedCameras(VIEWS.names, CAMERAS.cam_from_world, turns, numbered)


@functools.cache
def measured(*lenses: Camera) -> ViewGeometry:
    cameras = with_lenses(*lenses)
    gauge = canonical_gauge(cameras)
    return measure_the_views(cameras, gauge, THUMBNAILS, {}, {}, SCORES, SelectOptions())


def choice(budget: int, *lenses: Camera) -> tuple[str, ...]:
    """By the select nodes, from poses, thumbnails and scores that are all alike."""
    cameras = with_lenses(*lenses)
    frames = pd.DataFrame({"name": VIEWS.names, "width": 72, "height": 72})
    frames[["timestamp_s", "mask_area", "focal_px"]] = np.nan
    nothing = np.full((len(VIEWS), 384), np.nan, np.float32)
    tokens, gauge = build_tokens(frames, nothing, cameras)
    scores = SCORES.assign(reason="", overruled="", fault_score=0.0, degree_blurred=0.0)
    options = SelectOptions(budget=budget, nearly_farthest=0.0, resolution_power=1.0)
    same = np.ones((len(VIEWS), len(VIEWS)))
    rest = (scores, measured(*lenses), cameras, gauge, THUMBNAILS, {}, {}, options)
    return select_views(tokens, same, *rest)[0].ranking


def test_resolution_is_that_of_the_photographs_and_not_of_their_thumbnails():
    mixed, small = measured(SMALL, HUGE), measured(SMALL)
    assert mixed.focal_px == pytest.approx([FOCAL, 16 * FOCAL] * 7)
    np.testing.assert_array_equal(mixed.points_xyz, small.points_xyz)
    np.testing.assert_array_equal(mixed.seen, small.seen)


def test_of_photographs_in_two_sizes_the_larger_are_chosen_and_one_size_tells_nothing():
    assert all(int(name[5:7]) % 2 for name in choice(5, SMALL, HUGE))
    assert not all(int(name[5:7]) % 2 for name in choice(5, SMALL))
    assert choice(8, SMALL) == choice(8, HUGE)


def test_a_focal_length_is_the_mean_of_both_and_that_of_the_lens_where_it_distorts():
    uneven = Camera("PINHOLE", 720, 720, (550.0, 554.0, 360.0, 360.0))
    bent = Camera("SIMPLE_RADIAL", 2880, 2880, (2208.0, 1440.0, 1440.0, -0.1))
    found = focal_lengths_px(with_lenses(uneven, bent))
    assert [*found] == list(VIEWS.names)
    assert [*found.values()] == pytest.approx([552.0, 2208.0] * 7)


def test_what_the_user_dropped_is_not_looked_at():
    dropped = SCORES["name"].isin(VIEWS.names[3:5])
    scores = SCORES.assign(usable=~dropped, user=np.where(dropped, "drop", ""))
    gauge = canonical_gauge(CAMERAS)
    geometry = measure_the_views(
        CAMERAS, gauge, THUMBNAILS, MASKS, {}, scores, SelectOptions()
    )
    assert set(geometry.names) == set(VIEWS.names) - set(VIEWS.names[3:5])


@pytest.mark.parametrize(
    ("scores", "options"),
    [
        (SCORES, SelectOptions(most_measured=13)),
        (SCORES.assign(usable=False), SelectOptions()),
    ],
)
def test_where_nothing_can_be_measured_poses_alone_decide(scores, options):
    gauge = canonical_gauge(CAMERAS)
    geometry = measure_the_views(CAMERAS, gauge, THUMBNAILS, {}, {}, scores, options)
    assert len(geometry) == 0


def test_one_trusted_frame_is_too_few():
    photos = thumbnail_photos(CAMERAS, THUMBNAILS)
    with pytest.raises(CaptureError, match="needs 2 posed frames to be trusted"):
        measure_geometry(photos, trusted=VIEWS.names[:1])
