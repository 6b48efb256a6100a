"""Which points of the scene each view sees, and from where: all that the surrogate needs.

Dimension letters: N views, P points.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.farthest_points import farthest_rows
from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.formats.undistort import undistorted_camera
from mtcm_pipeline.scene.points import ScenePoints
from mtcm_pipeline.scene.surface_points import scene_points
from mtcm_pipeline.scene.views import PinholeViews, pinhole_views
from mtcm_pipeline.scene.visibility import visible

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]

# Points that stand for the scene: some 300 of them are seen by each view, so that one
# point more or less moves a view's mean by a third of a hundredth.
SAMPLES = 600
# Pictures are compared at this size, and so many points make up the surfaces that hide
# each other: 2 to 3 CPU seconds for 50 photographs.
MEASURED_PX = 120
SURFACE_POINTS = 8000
# Views that the surfaces come from, spread over the capture; more only take memory.
_SWEPT_VIEWS = 120
# Views that choose these points, each the same number of those that it sees; they are
# spread over the capture, so that a video that lingers does not choose them all.
_CHOOSING_VIEWS = 60
# A turn by 90 degrees counts like travelling one camera distance.
_TURN_WEIGHT = 0.7
# How far behind the front surface a point may lie and still be seen, as a share of its
# depth: points of a hull have no outliers, those of a sweep have.
_HULL_MARGIN, _SWEEP_MARGIN = 0.03, 0.15


@dataclass(frozen=True)
class ViewGeometry:
    """Who sees what, from where; one row a view.

    Attributes:
        names: (N) frame names.
        centres_xyz: (N, 3) camera centres; NaN where a frame has no known view.
        focal_px: (N,) focal length in px of the photograph as it was taken, not of the
            small picture that was looked at; NaN likewise.
        points_xyz: (P, 3) points of the scene in the same world.
        seen: (N, P) whether a view sees a point.
    """

    names: tuple[str, ...]
    centres_xyz: Float
    focal_px: Float
    points_xyz: Float
    seen: Bool

    def __post_init__(self) -> None:
        n, p = len(self.names), len(self.points_xyz)
        shapes = {
            "centres_xyz": (self.centres_xyz.shape, (n, 3)),
            "focal_px": (self.focal_px.shape, (n,)),
            "points_xyz": (self.points_xyz.shape, (p, 3)),
            "seen": (self.seen.shape, (n, p)),
        }
        for name, (shape, expected) in shapes.items():
            if shape != expected:
                raise CaptureError(f"view geometry: {name} is {shape}, not {expected}")

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def unknown(cls) -> ViewGeometry:
        """Of no frame: what stands for a capture whose scene could not be measured."""
        nowhere = np.zeros((0, 3))
        return cls((), nowhere, np.zeros(0), nowhere, np.zeros((0, 0), dtype=bool))

    def rows_of(self, names: Sequence[str]) -> Int:
        """(len(names),) rows of the frames.

        Raises:
            CaptureError: a frame has no view.
        """
        row = {name: i for i, name in enumerate(self.names)}
        missing = [name for name in names if name not in row]
        if missing:
            raise CaptureError(
                f"no view geometry of {', '.join(map(repr, missing[:5]))}: it was "
                f"measured for other frames"
            )
        return np.array([row[name] for name in names], dtype=np.int64)

    def aligned(self, names: Sequence[str]) -> ViewGeometry:
        """Rows in the order of `names`; frames that have no view see nothing."""
        row = {name: i for i, name in enumerate(self.names)}
        rows = np.array([row.get(name, -1) for name in names], dtype=np.int64)
        known = rows >= 0
        if not len(self):
            raise CaptureError("view geometry of no frame cannot be aligned")
        return ViewGeometry(
            tuple(names),
            np.where(known[:, None], self.centres_xyz[rows], np.nan),
            np.where(known, self.focal_px[rows], np.nan),
            self.points_xyz,
            self.seen[rows] & known[:, None],
        )


def view_geometry(
    views: PinholeViews,
    points: ScenePoints,
    *,
    focal_px: Mapping[str, float] | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
) -> ViewGeometry:
    """Which of a sample of the scene's points each view sees.

    Args:
        views: N views.
        points: the scene's surfaces, in the views' world; they hide each other.
        focal_px: focal length of the photographs by frame name, in their own pixels;
            that of the small views where left out.
        samples: P points kept, as the views see them: what fills more pixels has more.
        seed: of the sample.

    Raises:
        CaptureError: there are no points, or no view sees any of them.
    """
    if not len(points) or not len(views):
        raise CaptureError("view geometry needs views and points; run the sweep first")
    margin = _SWEEP_MARGIN if np.ptp(points.spacing) > 0 else _HULL_MARGIN
    chosen = _sample(views, points, samples, margin=margin, seed=seed)
    xyz = points.xyz[chosen]
    focal = focal_px or {v.name: float(np.mean(v.focal_px)) for v in views.views}
    return ViewGeometry(
        views.names,
        np.stack([view.centre_xyz for view in views.views]),
        np.array([focal[name] for name in views.names], dtype=np.float64),
        xyz,
        visible(views.views, xyz, points.xyz, margin=margin),
    )


def _sample(
    views: PinholeViews, points: ScenePoints, samples: int, *, margin: float, seed: int
) -> Int:
    """Rows of the sampled points; one that several views chose stands there once."""
    rng = np.random.default_rng(seed)
    poses = np.stack([view.cam_from_world for view in views.views])
    centres = np.stack([view.centre_xyz for view in views.views])
    spread = farthest_rows(
        np.hstack([centres, _TURN_WEIGHT * poses[:, 2, :3]]), _CHOOSING_VIEWS
    )
    choosing = [views.views[row] for row in spread]
    seen = visible(choosing, points.xyz, points.xyz, margin=margin)
    if not seen.any():
        raise CaptureError(
            "no view sees any point: poses and points are not of one world"
        )
    taken: set[int] = set()
    orders = [rng.permutation(np.flatnonzero(of_view)).tolist() for of_view in seen]
    while len(taken) < samples and any(orders):
        for order in orders:
            if order and len(taken) < samples:
                taken.add(order.pop())
    return np.array(sorted(taken), dtype=np.int64)


def measure_geometry(
    photos: PosedPhotos,
    *,
    trusted: Sequence[str] | None = None,
    gauge: Similarity | None = None,
    focal_px: Mapping[str, float] | None = None,
    longer_side_px: int = MEASURED_PX,
    seed: int = 0,
) -> ViewGeometry:
    """The geometry of photographs, from nothing but themselves.

    Args:
        photos: N posed photographs.
        trusted: frames whose pictures say where the scene's surfaces are; all when left
            out. The others are only asked what they would see.
        gauge: into which the poses are brought; of these photographs when left out.
        focal_px: by frame name, of the photographs before they were made as small as
            these; those of these when left out.
        longer_side_px: at which the pictures are compared.
        seed: of the points.

    Raises:
        CaptureError: fewer than two trusted frames, or no surface is found.
    """
    views = pinhole_views(photos, longer_side_px, gauge)
    wanted = set(photos.names if trusted is None else trusted)
    sources = views.subset([name for name in photos.names if name in wanted])
    if len(sources) < 2:
        raise CaptureError(
            f"the scene's geometry needs 2 posed frames to be trusted, there "
            f"is {len(sources)}"
        )
    centres = np.array([view.centre_xyz for view in sources.views]).reshape(-1, 3)
    spread = np.sort(farthest_rows(centres, _SWEPT_VIEWS))
    sources = sources.subset([sources.names[row] for row in spread])
    points = scene_points(sources, SURFACE_POINTS, seed)
    # A picture twice as large shows twice as much; the small views are all of one size.
    focal = focal_px or focal_lengths_px(photos.cameras)
    return view_geometry(views, points, focal_px=focal, seed=seed)


def focal_lengths_px(cameras: PosedCameras) -> dict[str, float]:
    """By frame name, the mean of the focal lengths of a photograph without distortion.

    Raises:
        CaptureError: a camera that has no pinhole version (a panorama).
    """
    of_camera = {
        number: float(np.mean(undistorted_camera(camera).params[:2]))
        for number, camera in cameras.cameras.items()
    }
    numbers = zip(cameras.names, cameras.camera_ids, strict=True)
    return {name: of_camera[number] for name, number in numbers}
