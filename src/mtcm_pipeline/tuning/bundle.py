"""Poses and points adjusted together, by COLMAP.

Dimension letters: V frames, O observations, P points.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.tuning.matches import Tracks

if TYPE_CHECKING:
    import pycolmap

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

# Error at which an observation of a frame that looks for its pose still agrees.
_FITS_PX = 3.0
# A pose by fewer points is a guess.
LEAST_POINTS = 12
_TRIALS = (30, 300)
# Relative fall of the cost that is no longer worth a step.
_SETTLED = 1e-5
_CAMERA = 1


@dataclass(frozen=True)
class Anchors:
    """Where frames are believed to stand, if most of them are right.

    Attributes:
        cam_from_world: (V, 4, 4); only the centres hold.
        holding: (V) frames whose centres hold; three of them fix the gauge.
        sigma: distance at which a centre counts half (Cauchy): a frame that stands far
            from its anchor is hardly held by it.
    """

    cam_from_world: Float
    holding: Bool
    sigma: float


def resected(
    frame: int, tracks: Tracks, xyz: Float, known: Bool
) -> tuple[Float, float] | None:
    """The pose of a frame from points that are known, by COLMAP's LO-RANSAC.

    Args:
        frame: its row.
        tracks: O observations of P points.
        xyz: (P, 3).
        known: (P,) points that count.

    Returns:
        (4, 4) cam_from_world and the share of the points that agree with it; None where
        there are too few points or no pose fits.
    """
    import pycolmap

    seen = (tracks.frame == frame) & known[tracks.point]
    if int(seen.sum()) < LEAST_POINTS:
        return None
    options = pycolmap.AbsolutePoseEstimationOptions()
    options.ransac.max_error = _FITS_PX
    options.ransac.min_num_trials, options.ransac.max_num_trials = _TRIALS
    options.ransac.random_seed = 0
    found = pycolmap.estimate_and_refine_absolute_pose(
        tracks.focal_px * tracks.xy[seen],
        xyz[tracks.point[seen]],
        _camera(tracks.focal_px),
        options,
    )
    if found is None:
        return None
    pose = np.eye(4)
    pose[:3] = found["cam_from_world"].matrix()
    return pose, float(np.mean(found["inlier_mask"]))


def bundle_adjusted(
    tracks: Tracks,
    cam_from_world: Float,
    xyz: Float,
    held: Bool,
    *,
    soft_px: float,
    iterations: int,
    anchors: Anchors | None = None,
) -> tuple[Float, Float]:
    """Poses and points that explain the observations best (Cauchy loss).

    Where no anchors are given and fewer than two frames are held, two that COLMAP
    chooses hold the gauge.

    Args:
        tracks: O observations of P points, each seen by two frames or more.
        cam_from_world: (V, 4, 4) to start from.
        xyz: (P, 3) likewise.
        held: (V,) frames whose poses stay.
        soft_px: error at which an observation counts half.
        iterations: at most.
        anchors: pull centres to where they are believed to be.

    Returns:
        (V, 4, 4) poses, those of frames that see nothing as they were, and (P, 3).
    """
    import pycolmap

    model, points = _model(tracks, cam_from_world, xyz)
    config = pycolmap.BundleAdjustmentConfig()
    config.set_constant_cam_intrinsics(_CAMERA)
    for image in model.images:
        config.add_image(image)
        if held[image - 1]:
            config.set_constant_rig_from_world_pose(image)
    free = sum(bool(held[image - 1]) for image in model.images) < 2
    if anchors is None and free:
        config.fix_gauge(pycolmap.BundleAdjustmentGauge.TWO_CAMS_FROM_WORLD)
    options = _solver_options(soft_px, iterations)
    if anchors is None:
        solver = pycolmap.create_default_bundle_adjuster(options, config, model)
    else:
        solver = pycolmap.create_pose_prior_bundle_adjuster(
            options, _anchor_options(), config, _priors(anchors, model), model
        )
    with _quiet_solver():
        solver.solve()
    poses = np.array(cam_from_world)
    for number, image in model.images.items():
        # There and back again costs digits: what is held stays to the last one.
        if not held[number - 1]:
            poses[number - 1, :3] = image.cam_from_world().matrix()
    return poses, np.array([model.points3D[point].xyz for point in points])


@contextmanager
def _quiet_solver() -> Iterator[None]:
    """Without a line on the console for each step that is tried again shorter."""
    import pycolmap

    level = pycolmap.logging.minloglevel
    pycolmap.logging.minloglevel = pycolmap.logging.Level.ERROR.value
    try:
        yield
    finally:
        pycolmap.logging.minloglevel = level


def _solver_options(soft_px: float, iterations: int) -> pycolmap.BundleAdjustmentOptions:
    import pycolmap

    options = pycolmap.BundleAdjustmentOptions()
    options.print_summary = False
    options.ceres.loss_function_type = pycolmap.LossFunctionType.CAUCHY
    options.ceres.loss_function_scale = soft_px
    options.ceres.solver_options.num_threads = 1
    options.ceres.solver_options.max_num_iterations = iterations
    options.ceres.solver_options.function_tolerance = _SETTLED
    return options


def _anchor_options() -> pycolmap.PosePriorBundleAdjustmentOptions:
    import pycolmap

    options = pycolmap.PosePriorBundleAdjustmentOptions()
    options.alignment_ransac.random_seed = 0
    options.ceres.prior_position_loss_function_type = pycolmap.LossFunctionType.CAUCHY
    options.ceres.prior_position_loss_scale = 1.0
    return options


def _priors(anchors: Anchors, model: pycolmap.Reconstruction) -> list[pycolmap.PosePrior]:
    import pycolmap

    centres = invert_rigid(anchors.cam_from_world)[:, :3, 3]
    return [
        pycolmap.PosePrior(
            pose_prior_id=number,
            corr_data_id=image.data_id,
            position=centres[number - 1],
            position_covariance=anchors.sigma**2 * np.eye(3),
            coordinate_system=pycolmap.PosePriorCoordinateSystem.CARTESIAN,
        )
        for number, image in model.images.items()
        if anchors.holding[number - 1]
    ]


def _camera(focal_px: float) -> pycolmap.Camera:
    import pycolmap

    side = max(1, round(focal_px))
    camera = pycolmap.Camera.create_from_model_name(
        _CAMERA, "SIMPLE_PINHOLE", focal_px, side, side
    )
    camera.params = [focal_px, 0.0, 0.0]  # coordinates are normalised
    return camera


def _model(
    tracks: Tracks, cam_from_world: Float, xyz: Float
) -> tuple[pycolmap.Reconstruction, list[int]]:
    """COLMAP's model, image numbers one above the rows, and its numbers of the points."""
    import pycolmap

    model = pycolmap.Reconstruction()
    model.add_camera_with_trivial_rig(_camera(tracks.focal_px))
    xy = tracks.focal_px * tracks.xy
    place = np.zeros(len(tracks), np.int64)
    for frame in np.unique(tracks.frame).tolist():
        rows = np.flatnonzero(tracks.frame == frame)
        place[rows] = np.arange(len(rows))
        image = pycolmap.Image(
            name=str(frame),
            points2D=pycolmap.Point2DList([pycolmap.Point2D(p) for p in xy[rows]]),
            camera_id=_CAMERA,
            image_id=frame + 1,
        )
        pose = pycolmap.Rigid3d(cam_from_world[frame][:3])
        model.add_image_with_trivial_frame(image, pose)
    order = np.argsort(tracks.point, kind="stable")
    ends = np.searchsorted(tracks.point[order], np.arange(1, tracks.points))
    numbers, places = (tracks.frame + 1).tolist(), place.tolist()
    points = []
    for at, rows in zip(xyz, np.split(order, ends), strict=True):
        elements = [pycolmap.TrackElement(numbers[k], places[k]) for k in rows.tolist()]
        points.append(model.add_point3D(at, pycolmap.Track(elements)))
    return model, points
