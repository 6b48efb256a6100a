"""Frames out of order: by brute force, by planting, and under what must not matter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from judge_cases import evidence_of
from scipy.spatial.transform import Rotation

from mtcm_pipeline.judge.order_evidence import misplaced, order_columns


def _moved(n: int, row: int, place: int) -> np.ndarray:
    """(n,) rows in an order in which one was put elsewhere."""
    rest = np.delete(np.arange(n), row)
    return np.insert(rest, place, row)


def _reordered(evidence, order):
    arrays = {
        name: getattr(evidence, name)[order]
        for name in ("world_from_cam", "embeddings", "patches", "numbers", "small")
    }
    return replace(evidence, **arrays)


def test_against_brute_force():
    points = np.cumsum(np.random.default_rng(2).normal(0.5, 1.0, (14, 3)), axis=0)
    n, far = len(points), lambda a, b: float(np.linalg.norm(points[a] - points[b]))
    usual = np.median([far(i, i + 1) for i in range(n - 1)])
    found = misplaced(points)
    for i in range(2, n - 2):
        around = [
            far(i + a, i) + far(i, i + b) - far(i + a, i + b)
            for a, b in ((-1, 1), (-2, 1), (-1, 2), (-2, 2))
        ]
        elsewhere = [
            far(j, i) + far(i, j + 1) - far(j, j + 1)
            for j in range(n - 1)
            if not {j, j + 1} & {i - 1, i, i + 1}
        ]
        expected = np.log((np.median(around) + usual) / (min(elsewhere) + usual))
        assert found[i] == pytest.approx(expected, abs=1e-6), i


def test_chunks_change_nothing():
    points = np.random.default_rng(3).normal(size=(40, 6))
    assert np.allclose(misplaced(points, chunk=7), misplaced(points))


@pytest.mark.parametrize(("row", "place"), [(5, 16), (20, 2), (12, 0), (3, 23)])
def test_a_frame_that_was_put_elsewhere_stands_out(row, place):
    evidence = _reordered(evidence_of(24), _moved(24, row, place))
    for name, values in order_columns(evidence).items():
        assert values.argmax() == place, name


def test_a_frame_with_a_wrong_pose_fits_nowhere_better():
    evidence = evidence_of(24)
    poses = evidence.world_from_cam.copy()
    poses[9, :3, 3] *= 1.8
    columns = order_columns(replace(evidence, world_from_cam=poses))
    assert columns["misplaced_pose"][9] < 0.5
    assert columns["misplaced_both"][9] <= columns["misplaced_looks"][9]


def test_a_break_of_the_path_is_no_fault():
    line = np.zeros((20, 3))
    line[:, 0] = np.arange(20) + 30.0 * (np.arange(20) >= 10)
    assert misplaced(line)[[8, 9, 10, 11]].max() <= 0.0


def test_neither_the_world_frame_nor_its_unit_matters():
    points = np.random.default_rng(4).normal(size=(20, 3)).cumsum(axis=0)
    turn = Rotation.from_rotvec([0.3, -1.0, 0.5]).as_matrix()
    assert np.allclose(misplaced(7.0 * points @ turn + 5.0), misplaced(points))


def test_absent_points_are_passed_over():
    points = np.random.default_rng(5).normal(size=(15, 3))
    with_gap = np.insert(points, 6, np.nan, axis=0)
    found = misplaced(with_gap)
    assert np.isnan(found[6])
    assert np.allclose(np.delete(found, 6), misplaced(points))
    assert np.isnan(misplaced(points[:7])).all()
