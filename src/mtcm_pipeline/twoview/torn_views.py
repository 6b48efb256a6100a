"""Cameras that stand side by side and share no point: a reconstruction folded together.

Where a subject looks alike from opposite sides (a carton, a can), structure from motion
may put the cameras of both sides on top of each other. Each side agrees with itself, so
no pose looks wrong and no reprojection error grows; but a point that a camera sees should
be seen by the camera beside it too, and those of the other side are not. Missing
correspondences as evidence: C. Zach, A. Irschara and H. Bischof, What can missing
correspondences tell us about 3D structure and motion?, CVPR 2008.

Dimension letters: N frames, P points, M points of one frame, T observations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.ingest.intrinsics import mean_focal_px

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
Index = NDArray[np.int64]

# A point looks the same from here and there: under a smaller angle, and not from more
# than one and a half times as far.
_ANGLE_DEG = 12.0
_DISTANCE_FACTOR = 1.5
# Points that a camera ought to see to count as beside another, in number and of all that
# the other sees: a few at the subject's rim may be hidden from there.
_FEWEST_POINTS = 20
_BESIDE_SHARE = 0.5
# Neighbours that share less are torn; of those in sound reconstructions none shares less
# than 0.15, the usual is half and more.
_TORN_SHARE = 0.1
# Evenly over the capture, so that a long video takes no longer.
_FRAMES = 300
_POINTS_A_FRAME = 400


@dataclass(frozen=True)
class TornViews:
    """Cameras beside each other, and those of them that share no points.

    Attributes:
        beside: pairs of frames of which each ought to see what the other sees.
        torn: those of them, by name, that hardly share a point.
    """

    beside: int
    torn: tuple[tuple[str, str], ...]


def torn_views(cameras: PosedCameras, points: SparsePoints) -> TornViews:
    """Look for cameras that the poses put beside each other and the points do not.

    Args:
        cameras: (N) poses; any similarity transform of the world changes nothing.
        points: the model's points with their tracks; without any nothing is beside.
    """
    view = _Views.of(cameras, points)
    count = len(view.names)
    expected, shared = np.zeros((2, count, count))
    for row in range(count):
        expected[row], shared[row] = view.asked_and_answered(row)
    least = np.maximum(_FEWEST_POINTS, _BESIDE_SHARE * view.counts)
    asked = expected >= least[:, None]
    beside = np.triu(asked & asked.T, 1)
    share = (shared + shared.T) / np.maximum(expected + expected.T, 1.0)
    torn = [
        (view.names[a], view.names[b])
        for a, b in np.argwhere(beside & (share < _TORN_SHARE))
    ]
    return TornViews(int(beside.sum()), tuple(torn))


@dataclass(frozen=True)
class _Views:
    """The frames that are compared, and what they see."""

    names: tuple[str, ...]
    cam_from_world: Float  # (N, 4, 4)
    centres_xyz: Float  # (N, 3)
    half_tangents: Float  # (N, 2) of half the field of view
    xyz: Float  # (P, 3) the points that are asked after
    sees: Bool  # (N, P)
    mine: tuple[Index, ...]  # of each frame, those of its points

    @classmethod
    def of(cls, cameras: PosedCameras, points: SparsePoints) -> _Views:
        observers, which = points.observers()
        group_of = {str(name): group for group, name in enumerate(observers)}
        known = [name for name in cameras.names if name in group_of]
        names = [known[i] for i in _evenly(len(known), _FRAMES)]
        order = np.argsort(which, kind="stable")
        ends = np.cumsum(np.bincount(which, minlength=len(observers)))
        groups = np.split(points.track_point[order], ends[:-1])
        seen = [np.unique(groups[group_of[name]]) for name in names]
        mine = [ids[_evenly(len(ids), _POINTS_A_FRAME)] for ids in seen]
        asked = np.unique(np.concatenate([np.zeros(0, np.int64), *mine]))
        sees = [np.isin(asked, ids, assume_unique=True) for ids in seen]
        posed = cameras.subset(names)
        return cls(
            tuple(names),
            posed.cam_from_world,
            posed.centres_xyz,
            np.array([_half_tangents(posed, name) for name in names]).reshape(-1, 2),
            points.xyz[asked],
            np.array(sees, dtype=bool).reshape(len(names), len(asked)),
            tuple(np.searchsorted(asked, ids) for ids in mine),
        )

    @property
    def counts(self) -> Float:
        """(N,) points of each frame that are asked after."""
        return np.array([len(mine) for mine in self.mine], np.float64)

    def asked_and_answered(self, row: int) -> tuple[Float, Float]:
        """(N,) points of frame `row` that each frame ought to see, and that it sees."""
        mine = self.mine[row]
        expected = self._expected(row, self.xyz[mine])  # (N, M)
        expected[row] = False
        shared = expected & self.sees[:, mine]
        return expected.sum(axis=1).astype(np.float64), shared.sum(axis=1, dtype=float)

    def _expected(self, row: int, xyz: Float) -> Bool:
        """(N, M) points that lie in a frame's picture, seen as `row` sees them."""
        rotations, shifts = np.split(self.cam_from_world[:, :3], [3], axis=2)
        x, y, z = np.moveaxis(rotations @ xyz.T + shifts, 1, 0)  # (N, M) each
        wide, tall = self.half_tangents.T[:, :, None] * np.maximum(z, 0.0)
        inside = (np.abs(x) < wide) & (np.abs(y) < tall)
        length = np.maximum(np.sqrt(x * x + y * y + z * z), 1e-300)  # camera to point
        # With rays r to a point from here and r - d from a camera that stands d aside,
        # r . (r - d) = |r|^2 - d . r.
        aside = self.centres_xyz - self.centres_xyz[row]
        product = length[row] ** 2 - aside @ (xyz - self.centres_xyz[row]).T
        near = product > np.cos(np.radians(_ANGLE_DEG)) * length * length[row]
        ratio = length / length[row]
        alike = (ratio < _DISTANCE_FACTOR) & (ratio > 1.0 / _DISTANCE_FACTOR)
        return inside & near & alike


def _evenly(count: int, most: int) -> Index:
    """At most so many of `count` places, evenly over all."""
    if count <= most:
        return np.arange(count)
    return np.linspace(0, count - 1, most).round().astype(np.int64)


def _half_tangents(cameras: PosedCameras, name: str) -> tuple[float, float]:
    """Of half the angle of view, horizontally and vertically, distortion left aside."""
    camera = cameras.camera_of(name)
    focal = mean_focal_px(camera)
    return camera.width / 2 / focal, camera.height / 2 / focal
