"""Points of which nobody knows who saw them must disturb nothing that asks."""

import numpy as np
import pandas as pd

from field_scenes import cloud, views_of
from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.datasets.dataclasses import DataclassArraysDataset
from mtcm_pipeline.export.undistorted import undistorted_points
from mtcm_pipeline.field.options import FieldOptions
from mtcm_pipeline.field.start import sparse_start, start_points
from mtcm_pipeline.formats.reading import PoseReading
from mtcm_pipeline.sfm.packing import pack_reading, unpack_reading
from mtcm_pipeline.twoview.pose_evidence import observation_table
from mtcm_pipeline.twoview.torn_views import torn_views
from synthetic import orbit_cameras

RNG = np.random.default_rng(11)
ORBIT = orbit_cameras(6)
POINTS = SparsePoints.untracked(
    RNG.normal(size=(700, 3)) * 0.2, RNG.integers(0, 256, (700, 3)).astype(np.uint8)
)
NONE = SparsePoints.empty()


def same(a: SparsePoints, b: SparsePoints) -> None:
    np.testing.assert_array_equal(a.xyz, b.xyz)
    np.testing.assert_array_equal(a.rgb, b.rgb)
    assert len(a.track_point) == len(b.track_point) == 0


def test_nobody_saw_them():
    assert len(POINTS) == 700 and not POINTS.has_tracks
    assert POINTS.images() == frozenset()
    names, which = POINTS.observers()
    assert len(names) == len(which) == 0
    assert len(POINTS.seen_by(ORBIT.names, 1)) == 0


def test_they_are_evidence_for_no_pose():
    pd.testing.assert_frame_equal(
        observation_table(ORBIT.names, POINTS), observation_table(ORBIT.names, NONE)
    )
    assert torn_views(ORBIT, POINTS) == torn_views(ORBIT, NONE)


def test_they_cross_processes_and_files(tmp_path):
    reading = PoseReading(ORBIT, POINTS, {}, ())
    packed = unpack_reading(pack_reading(reading)).points
    assert packed is not None
    same(packed, POINTS)
    dataset = DataclassArraysDataset(
        filepath=str(tmp_path / "p.npz"), of="mtcm_pipeline.capture.points.SparsePoints"
    )
    dataset.save(POINTS)
    same(dataset.load(), POINTS)


def test_undistortion_leaves_them_where_they_are():
    same(undistorted_points(POINTS, ORBIT), POINTS)


def test_no_fit_starts_from_them():
    """Who saw them is not known, so they may come from the views that are held out."""
    views = views_of(cloud(20, 3), 6, masked=True)
    assert len(sparse_start(views, POINTS)) == 0
    options = FieldOptions(gaussians=50, least_sparse_points=1)
    with_them = start_points(views, views.names, options, seed=1, sparse=POINTS)
    without = start_points(views, views.names, options, seed=1)
    np.testing.assert_array_equal(with_them.xyz, without.xyz)
